"""Reading photos on a real Ray cluster of this machine, some workers of which end or hang."""

from __future__ import annotations

import importlib.util
import itertools
import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import facecore
from facecore.analysis.analyzer import FaceAnalyzer
from facecore.batch.background import ClusterBatch
from facecore.errors import ModelError, SettingsError, WorkerError
from facecore.executors import messages, ray_cluster
from facecore.executors.cluster import ClusterOptions, ClusterProgress, Job, Jobs, Roster
from facecore.executors.crew import read_on_cluster
from facecore.executors.ray_cluster import Cluster, GoneError, Node, NodeGoneError, RemoteWorker
from facecore.settings import RuntimeOptions
from facecore.sources.photo import Photo
from facecore.sources.stores import Address
from tests.conftest import REPOSITORY, SAMPLES
from tests.executors.conftest import SETTINGS, all_kinds, expect_each_once, grey_photos, photo_of
from tests.executors.fragile import HANGS, KILLS, FragileWorker

needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="needs the extra ray, which is not installed"
)


def _options(**changes: Any) -> ClusterOptions:
    return ClusterOptions(**{"address": "auto", "runtime": RuntimeOptions(), **changes})


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cluster begun for all tests here, in a folder with a module that nobody may import."""
    folder = tmp_path_factory.mktemp("photos")
    (folder / "numpy.py").write_text("raise SystemExit('no part of the program')", "utf-8")
    before = Path.cwd()
    os.chdir(folder)
    try:
        with closing(Cluster("auto")):
            yield folder
    finally:
        os.chdir(before)


@pytest.mark.parametrize("address", ["", "ray://head", "http://head:10001", "ray://head:1/x"])
def test_address_that_is_none_is_refused(address: str) -> None:
    """What a cluster's address looks like is said, before anything is connected."""
    with pytest.raises(SettingsError, match=r"ray://head\.example:10001"):
        list(read_on_cluster(grey_photos(1), SETTINGS, _options(address=address)))


@pytest.mark.parametrize("changes", [{"workers": 0}, {"photo_timeout_s": 0.5}])
def test_options_have_ranges(changes: dict[str, Any]) -> None:
    """Neither no worker nor no time is taken."""
    with pytest.raises(SettingsError, match="must be from 1 to"):
        _options(**changes)


def test_without_ray_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra has a name, and without photos nobody asks for it."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert list(read_on_cluster([], SETTINGS, _options())) == []
    with pytest.raises(SettingsError, match=r"pip install \"facecore-dashboard\[ray\]\""):
        list(read_on_cluster(grey_photos(1), SETTINGS, _options()))


def test_vacancies_are_spread_over_the_nodes() -> None:
    """Each node has workers before one has more, and those that cannot read have none."""
    small, large, useless = Node("1", "a", 1), Node("2", "b", 4), Node("3", "c", 8)
    roster = Roster(cpus=1, most=3)
    assert roster.see([small, large, useless]) == set()
    roster.refuse(useless, ModelError("no networks"))
    assert roster.vacancies(Counter()) == [small, large, large]
    assert roster.vacancies(Counter({"2": 2})) == [small]
    assert roster.vacancies(Counter({"2": 2, "1": 1})) == []
    assert roster.trouble() is None
    assert roster.see([useless]) == {"1", "2"}
    assert str(roster.trouble()) == "no networks"


def test_photo_is_given_up_after_three_workers_and_the_one_behind_it_never() -> None:
    """Who only waited at a worker that ended has lost nothing."""
    killer, innocent = Job(grey_photos(2)[0]), Job(grey_photos(2)[1])
    jobs = Jobs([])
    assert jobs.give_back([killer, innocent]) is None
    assert jobs.give_back([killer, innocent]) is None
    assert jobs.give_back([killer, innocent]) is killer
    assert innocent.attempts == 0
    assert jobs.take(beside=True) is None, "it could be this one after all"
    assert jobs.take() is innocent


def test_photo_of_a_node_that_went_away_has_lost_no_try() -> None:
    """It may go on to some others; one that takes each node along is given up as well."""
    job, jobs = Job(grey_photos(1)[0]), Jobs([])
    assert [jobs.give_back([job], with_node=True) for _ in range(4)] == [None] * 4
    assert job.attempts == 0
    assert jobs.give_back([job]) is None
    assert jobs.give_back([job], with_node=True) is job


def test_photo_that_was_only_opened_here_is_nobodys_fault() -> None:
    """A worker that ended had never seen it."""
    opening, jobs = Job(grey_photos(1)[0]), Jobs([])
    assert [jobs.give_back([], opening) for _ in range(4)] == [None] * 4
    assert opening.attempts == 0
    assert jobs.take() is opening


@needs_ray
def test_nothing_of_ray_is_imported_until_it_is_asked_for() -> None:
    """The command line with all its readers knows nothing of Ray, and neither does the page."""
    code = "import sys, facecore.cli.analyze, facecore.ui.batch.run; print('ray' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPOSITORY
    )
    assert done.stdout.strip() == "False"


@needs_ray
def test_address_where_nobody_listens_is_told_at_once() -> None:
    """Nobody waits for half a minute, and the sentence says what to start there."""
    with pytest.raises(WorkerError, match=r"No Ray cluster answers at ray://127\.0\.0\.1:9"):
        list(read_on_cluster(grey_photos(1), SETTINGS, _options(address="ray://127.0.0.1:9")))


