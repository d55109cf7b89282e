"""Searches with real worker processes and next to no time."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from facecore.errors import SettingsError
from facecore.experiment.variants import Variant, differences
from facecore.machine.container import free_memory_bytes
from facecore.optimise import bench
from facecore.optimise.record import Constraints, result_from_json, result_to_json
from facecore.optimise.search import optimise
from facecore.optimise.task import Progress, Task
from facecore.profiles.configuration import configuration
from tests.experiment.conftest import read_samples, small_photo, worker_processes

__all__ = ["small_photo"]  # a fixture

pytestmark = pytest.mark.slow
BASELINE = configuration(
    # One look: what a plain photo takes else is five.
    flags={"engine": "opencv", "orientation": "never", "closer_look": "never", "rescue": False},
    environment={},
)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep studies out of the data folder of whoever runs the tests."""
    monkeypatch.setenv("FACECORE_DATA_DIR", str(tmp_path))


def test_what_does_nothing_is_not_recommended(small_photo: bytes) -> None:
    """A setting that does nothing where there is no face: the baseline stays, and why is told."""
    task = Task(baseline=BASELINE, vary=("careful",), budget_s=20)
    seen: list[Progress] = []
    result = optimise(task, {"plain.png": small_photo}, on_progress=seen.append)
    assert result.recommended == 0
    assert result.sentence.startswith("Keep your baseline")
    assert [point.fate for point in result.points] == ["baseline", "kept"]
    assert all(point.rounds >= 8 for point in result.points)
    assert result_from_json(result_to_json(result)) == result
    assert seen[-1].tried == 1
    assert worker_processes() == []


def test_what_does_not_fit_is_refused_and_the_rest_goes_on(
    small_photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who leaves too little memory is ended with a sentence; a baseline that does is an error."""

    def little_with_two() -> int:
        return 10_000_000 if len(worker_processes()) > 1 else free_memory_bytes()

    monkeypatch.setattr(bench, "free_memory_bytes", little_with_two)
    task = Task(baseline=BASELINE, vary=("careful",), budget_s=30)
    result = optimise(task, {"plain.png": small_photo})
    (_, refused) = result.points
    assert refused.fate == "failed"
    assert refused.why.startswith("It needs more memory than there is")
    assert result.recommended == 0
    monkeypatch.setattr(bench, "free_memory_bytes", lambda: 10_000_000)
    with pytest.raises(SettingsError, match="baseline does not fit into memory"):
        optimise(task, {"plain.png": small_photo})
    assert worker_processes(psutil.Process()) == []


def test_what_is_asked_for_must_make_sense() -> None:
    """Shares for percents, accuracy without labels, and settings that cannot vary are refused."""
    for task in (
        lambda: Task(baseline=BASELINE, constraints=Constraints(min_agreement_percent=0.99)),
        lambda: Task(baseline=BASELINE, objective="accuracy"),
        lambda: Task(baseline=BASELINE, budget_s=0),
        lambda: optimise(Task(baseline=BASELINE, vary=("colour",)), read_samples()),
    ):
        with pytest.raises(SettingsError, match=r"\.$"):
            task()


def test_a_point_differs_as_it_says(small_photo: bytes) -> None:
    """Stopped at once, a search knows its first candidates' settings and that none is measured."""
    task = Task(baseline=BASELINE, vary=("careful", "rescue"), budget_s=30)
    ended = iter([False] * 3 + [True] * 1000)
    result = optimise(task, {"plain.png": small_photo}, cancelled=lambda: next(ended))
    assert result.stopped
    for point in result.points[1:]:
        given = point.configuration()
        ours, theirs = (
            Variant(name="-", settings=one.settings, options=one.options)
            for one in (given, BASELINE)
        )
        assert set(differences(ours, theirs)) <= {"careful", "rescue"}
        assert point.changes
