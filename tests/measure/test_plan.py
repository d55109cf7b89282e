"""The plan past one machine: its arithmetic, and that the docs have what the program says."""

from __future__ import annotations

import re

import pytest

from tests.conftest import REPOSITORY
from tests.measure.plan import Cost, Need, need, report

pytestmark = pytest.mark.slow  # five simulations of thousands of requests


def test_no_load_needs_nothing() -> None:
    """Nobody comes: no processor, no node, no network."""
    assert need(0, 0.3, 1e6, 1e3) == Need(0, 0, 0, 0)


def test_nodes_are_whole_and_never_too_few() -> None:
    """Of four processors 2.8 are planned for: what takes less fits one node, and more does not."""
    one = need(10, 0.279, 1000, 10)
    assert one == Need(one.cores, 1, 80_000, 800)
    assert one.cores == pytest.approx(2.79)
    assert need(10, 0.281, 0, 0).nodes == 2


def test_the_page_has_what_the_program_says() -> None:
    """From the costs that docs/planning.md names, all its tables come out again."""
    page = (REPOSITORY / "docs" / "planning.md").read_text(encoding="utf-8")
    cells = dict(re.findall(r"(?m)^\| ([^|]+) \| ([^|]+) \|$", page))
    photo_cpu, answer_cpu, photo_size, answer_size = (
        float(cells[name].split()[0])
        for name in ("a photo in a batch", "an answer over HTTP", "the photo", "the answer")
    )
    tables = report(Cost(photo_cpu / 1e3, answer_cpu / 1e3, photo_size * 1e3, answer_size * 1e3))
    for table in tables.split("\n\n"):
        assert table in page
