"""The soak run itself: its figures by hand, and some uploads of the real thing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.load.clients import ANSWERED, REFUSED, Client, HttpClient, Outcome, PageClient
from tests.load.summary import percentiles_ms, slope
from tests.load.uploads import Upload, hostile_files
from tests.server import Server
from tests.soak import __main__ as module
from tests.soak.__main__ import Soak, soaked, uploads_for


def test_nothing_has_no_figures() -> None:
    """Without values there is a count of zero, and without points no slope."""
    assert percentiles_ms([]) == {"n": 0}
    assert slope([], []) is None
    assert slope([2.0, 2.0], [1.0, 5.0]) is None
    assert Soak(None).report(0.0)["well"] is False


def test_figures_are_those_of_hand() -> None:
    """Percentiles interpolate, and the slope is that of the line of least squares."""
    assert percentiles_ms([10.0, 20.0, 30.0]) == {
        "n": 3,
        "p50": 20.0,
        "p90": 28.0,
        "p99": 29.8,
        "max": 30.0,
    }
    assert slope([0.0, 1.0, 2.0], [5.0, 8.0, 11.0]) == pytest.approx(3.0)


def test_lost_and_wrong_answers_are_not_well() -> None:
    """One upload without a fit answer is enough, and is named."""
    for answer, well in (("read", True), ("refused", True), ("lost", False), ("wrong", False)):
        soak = Soak(None)
        soak.heard(
            Outcome(
                client="http", kind="x", name="a.jpg", answer=answer, latency_ms=1.0, said="why"
            )
        )
        report = soak.report(0.0)
        assert report["well"] is well
        assert report["lost or wrong"] == ([] if well else [f"http, a.jpg: {answer}, why"])


def test_memory_s_slope_is_that_of_what_stays() -> None:
    """A photo under way does not count, nor a minute of warm-up, nor one that was not full."""
    soak = Soak(None)
    for number in range(5):
        for second, size_mb in ((1, 900), (20, 100 + 2 * number), (40, 700)):
            soak.memory.append((60.0 * number + second, size_mb * 10**6))
    soak.memory.append((301.0, 5 * 10**8))
    last = Outcome(client="http", kind="x", name="a", answer="read", latency_ms=1.0, said="")
    soak.outcomes.append((302.0, last))
    soak.memory[1] = (20.0, 10**6)
    memory = soak.report(60.0)["memory MB"]
    assert isinstance(memory, dict)
    assert memory["slope of each minute's least after warm-up, a minute"] == 2.0


@pytest.mark.slow
@pytest.mark.parametrize(("client", "step"), [(PageClient, 15), (HttpClient, 30)])
def test_uploads_of_a_real_server(
    held_server: Server, shared_data: Path, client: Callable[[str], Client], step: int
) -> None:
    """Each client gets an answer for honest photos and hostile files, while memory is watched."""
    honest = [next((shared_data / name).glob("*.jpg")) for name in ("fairface", "groups", "large")]
    paths = [*honest, *hostile_files()[::step]]
    uploads = [Upload("any", f"{path.stem}.jpg", path.read_bytes()) for path in paths]
    soak = soaked(held_server, [partial(client, held_server.address)], iter(uploads))
    report = soak.report(0.0)
    assert (report["lost or wrong"], report["well"]) == ([], True)
    answers = [outcome.answer for _, outcome in soak.outcomes]
    assert (answers[: len(honest)], len(answers)) == ([ANSWERED] * len(honest), len(paths))
    assert REFUSED in answers
    memory = report["memory MB"]
    assert isinstance(memory, dict)
    assert memory["highest"] > 100


def test_time_begins_with_the_first_upload(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long it takes to make the photos, uploads come for as long as was asked."""
    now_s = [0.0]

    def made_slowly(_count: int, *, seed: int) -> Iterator[Upload]:
        now_s[0] += 1000 * (seed == 1)
        for number in range(4):
            yield Upload("any", f"{seed}-{number}", b"")
            now_s[0] += 10

    monkeypatch.setattr(module, "mixed_uploads", made_slowly)
    monkeypatch.setattr("time.monotonic", lambda: now_s[0])
    names = [upload.name for upload in uploads_for(1.0, seed=1)]
    assert names == ["1-0", "1-1", "1-2", "1-3", "2-0", "2-1"]
