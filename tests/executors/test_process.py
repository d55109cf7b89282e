"""Real worker processes: what they answer, what acts in them, and how they end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from multiprocessing.connection import wait
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.engines import engine_facts
from facecore.errors import (
    DamagedImageError,
    FacecoreError,
    ImageTooLargeError,
    ModelError,
    ModelHashError,
    UnsupportedImageError,
    WorkerDiedError,
    WorkerError,
    WorkerTimeoutError,
)
from facecore.executors import launch
from facecore.executors.messages import Failed, Load, decode, encode
from facecore.executors.process import Cancelled, WorkerProcess
from facecore.settings import AnalysisSettings, ProcessOptions, RuntimeOptions
from tests.conftest import REPOSITORY, face_rows
from tests.executors.conftest import TIMEOUT_S, is_gone

pytestmark = pytest.mark.slow
SETTINGS = AnalysisSettings()


# Goes into a pipe as a whole, also where nobody takes it out.
SMALL = b"no photo"


@pytest.fixture(scope="module")
def shared() -> Iterator[WorkerProcess]:
    """A worker with its networks, for tests that leave it well."""
    with WorkerProcess(max_pixels=1_000_000) as worker:
        _expect_it_wants_its_networks(worker)
        worker.load()
        yield worker


def _expect_it_wants_its_networks(worker: WorkerProcess) -> None:
    """Asked before it was told to load, a worker answers with a sentence and goes on."""
    for _ in range(2):
        worker.ask(SMALL, SETTINGS)
        with pytest.raises(WorkerError, match="before it had its networks"):
            worker.answer()


@pytest.fixture
def own() -> Iterator[WorkerProcess]:
    """A worker that answers, yet without networks, for a test that does it harm."""
    with WorkerProcess() as worker:
        _expect_it_wants_its_networks(worker)
        yield worker


@pytest.mark.skipif(not Path("/proc/self/oom_score_adj").exists(), reason="needs Linux")
def test_a_worker_is_ended_before_its_parent_where_memory_ends(
    shared: WorkerProcess,
) -> None:
    """What the kernel takes first is a variant or a photo, and not the server."""
    assert int(Path(f"/proc/{shared.pid}/oom_score_adj").read_text()) >= 500


def _large_png() -> bytes:
    """A photo of 1.44 megapixels."""
    written, data = cv2.imencode(".png", np.full((1200, 1200, 3), 128, np.uint8))
    assert written
    return data.tobytes()


def _answered_size(worker: WorkerProcess, photo: bytes) -> tuple[int, int]:
    worker.ask(photo, SETTINGS)
    return worker.answer().analysis.size_wh


def test_answer_is_that_of_this_process(
    shared: WorkerProcess, analyzer: FaceAnalyzer, hopper_file: bytes
) -> None:
    """A worker with the same options finds the same faces, to the last digit."""
    shared.ask(hopper_file, SETTINGS)
    answer = shared.answer()
    known = analyzer.analyze(hopper_file, SETTINGS)
    assert (face_rows(answer.analysis.faces) == face_rows(known.faces)).all()
    assert len(answer.analysis.faces) == 1
    assert answer.analysis.size_wh == known.size_wh
    assert answer.analysis.settings == SETTINGS
    assert answer.analysis.preview_jpeg is None
    assert 0 < answer.analysis.resources.wall_time_s <= answer.cycle_time_s
    assert answer.cycle_cpu_s > 0


def test_kept_photo_is_read_by_its_key(shared: WorkerProcess, astronaut_file: bytes) -> None:
    """A photo that was handed over once can be asked for any number of times."""
    shared.keep("mine", astronaut_file)
    for _ in range(2):
        shared.ask("mine", SETTINGS)
        answer = shared.answer()
        assert answer.analysis.size_wh == (512, 512)
        assert answer.analysis.reused == ()
    shared.ask("other", SETTINGS)
    with pytest.raises(WorkerError, match="never given"):
        shared.answer()


def test_preview_costs_its_time_and_stays_there(
    shared: WorkerProcess, astronaut_file: bytes
) -> None:
    """A picture is drawn and encoded where it was asked for, and not sent."""
    shared.ask(astronaut_file, SETTINGS, preview_side_px=100)
    analysis = shared.answer().analysis
    assert analysis.preview_jpeg is None
    assert analysis.timings.encode_ms > 0


@pytest.mark.parametrize(
    ("photo", "kind", "says"),
    [
        (b"", UnsupportedImageError, "empty"),
        (b"just text", UnsupportedImageError, "not a picture"),
        ("short", DamagedImageError, "cut short"),
        ("large", ImageTooLargeError, "1 megapixels"),
    ],
)
def test_kind_of_an_error_comes_through(
    shared: WorkerProcess,
    hopper_file: bytes,
    photo: bytes | str,
    kind: type[FacecoreError],
    says: str,
) -> None:
    """A photo that cannot be read raises here what it raised there, and the worker goes on."""
    made = {"short": hopper_file[:30_000], "large": _large_png()}
    shared.ask(made[photo] if isinstance(photo, str) else photo, SETTINGS)
    with pytest.raises(kind, match=says):
        shared.answer()
    assert _answered_size(shared, hopper_file) == (512, 600)


def test_descriptor_tells_when_an_answer_is_there(
    shared: WorkerProcess, astronaut_file: bytes
) -> None:
    """One can wait for several workers at once by their descriptors."""
    assert not wait([shared], timeout=0)  # type: ignore[list-item]
    shared.ask(astronaut_file, SETTINGS)
    (ready,) = wait([shared], timeout=TIMEOUT_S)  # type: ignore[list-item]
    assert ready is shared  # type: ignore[comparison-overlap]
    shared.answer()


def test_killed_worker_is_told_of_with_the_signal(own: WorkerProcess) -> None:
    """When a worker is killed, the error says by which signal, now and later."""
    os.kill(own.pid, signal.SIGSEGV)
    name = "SIGSEGV"
    with pytest.raises(WorkerDiedError, match=rf"^A worker process ended \(signal {name}\)\.$"):
        own.ask(b"photo", SETTINGS)
        own.answer()
    with pytest.raises(WorkerDiedError, match=name):
        own.ask(b"photo", SETTINGS)
    own.stop()


@pytest.mark.skipif(not hasattr(signal, "SIGRTMIN"), reason="needs real-time signals")
def test_signal_without_a_name_is_told_by_its_number(own: WorkerProcess) -> None:
    """Real-time signals have a number only."""
    number = signal.SIGRTMIN + 3
    os.kill(own.pid, number)
    with pytest.raises(WorkerDiedError, match=rf"signal {number}"):
        own.ask(b"photo", SETTINGS)
        own.answer()


def test_worker_killed_over_a_photo_is_told_of(own: WorkerProcess) -> None:
    """A worker that goes while somebody waits for its answer ends the wait."""
    os.kill(own.pid, signal.SIGSTOP)
    own.ask(SMALL, SETTINGS)
    threading.Timer(0.2, os.kill, (own.pid, signal.SIGKILL)).start()
    with pytest.raises(WorkerDiedError, match="SIGKILL"):
        own.answer()


def test_worker_that_hangs_is_stopped(own: WorkerProcess) -> None:
    """Whoever waits can call it off; one that does not answer in time is told of, and no more."""
    os.kill(own.pid, signal.SIGSTOP)
    own.ask(SMALL, SETTINGS)
    asked = iter([False, True])
    with pytest.raises(Cancelled):
        own.answer(cancelled=lambda: next(asked))
    with pytest.raises(WorkerTimeoutError, match=r"did not answer within 0\.3 seconds"):
        own.answer(timeout_s=0.3)
    assert is_gone(own.pid)
    own.stop()
    own.stop()


def test_worker_that_takes_nothing_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Handing a large photo to a worker that hangs does not hang as well."""
    monkeypatch.setattr(launch, "TRANSFER_TIMEOUT_S", 1)
    with WorkerProcess() as worker:
        os.kill(worker.pid, signal.SIGSTOP)
        with pytest.raises(WorkerTimeoutError, match="within 1 seconds"):
            worker.ask(bytes(20_000_000), SETTINGS)
        assert is_gone(worker.pid)


