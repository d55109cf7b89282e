"""The report of a search, as a file on a disk."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from facecore.optimise.record import Constraints, Figure, Result
from facecore.optimise.report import html_report, tables
from tests.optimise.conftest import made_point, made_result

HOSTILE = "<script src='https://evil.example/x.js'>alert(1)</script><img src=x onerror=alert(1)>"


class _Page(HTMLParser):
    """What a report has: elements, the attributes that load something, the text in sight."""

    def __init__(self, report: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loads: list[str] = []
        self.text = ""
        self.feed(report)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loads += [
            f"{name}={value}"
            for name, value in attrs
            if name in {"src", "href", "srcset", "data"} or name.startswith("on")
        ]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_it_has_every_figure_of_the_page(result: Result) -> None:
    """All cells of all tables, sentence, profile and command; a dot for each point, one ringed."""
    page = _Page(html_report(result))
    frames = (
        tables.points_table(result),
        tables.confirmations_table(result),
        tables.violations_table(result),
        tables.facts_table(result),
    )
    assert all(str(cell) in page.text for frame in frames for cell in frame.to_numpy().flat)
    assert "2.30 (2.10 to 2.50)" in page.text
    assert "2.25 (2.12 to 2.38)" in page.text
    taken = result.recommended_point
    assert taken is not None
    assert all(said in page.text for said in (result.sentence, result.command))
    assert taken.profile_text() in page.text
    assert page.tags.count("circle") == len(result.points) + 1


def test_nothing_of_it_is_loaded_or_run() -> None:
    """It asks for no other file and runs nothing, whatever a stranger wrote in the result."""
    points = (made_point(0), made_point(1, engine=HOSTILE, changes=HOSTILE, name=HOSTILE))
    found = made_result(
        points=points,
        recommended=1,
        sentence=HOSTILE,
        command=HOSTILE,
        warnings=(HOSTILE,),
        confirmations=(),
    )
    page = _Page(html_report(found))
    assert page.loads == []
    assert {"script", "img", "link", "iframe"}.isdisjoint(page.tags)
    assert page.text.count(HOSTILE) >= 6


@pytest.mark.parametrize("changes", [{"recommended": 0}, {"recommended": None}])
def test_a_search_that_was_stopped_at_once_has_one(changes: dict[str, int | None]) -> None:
    """Without a figure, a last measurement or a constraint there is a report all the same."""
    nothing = Figure()
    alone = made_point(0, latency_p50_ms=nothing, peak_memory_mb=None, rounds=0)
    stopped = made_result(
        points=(alone,),
        confirmations=(),
        importance=(),
        constraints=Constraints(),
        stopped=True,
        **changes,
    )
    page = _Page(html_report(stopped))
    assert "svg" not in page.tags
    assert "stopped before its end" in page.text
    assert "constraints: none" in page.text
    assert page.text.count("version = 1") == (2 if changes["recommended"] == 0 else 1)