@needs_ray
@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("The actor died because its node has died. Node Id: 1", NodeGoneError),
        ("The actor is dead because its worker process has died. Worker exit type", GoneError),
        (None, NodeGoneError),
    ],
)
def test_what_ray_says_tells_a_node_from_a_process(said: str | None, kind: type) -> None:
    """Its own errors, as they come from a node that is gone, a killed worker and a cut link."""
    raised = importlib.import_module("ray.exceptions")
    context = importlib.import_module("ray.core.generated.common_pb2").ActorDiedErrorContext
    future: Future[bytes] = Future()
    future.set_exception(
        raised.ActorDiedError(context(error_message=said, actor_id=bytes(16)))
        if said
        else raised.ActorUnavailableError("RpcError: unreachable", bytes(16))
    )
    with pytest.raises(GoneError) as gone:
        ray_cluster.answer(future, messages.Kept)
    assert type(gone.value) is kind


@needs_ray
@pytest.mark.slow
def test_answers_are_those_of_this_machine(
    cluster: Path, analyzer: FaceAnalyzer, hopper_file: bytes
) -> None:
    """Every photo has one outcome, errors are told, and nothing is sent to Ray's makers."""
    photos = all_kinds(hopper_file)
    progress = ClusterProgress()
    outcomes = list(read_on_cluster(photos, SETTINGS, _options(), progress))
    expect_each_once(outcomes, photos, analyzer)
    (node,) = progress.nodes
    assert (node.photos, node.workers, node.lost, node.note) == (10, 0, 0, "")
    assert node.photos_per_s > 0
    usage: Any = importlib.import_module("ray._common.usage.usage_lib")
    assert not usage.usage_stats_enabled()


@needs_ray
@pytest.mark.slow
def test_answer_that_comes_after_the_next_one_is_its_own_photos(
    cluster: Path, analyzer: FaceAnalyzer, hopper_file: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever order a worker's answers arrive in, none is taken for another photo's."""
    read, late = RemoteWorker.read, itertools.cycle([True, False])

    def read_late(worker: RemoteWorker, photo: bytes | Address) -> Future[bytes]:
        comes: Future[bytes] = Future()
        after_s = 0.5 if next(late) else 0.0

        def hand_on(done: Future[bytes]) -> None:
            threading.Timer(after_s, comes.set_result, [done.result()]).start()

        read(worker, photo).add_done_callback(hand_on)
        return comes

    monkeypatch.setattr(RemoteWorker, "read", read_late)
    photos = all_kinds(hopper_file)
    outcomes = list(read_on_cluster(photos, SETTINGS, _options(workers=1)))
    expect_each_once(outcomes, photos, analyzer)


@needs_ray
@pytest.mark.slow
def test_photo_that_ends_or_holds_its_worker_costs_only_itself(
    cluster: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried on three workers; those that waited behind it are read."""
    monkeypatch.setattr(ray_cluster, "NodeWorker", FragileWorker)
    grey = grey_photos(6)
    photos = [photo_of("killer", KILLS), photo_of("stuck", HANGS), *grey]
    progress = ClusterProgress()
    options = _options(photo_timeout_s=1.5, workers=2)
    outcomes = list(read_on_cluster(photos, SETTINGS, options, progress))
    errors = {outcome.photo.name: outcome.error for outcome in outcomes if outcome.error}
    assert sorted(outcome.photo.name for outcome in outcomes) == sorted(p.name for p in photos)
    assert sorted(errors) == ["killer", "stuck"]
    assert "ended. It was tried 3 times" in errors["killer"]
    assert "did not answer within 1.5 seconds" in errors["stuck"]
    assert progress.nodes[0].lost == 6


@needs_ray
@pytest.mark.slow
def test_node_with_another_version_is_left_out(
    cluster: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no other node is there, its sentence is raised."""
    here = facecore.__version__
    monkeypatch.setattr(facecore, "__version__", "99.0")
    progress = ClusterProgress()
    with pytest.raises(WorkerError, match=f"has facecore {here}, and this is 99.0"):
        list(read_on_cluster(grey_photos(2), SETTINGS, _options(workers=1), progress))
    assert here in progress.nodes[0].note


@needs_ray
@pytest.mark.slow
def test_batch_of_a_page_keeps_the_photos_order(cluster: Path) -> None:
    """Answers that come out of turn wait; a batch that is stopped ends though nothing comes."""

    def read(photos: Any, progress: ClusterProgress, check: Any) -> Any:
        return read_on_cluster(photos, SETTINGS, _options(), progress, check)

    photos = grey_photos(12)
    batch = ClusterBatch(photos, read)
    batch.start()
    assert batch.wait(60)
    assert (batch.state, batch.error) == ("complete", "")
    assert [one.name for one in batch.answers.listed()] == [photo.name for photo in photos]
    never = threading.Event()
    waiting = ClusterBatch([Photo(name="late", read=lambda: bytes(never.wait(5)))], read)
    waiting.start()
    waiting.stop()
    assert waiting.wait(30)
    assert waiting.state == "stopped"


@needs_ray
@pytest.mark.slow
def test_command_prints_answers_and_nothing_of_the_cluster(cluster: Path) -> None:
    """A worker's folder is not that of the command, and what Ray has to say is not on stdout."""
    words = ["analyze", str(SAMPLES / "grace_hopper.jpg"), "--json", "--cluster", "auto"]
    done = subprocess.run(
        [sys.executable, "-P", "-m", "facecore", *words],
        cwd=cluster,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["faces"]) == 1
    assert "worker, " in done.stderr or "workers, " in done.stderr