def test_worker_ends_with_its_parent(tmp_path: Path) -> None:
    """When the parent is killed at once, its worker is gone soon, busy or not."""
    script = (
        "import sys, time\n"
        "from facecore.executors.process import WorkerProcess\n"
        "from facecore.settings import AnalysisSettings, ProcessOptions\n"
        "worker = WorkerProcess(process=ProcessOptions(min_interval_ms=60000))\n"
        "worker.load()\n"
        "worker.ask(open(sys.argv[1], 'rb').read(), AnalysisSettings())\n"
        "print(worker.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    photo = tmp_path / "photo.png"
    photo.write_bytes(_large_png())
    with subprocess.Popen(
        [sys.executable, "-c", script, photo], cwd=REPOSITORY, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert psutil.pid_exists(pid)
        parent.kill()
        assert is_gone(pid)


def test_worker_that_is_still_loading_ends_with_its_parent() -> None:
    """A parent that is killed while its worker starts leaves none behind."""
    script = (
        "import time; from facecore.executors.process import WorkerProcess\n"
        "worker = WorkerProcess(); print(worker.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=REPOSITORY, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
        assert is_gone(pid)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="needs Linux's processor sets")
def test_process_is_as_asked_for(astronaut_file: bytes) -> None:
    """A worker may run on its one core only and lacks vector units, and knows it; it still reads.

    The throttle's wait counts as the cycle's time. This process may run as before.
    """
    before = os.sched_getaffinity(0)
    here = engine_facts(RuntimeOptions()).cpu_features
    off = tuple(name for name in ("AVX512-SKX", "AVX2", "FMA3") if name in here)
    process = ProcessOptions(cores=1, cpu_features_off=off, min_interval_ms=1500)
    with WorkerProcess(process=process) as worker:
        facts = worker.load()
        assert psutil.Process(worker.pid).cpu_affinity() == [min(before)]
        worker.ask(astronaut_file, SETTINGS)
        answer = worker.answer()
    assert (facts.cores, facts.engine.threads, facts.engine.cpus_seen) == (1, 1, 1)
    assert os.sched_getaffinity(0) == before
    assert set(facts.engine.cpu_features) == set(here) - set(off)
    assert len(answer.analysis.faces) == 1
    assert answer.cycle_time_s >= 1.5
    assert answer.analysis.timings.total_ms / 1e3 < answer.cycle_time_s


def test_missing_networks_are_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a worker cannot load its networks, the error is that of a start here."""
    monkeypatch.setenv("FACECORE_MODELS_DIR", str(tmp_path / "nothing"))
    with WorkerProcess() as worker, pytest.raises(ModelError, match="FACECORE_MODELS_DIR"):
        worker.load()
    (tmp_path / "age_net.caffemodel").write_bytes(b"other weights")
    monkeypatch.setenv("FACECORE_MODELS_DIR", str(tmp_path))
    with WorkerProcess() as worker, pytest.raises(ModelHashError, match="SHA-256"):
        worker.load()


def test_folder_it_is_started_in_brings_no_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A json.py among the photos is not taken for Python's own."""
    for name in ("json.py", "facecore.py", "numpy.py"):
        (tmp_path / name).write_text("raise SystemExit('mine')")
    monkeypatch.chdir(tmp_path)
    with WorkerProcess() as worker:
        assert worker.load().load_time_ms > 0


def test_process_that_cannot_be_started_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the system gives no process, one sentence says why."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "missing"))
    with pytest.raises(WorkerError, match=r"can be started \(No such file or directory\)"):
        WorkerProcess()


def test_last_words_of_a_worker_are_told(impostor: Callable[[str], None]) -> None:
    """A worker that ends by itself is told of with its status and the last line it wrote."""
    impostor("print('no luck today', file=sys.stderr); sys.exit(3)")
    with (
        WorkerProcess() as worker,
        pytest.raises(WorkerDiedError, match=r"\(exit status 3, no luck today\)"),
    ):
        worker.load()


def test_worker_that_says_nothing_at_its_end(impostor: Callable[[str], None]) -> None:
    """A worker that ends without a word is told of with its status."""
    impostor("link.recv_bytes(); os._exit(0)")
    with WorkerProcess() as worker, pytest.raises(WorkerDiedError, match=r"\(exit status 0\)"):
        worker.load()


def test_worker_that_hangs_up_is_told_of(impostor: Callable[[str], None]) -> None:
    """A worker that closes its side but goes on is told of, and can be stopped."""
    impostor("link.recv_bytes(); link.close(); signal.pause()")
    with WorkerProcess() as worker:
        with pytest.raises(WorkerDiedError, match="it closed its side"):
            worker.load()
        pid = worker.pid
    assert is_gone(pid)


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (b"", "no message"),
        (b"{}", "no message"),
        (b'{"type": "Loaded", "facts": {"engine": [], "cores": 1}}', "no message"),
        (b'{"type": "Kept"}', "no message"),
        (b'{"type": "Failed", "error": {"template": "Mend."}, "kind": "KeyError"}', "^Mend.$"),
    ],
)
def test_malformed_answer_to_loading_is_one_sentence(
    impostor: Callable[[str], None], reply: bytes, says: str
) -> None:
    """Whatever a worker answers, the error is ours and one sentence."""
    impostor(f"link.send_bytes({reply!r}); signal.pause()")
    with WorkerProcess() as worker, pytest.raises(FacecoreError, match=says) as caught:
        worker.load()
    assert str(caught.value).count(".") == 1


