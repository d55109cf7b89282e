"""Live frames of a browser's camera: read over a websocket of the same server, kept nowhere."""

from facecore.live.run import LiveSetting
from facecore.live.sessions import LiveSession, is_served, open_session
from facecore.live.wire import FRAME_BYTES, LIVE_PATH, LiveError

__all__ = [
    "FRAME_BYTES",
    "LIVE_PATH",
    "LiveError",
    "LiveSession",
    "LiveSetting",
    "is_served",
    "open_session",
]
