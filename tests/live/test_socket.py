"""The socket of live frames, over a real connection: what is answered, and what ends it."""

from __future__ import annotations

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.live.conftest import ServedLive, until


def test_a_frame_is_answered_with_its_faces(live: ServedLive, hopper_file: bytes) -> None:
    """Number, size, box, label and times come back; the same face keeps its track."""
    session = live.open()
    with live.camera(session.key) as camera:
        first, second = (camera.shot(number, hopper_file) for number in (1, 4))
    assert (first["frame"], first["width"], first["height"]) == (1, 512, 600)
    (face,) = first["faces"]
    assert face["label"].startswith("Male ") and face["label"].endswith(" %, (60-100)")
    assert first["ms"].keys() == {"queue", "decode", "detect", "classify", "total"}
    assert (first["other"], first["share_fps"], first["visitors"]) == (None, None, 1)
    assert second["faces"][0]["track"] == face["track"]
    until(lambda: live.sessions.live() == 0)
    assert live.sessions.frames() == {"read": 2, "skipped": 2}


def test_a_foreign_page_and_an_unknown_key_are_refused(live: ServedLive) -> None:
    """The one has no socket at all, the other a sentence; neither a run."""
    session = live.open()
    evil = "http://evil.example"
    with pytest.raises(InvalidStatus, match="403"), live.camera(session.key, origin=evil):
        pass
    session.close()
    for key in ("", "x" * 32, session.key):
        with live.camera(key) as camera:
            assert "load it again" in camera.next("problem")["sentence"]
            with pytest.raises(ConnectionClosed) as caught:
                camera.next()
        assert caught.value.rcvd is not None
        assert (caught.value.rcvd.code, live.sessions.live()) == (1008, 0)


def test_frames_that_are_no_picture_end_the_socket(live: ServedLive, hopper_file: bytes) -> None:
    """Each is one sentence, a good one begins the count anew, the fifth in a row is the last."""
    session = live.open()
    with live.camera(session.key) as camera:
        for number in (1, 2, 3, 4, 6, 7, 8, 9):
            camera.send(number, b"junk")
            assert camera.next("unread")["frame"] == number
            if number == 4:
                camera.shot(5, hopper_file)
        camera.send(10, b"junk")
        assert camera.next("problem")["sentence"] == "5 frames in a row are no picture."
        with pytest.raises(ConnectionClosed):
            camera.next()