_FACE = b'{"box": [5, 0, 1, 1], "confidence": 1, "gender": [0, 1], "age_group": [1,0,0,0,0,0,0,0]}'


@pytest.mark.parametrize(
    ("faces", "settings"), [(b"5", b"{}"), (b"[{}]", b"{}"), (b"[%s]" % _FACE, b"{}")]
)
def test_malformed_answer_to_a_photo_is_one_sentence(
    impostor: Callable[[str], None], faces: bytes, settings: bytes
) -> None:
    """An answer that is none is told of, and not taken for one."""
    reply = (
        b'{"type": "Answer", "faces": %s, "rest": {"faces": [], "candidates": [], '
        b'"size_wh": [1, 1], "timings": {}, "resources": '
        b'{"started_at": "2024-01-01T00:00:00Z", "wall_time_s": 1, "cpu_time_s": 1, '
        b'"rss_before_bytes": 1, "rss_after_bytes": 1, "peak_rss_bytes": 1}, "settings": %s, '
        b'"reused": []}}' % (faces, settings)
    )
    impostor(f"link.send_bytes({reply!r}); signal.pause()")
    with WorkerProcess() as worker:
        worker.ask(b"photo", SETTINGS)
        with pytest.raises(WorkerError, match=r"^A worker process sent (an answer|something) that"):
            worker.answer()


