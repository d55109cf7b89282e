"""The socket of live frames, over a real connection: what is answered, and what ends it."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from facecore.http import connections
from facecore.live import FRAME_BYTES, LiveSetting, run, sessions
from facecore.live import socket as module
from facecore.live.sessions import MOST_OF_ONE
from facecore.serving.queue import QueueStats
from facecore.settings import AnalysisSettings, RuntimeOptions
from tests.live.camera import PATIENCE_S
from tests.live.conftest import SETTING, ServedLive, until


def test_a_frame_is_answered_with_its_faces(live: ServedLive, hopper_file: bytes) -> None:
    """Number, size, box, label and times come back; the same face keeps its track."""
    session = live.open()
    with live.camera(session.key) as camera:
        first, second = (camera.shot(number, hopper_file) for number in (1, 4))
        # A frame that was read is gone, though the camera is still there.
        assert live.sessions._room.taken() == 0
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
    with pytest.raises(InvalidStatus) as refused, live.camera(session.key, origin=evil):
        pass
    assert refused.value.response.status_code == 403
    assert b"another site's page" in refused.value.response.body
    of_a_page_that_is_gone = session.key
    del session
    for key in ("", "x" * 32, of_a_page_that_is_gone):
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


def test_a_frame_that_is_too_large_ends_the_socket(
    live: ServedLive, hopper_file: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """10 MB are cut off where they are announced, with a sentence; 4 MB are still a frame."""
    monkeypatch.setattr(connections, "_HEARD_S", 0.3)
    session = live.open()
    with live.camera(session.key) as camera:
        camera.send(1, hopper_file + bytes(FRAME_BYTES - 8 - len(hopper_file)))
        assert camera.next("faces", "unread")["frame"] == 1
        with pytest.raises(ConnectionClosed) as caught:
            camera.send(2, bytes(10_000_000))
            camera.next()
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1009
    assert (
        caught.value.rcvd.reason == "A message of more than 4 MB is not taken: send smaller ones."
    )
    until(lambda: live.sessions.live() == 0)
    assert live.account.unfinished_bytes == 0


def test_a_camera_that_sends_nothing_is_ended(
    live: ServedLive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Silence ends the socket with a sentence, and leaves its place to others."""
    monkeypatch.setattr(module, "IDLE_S", 0.2)
    session = live.open()
    with live.camera(session.key) as camera:
        assert "No frame came for 0.2 s" in camera.next("problem")["sentence"]
    until(lambda: live.sessions.live() == 0)


