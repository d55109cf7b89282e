"""Clips made of the repository's samples, and hostile ones made of these."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from facecore.imaging.decoding import BgrImage
from tests.conftest import SAMPLES

CODECS = {".mp4": "mp4v", ".mov": "mp4v", ".mkv": "VP80", ".webm": "VP90", ".avi": "MJPG"}
"""What OpenCV's own writer puts into each container."""

_PARENTS = (b"moov", b"trak", b"mdia", b"minf", b"stbl")


def scene(number: int, count: int, size_wh: tuple[int, int]) -> BgrImage:
    """Return a frame in which two people walk past each other."""
    width, height = size_wh
    frame = np.full((height, width, 3), 90, np.uint8)
    side = height * 5 // 8
    for place, name in enumerate(("bernie_sanders.jpg", "sharice_davids.jpg")):
        face = cv2.resize(_sample(name), (side * 4 // 5, side))
        room = width // 2 - face.shape[1]
        moved = room * number // max(1, count - 1)
        left = width // 2 * place + (moved if place == 0 else room - moved)
        frame[height // 6 : height // 6 + side, left : left + face.shape[1]] = face
    return frame


def write_clip(
    path: Path,
    *,
    frames: int = 25,
    fps: float = 25,
    size_wh: tuple[int, int] = (320, 180),
    draw: Callable[[int, int, tuple[int, int]], BgrImage] = scene,
) -> Path:
    """Write a clip in the container of its suffix and return its path."""
    code = cv2.VideoWriter.fourcc(*CODECS[path.suffix])
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, code, fps, size_wh)
    assert writer.isOpened()
    for number in range(frames):
        writer.write(draw(number, frames, size_wh))
    writer.release()
    return path


def with_box(data: bytes, name: bytes, content: bytes) -> bytes:
    """Return an MP4, whose index is behind its pictures, with another content of a box."""
    end = data.index(name) + struct.unpack_from(">I", data, data.index(name) - 4)[0] - 4
    start = data.index(name) + 4
    grown = len(content) - (end - start)
    changed = bytearray(data[:start] + content + data[end:])
    for one in (*_PARENTS, name):
        at = changed.index(one) - 4
        struct.pack_into(">I", changed, at, struct.unpack_from(">I", changed, at)[0] + grown)
    return bytes(changed)


def at_times(data: bytes, deltas: list[int]) -> bytes:
    """Return an MP4 whose frames are shown for so many of its units of time each."""
    entries = b"".join(struct.pack(">II", 1, delta) for delta in deltas)
    return with_box(data, b"stts", struct.pack(">II", 0, len(deltas)) + entries)


def turned(data: bytes) -> bytes:
    """Return an MP4 that is to be shown turned clockwise by a quarter."""
    # ISO 14496-12, 8.3.2: the matrix, fixed point, is 40 bytes into a track's header.
    at = data.index(b"tkhd") + 4 + 40
    matrix = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    return data[:at] + matrix + data[at + 36 :]


def trimmed(data: bytes, start_s: float, length_s: float) -> bytes:
    """Return an MP4 of which only a part is shown, by a list of edits: what `-c copy` cuts out."""
    changed = bytearray(data)

    def units_per_s(box: bytes) -> int:
        return int.from_bytes(data[data.index(box) + 16 :][:4])

    length = round(length_s * units_per_s(b"mvhd"))
    struct.pack_into(">I", changed, data.index(b"tkhd") + 24, length)
    edit = (1, length, round(start_s * units_per_s(b"mdhd")))
    struct.pack_into(">III", changed, data.index(b"elst") + 8, *edit)
    return bytes(changed)


def hostile(clips: dict[str, bytes], port: int, count: int) -> Iterator[tuple[str, bytes]]:
    """Return names and bytes of files that were made to do harm, always the same.

    Args:
        clips: good ones, by their suffix.
        port: of 127.0.0.1, where somebody listens.
        count: how many; the first twenty are of a kind each.
    """
    url = f"http://127.0.0.1:{port}/a.ts"
    mp4, webm, avi = clips[".mp4"], clips[".webm"], clips[".avi"]
    bare = with_box(mp4, b"dinf", _reference(url.encode()))
    yield "empty.mp4", b""
    yield "playlist.m3u8", f"#EXTM3U\n#EXTINF:1,\n{url}\nfile:///etc/passwd\n".encode()
    yield "playlist.mp4", f"#EXTM3U\n#EXTINF:1,\n{url}\n".encode()
    yield "list.mkv", f"ffconcat version 1.0\nfile '/etc/passwd'\nfile '{url}'\n".encode()
    yield "session.mov", f"v=0\nc=IN IP4 127.0.0.1\nm=video {port} RTP/AVP 96\n".encode()
    yield "dash.mp4", f'<?xml version="1.0"?><MPD><BaseURL>{url}</BaseURL></MPD>'.encode()
    yield "list.avi", f'<asx version="3.0"><entry><ref href="{url}"/></entry></asx>'.encode()
    yield "%03d.mp4", b"frame%03d.png"
    yield "reference.mov", bare
    yield "redirect.mov", _box(b"ftyp", b"qt  \0\0\0\0qt  ") + _redirect(url.encode())
    yield "lied.webm", b"\x1a\x45\xdf\xa3\x9f" + f"#EXTM3U\n{url}\n".encode()
    yield "lied.avi", b"RIFF\xff\xff\xff\x7fAVI " + f"#EXTM3U\n{url}\n".encode()
    yield "huge.mp4", _sized(mp4, 0xFFFF, 0xFFFF)
    # Of each JPEG in it (ITU-T T.81, B.2.2).
    size, huge = struct.pack(">HH", 180, 320), struct.pack(">HH", 20000, 20000)
    yield "huge.avi", avi.replace(b"\xff\xc0\0\x11\x08" + size, b"\xff\xc0\0\x11\x08" + huge)
    yield "billion.mp4", _billion(mp4)
    yield "timescale.mp4", _timescale(mp4, 0)
    yield "absurd.mp4", _timescale(mp4, 0x7FFFFFFF)
    yield "cut.webm", webm[: len(webm) // 2]
    yield "cut.avi", avi[: len(avi) // 2]
    yield "cut.mp4", mp4[: len(mp4) // 2]
    chance = random.Random(16)
    suffixes = sorted(clips)
    for number in range(20, count):
        suffix = suffixes[number % len(suffixes)]
        data = bytearray(clips[suffix])
        kind = number % 3
        if kind == 0:
            data = data[: chance.randrange(12, len(data))]
        # The index and the headers are where damage does most.
        room = (0, min(2000, len(data))) if kind == 1 else (0, len(data))
        if kind:
            for _ in range(chance.choice((1, 8, 64))):
                data[chance.randrange(*room)] ^= 1 << chance.randrange(8)
        yield f"{('cut', 'header', 'flipped')[kind]}{number}{suffix}", bytes(data)


def _box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + name + content


def _reference(url: bytes) -> bytes:
    """ISO 14496-12, 8.7.2: where a track's pictures are; a `url ` that is not this file."""
    entry = _box(b"url ", b"\0\0\0\0" + url + b"\0")
    return _box(b"dref", struct.pack(">II", 0, 1) + entry)


def _redirect(url: bytes) -> bytes:
    """QuickTime File Format, "Reference Movies"."""
    place = _box(b"rdrf", b"\0\0\0\0url " + struct.pack(">I", len(url)) + url)
    return _box(b"moov", _box(b"rmra", _box(b"rmda", place)))


def _sized(mp4: bytes, width: int, height: int) -> bytes:
    at = mp4.index(b"mp4v", mp4.index(b"stsd")) + 28
    return mp4[:at] + struct.pack(">HH", width, height) + mp4[at + 4 :]


def _billion(mp4: bytes) -> bytes:
    """All frames of one size and one duration, a thousand million times."""
    sized = with_box(mp4, b"stsz", struct.pack(">III", 0, 1, 10**9))
    chunks = with_box(sized, b"stsc", struct.pack(">IIIII", 0, 1, 1, 10**9, 1))
    return with_box(chunks, b"stts", struct.pack(">IIII", 0, 1, 10**9, 1))


def _timescale(mp4: bytes, scale: int) -> bytes:
    at = mp4.index(b"mdhd") + 16
    return mp4[:at] + struct.pack(">I", scale) + mp4[at + 4 :]


def _sample(name: str) -> BgrImage:
    image = cv2.imread(str(SAMPLES / name))
    assert image is not None
    return np.asarray(image, np.uint8)