def test_worker_that_stops_within_its_answer_is_stopped(
    impostor: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that begins and does not end is waited for no longer than any piece of one."""
    monkeypatch.setattr(launch, "TRANSFER_TIMEOUT_S", 1)
    impostor("os.write(link.fileno(), b'\\0\\0\\1\\0{'); signal.pause()")
    with WorkerProcess() as worker, pytest.raises(WorkerTimeoutError, match="within 1 seconds"):
        worker.load()


def test_worker_answers_nonsense_with_a_sentence() -> None:
    """A worker that is told what it does not know, or may not do, says so, and serves on."""
    nonsense = (b"{}", b'{"type": "Dance"}', b'{"type": "Analyze"}', b"none")
    orders = dict.fromkeys(nonsense, "WorkerError")
    orders[encode(Load(RuntimeOptions(), 1)).replace(b'"threads":null', b'"threads":0')] = (
        "SettingsError"
    )
    link, theirs = launch.linked()
    with subprocess.Popen(
        launch.command(ProcessOptions(), theirs.fileno()),
        env=launch.environment(ProcessOptions()),
        pass_fds=(theirs.fileno(),),
    ) as worker:
        theirs.close()
        try:
            for order, kind in (*orders.items(), *orders.items()):
                link.send_bytes(order)
                link.send_bytes(b"")
                reply = decode(link.recv_bytes(), Failed)
                assert reply.kind == kind, order
                assert str(reply.exception()).endswith("."), order
            assert worker.poll() is None
        finally:
            link.close()
            assert worker.wait(timeout=TIMEOUT_S) == 0