def test_a_camera_that_waits_for_its_answer_is_not_ended(
    live: ServedLive, hopper_file: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who sends nothing because the server is slow is silent through no fault of its own."""
    monkeypatch.setattr(module, "IDLE_S", 0.2)
    session = live.open()
    with live.camera(session.key) as camera:
        with live.service.queue.enter("somebody else"):
            camera.send(1, hopper_file)
            camera.next("waiting")  # half a second
        assert camera.next("faces", "problem")["type"] == "faces"


def test_a_camera_that_takes_no_answers_is_ended(
    live: ServedLive, hopper_file: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who sends on and reads nothing is given up, and nothing piles up for it."""
    monkeypatch.setattr(module, "SLOW_S", 0.2)
    session = live.open()
    # Larger than what the machine keeps on its way.
    session.seconds.extend({"at": number, "filler": "x" * 50_000} for number in range(300))
    with socket.create_connection(("127.0.0.1", live.port)) as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.sendall(
            f"GET /live/frames?key={session.key} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        until(lambda: live.sessions.live() == 1)
        until(lambda: live.sessions.live() == 0)


def test_a_newer_connection_of_a_page_ends_the_older(live: ServedLive, hopper_file: bytes) -> None:
    """A page that comes back after a lost connection has its place, and its monitor, again."""
    session = live.open()
    with live.camera(session.key) as older:
        older.shot(1, hopper_file)
        older.next("monitor")
        with live.camera(session.key) as newer:
            assert newer.next("monitor")["seconds"][0]["offered"] > 0
            assert "newer connection" in older.next("problem")["sentence"]
            assert newer.shot(1, hopper_file)["visitors"] == 1


def test_a_camera_ends_soon_after_its_page(
    live: ServedLive, hopper_file: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that is away for a moment keeps it; of one that is closed the key opens nothing."""
    pages = {"is open": False}
    session = live.open(is_open=lambda: pages["is open"])
    with live.camera(session.key) as camera:
        camera.next("monitor")
        camera.shot(1, hopper_file)
        pages["is open"] = True
        camera.next("monitor")
        monkeypatch.setattr(sessions, "LOST_S", 0.0)
        camera.next("monitor")
        pages["is open"] = False
        assert "is closed" in camera.next("problem")["sentence"]
    until(lambda: live.sessions.live() == 0)
    with live.camera(session.key) as camera:
        assert "is closed" in camera.next("problem")["sentence"]


def test_one_visitor_leaves_room_for_others(live: ServedLive, hopper_file: bytes) -> None:
    """Neither all cameras' places nor all memory for frames can be one visitor's."""
    mine, others = [live.open() for _ in range(MOST_OF_ONE + 1)], live.open("somebody else")
    large = hopper_file + bytes(FRAME_BYTES - 8 - len(hopper_file))
    with ExitStack() as opened:
        cameras = [opened.enter_context(live.camera(one.key)) for one in mine]
        assert "4 cameras of yours" in cameras[-1].next("problem")["sentence"]
        other = opened.enter_context(live.camera(others.key))
        with live.service.queue.enter("a photo"):
            for camera in cameras[:-1]:
                camera.send(1, large)
            refused = [camera.next("unread", "waiting")["type"] for camera in cameras[:-1]]
            assert "unread" in refused
            other.send(1, large)
            assert other.next("unread", "waiting")["type"] == "waiting"
        assert other.next("faces")["frame"] == 1


def test_a_face_keeps_its_number_however_long_a_frame_takes(
    live: ServedLive, hopper_file: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow machine, or many who share, are no reason to begin anew with each frame."""
    monkeypatch.setattr(run, "_KEPT_S", 0.0)
    session = live.open()
    with live.camera(session.key) as camera:
        shots = [camera.shot(number, hopper_file) for number in (1, 2, 3)]
    assert len({shot["faces"][0]["track"] for shot in shots}) == 1


def test_only_the_newest_frame_waits(live: ServedLive, hopper_file: bytes) -> None:
    """While somebody else has the turn newer frames take the place of older ones, kept in line."""
    session = live.open()
    with live.camera(session.key) as camera:
        with live.service.queue.enter("somebody else"):
            for number in range(1, 9):
                camera.send(number, hopper_file)
            until(lambda: session.run is not None and session.run.newest_number == 8)
            assert camera.next("waiting")["frame"] == 8
            skipped = live.sessions.frames()["skipped"]
        assert camera.next("faces")["frame"] == 8
    until(lambda: live.sessions.live() == 0)
    assert live.sessions.frames() == {"read": 1, "skipped": 7}
    assert 0 < skipped <= 7  # a count that falls is taken for one that began anew
    assert live.service.queue.stats() == QueueStats(
        running=0, waiting=0, admitted=1, refused=0, timed_out=0, gave_up=0
    )


def test_a_setting_acts_on_the_next_frame_and_two_can_be_split(
    live: ServedLive, hopper_file: bytes
) -> None:
    """A threshold above every face shows none; beside it the other setting still shows one."""
    session = live.open()
    none = LiveSetting(replace(AnalysisSettings(), confidence=1.0), RuntimeOptions())
    with live.camera(session.key) as camera:
        assert len(camera.shot(1, hopper_file)["faces"]) == 1
        session.use(none, SETTING)
        split = camera.shot(2, hopper_file)
    assert (split["faces"], len(split["other"]["faces"])) == ([], 1)
    assert split["ms"]["total"] >= split["other"]["ms"]["total"]


def test_who_leaves_while_waiting_is_out_of_the_line(live: ServedLive, hopper_file: bytes) -> None:
    """A closed camera waits no longer, though its turn never came."""
    session = live.open()
    with live.service.queue.enter("somebody else"):
        with live.camera(session.key) as camera:
            camera.send(1, hopper_file)
            until(lambda: bool(live.service.queue._live))
        until(lambda: not live.service.queue._live)
    assert live.sessions.live() == 0


def test_four_cameras_share_and_a_photo_goes_before_them(
    live: ServedLive, hopper_file: bytes
) -> None:
    """A photo that comes after four cameras' frames is read before them; each is told its share."""
    sessions, queue = [live.open(str(number)) for number in range(4)], live.service.queue
    with ExitStack() as stack, ThreadPoolExecutor(1) as pool:
        cameras = [stack.enter_context(live.camera(one.key)) for one in sessions]

        def photo() -> int:
            with queue.enter("a photo"):
                return live.sessions.frames()["read"]

        with queue.enter("somebody else"):
            for camera in cameras:
                camera.send(1, hopper_file)
            until(lambda: len(queue._live) == 4)
            read = pool.submit(photo)
            until(lambda: queue.stats().waiting == 1)
        assert read.result(PATIENCE_S) == 0
        answers = [camera.next("faces") for camera in cameras]
    assert [one["visitors"] for one in answers] == [4] * 4
    assert all(one["share_fps"] > 0 for one in answers)
