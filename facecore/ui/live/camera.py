"""The camera of the Live page, as a component: it sends frames and draws what comes back.

Its socket goes to the server's own route, beside Streamlit's: a frame is neither an upload nor a
run of the page, and what the sidebar says acts on the next one.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from facecore.live import LIVE_PATH
from facecore.settings import AnalysisSettings
from facecore.ui.streamlit_internals import base_path
from facecore.wording import Text, _

_FOLDER = Path(__file__).resolve().parent
# Streamlit takes one script; the last of these is what it calls.
_SCRIPTS = ("source.js", "sending.js", "picture.js", "monitor.js", "live.js")
_MOST_SIDE_PX = 1280
_QUALITY = 0.85
_WORDS = {
    "start": Text("Start the camera"),
    "screen": Text("A window or the screen"),
    "file": Text("Play a video file"),
    "stop": Text("Stop"),
    "cameras": Text("Camera"),
    "camera": Text("Camera"),
    "empty": Text("Nothing is sent yet: start the camera, or play a video file."),
    "off": Text("The camera is off."),
    "camera_on": Text("The camera is on: frames are sent to this server and not stored."),
    "screen_on": Text("The screen is shared: frames are sent to this server and not stored."),
    "file_on": Text("The video plays: frames are sent to this server and not stored."),
    "unsent": Text("Still on, but nothing is sent until the server answers again."),
    "no_face": Text("No face in this frame"),
    "share": Text("Your share: {frames} frames/s, {visitors} visitors are live."),
    "left": Text("Faces that are read in the next frames: {faces}."),
    "ended": Text("The picture has ended: whoever gave it has taken it back. Start it again."),
    "lost": Text("The connection to the server was lost: try {number} of {tries} to have it back."),
    "gone": Text(
        "The server does not answer: look whether it runs, reload the page and start again."
    ),
    "insecure": Text(
        "Browsers give a camera only to pages with HTTPS or of this machine itself: open this "
        "page by an address that begins with https://, or play a video file."
    ),
    "unsupported": Text(
        "This browser gives pages no camera: use a newer one, or play a video file."
    ),
    "refused": Text(
        "The camera was refused: allow it for this page, by the sign beside the address, and "
        "start it again."
    ),
    "no_camera": Text(
        "No camera was found: plug one in, and start it again, or play a video file."
    ),
    "in_use": Text(
        "The camera cannot be used: close what else may be using it, and start it again."
    ),
    "screen_refused": Text("No window was chosen, or sharing it is not allowed: try again."),
    "no_screen": Text("The screen cannot be shared here: use the camera, or play a video file."),
    "not_playable": Text("The browser cannot play this file: choose an MP4 or WebM video."),
    "monitor": Text("What the server does, in the last three minutes"),
    "frames": Text("Frames per second"),
    "latency": Text("Latency from glass to answer"),
    "stages": Text("Time by stage"),
    "cpu": Text("CPU of the server"),
    "memory": Text("Memory of the server"),
    "faces": Text("Faces and tracks"),
}
_FIGURES = {
    "read": Text("{value} read"),
    "offered": Text("{value} offered"),
    "p50": Text("p50 {value} ms"),
    "p95": Text("p95 {value} ms"),
    "queue": Text("queue {value}"),
    "decode": Text("decode {value}"),
    "detect": Text("detect {value}"),
    "classify": Text("classify {value}"),
    "rest": Text("rest {value} ms"),
    "cpu": Text("{value} %"),
    "memory": Text("{value} MB"),
    "faces": Text("faces {value}"),
    "tracks": Text("tracks {value}"),
}
_SCALES = {
    "frames": Text("0 to {top} in the last {span} s"),
    "latency": Text("0 to {top} ms in the last {span} s"),
    "stages": Text("0 to {top} ms in the last {span} s"),
    "cpu": Text("0 to {top} % in the last {span} s"),
    "memory": Text("0 to {top} MB in the last {span} s"),
    "faces": Text("0 to {top} in the last {span} s"),
}


def longest_side_px(ways: Iterable[AnalysisSettings]) -> int:
    """Return how long the frames are that these ways of reading look at: pixels, at most 1280."""
    return min(max(one.max_side_px or _MOST_SIDE_PX for one in ways), _MOST_SIDE_PX)


def live_camera(key: str, side_px: int, titles: Sequence[str]) -> None:
    """Draw the camera, its frames with what is read in them, and the monitor beside.

    It keeps its state while the page runs again.

    Args:
        key: of the live session.
        side_px: of the longest side of the frames that are sent, at most.
        titles: of the one picture, or of the two that are split, from the left.
    """
    _component()(
        key="live_camera",
        data={
            "key": key,
            "path": f"{base_path()}{LIVE_PATH}",
            "frames": {"side": side_px, "quality": _QUALITY},
            "titles": list(titles) if len(titles) > 1 else [],
            "words": {**_said(_WORDS), "figures": _said(_FIGURES), "scales": _said(_SCALES)},
        },
    )


def _said(words: Mapping[str, Text]) -> dict[str, str]:
    return {name: _(text) for name, text in words.items()}


@functools.cache
def _component() -> ComponentRenderer:
    # With their contents: Streamlit finds the files of a package only where pip installed it.
    return st.components.v2.component(
        "facecore_live",
        css=(_FOLDER / "live.css").read_text(encoding="utf-8"),
        js="\n".join((_FOLDER / name).read_text(encoding="utf-8") for name in _SCRIPTS),
    )
