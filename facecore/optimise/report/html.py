"""A search as one HTML file that opens from disk, asks no network for anything, and prints."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from facecore.optimise.record import Result
from facecore.optimise.report import tables
from facecore.wording import ENGLISH, Text, speaking

_TEMPLATE = Path(__file__).with_name("report.html.jinja")
_WIDTH, _HEIGHT = 760, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 740, 44, 370
_LEAST_RADIUS, _MOST_RADIUS = 4.0, 14.0
_MOST_TICKS = 7
# Okabe and Ito's, told apart with colour-blind eyes.
_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C8C00", "#7F7F7F")


def html_report(result: Result) -> str:
    """Return the HTML of a report; whatever a stranger wrote in the result stands there as text.

    The picture is drawn without a script, so that it is there where scripts are not allowed.
    """
    with speaking(ENGLISH):  # a file is the same whoever downloads it
        return _rendered(result)


def _rendered(result: Result) -> str:
    # Else what is missing would be an empty place in the report.
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    template = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    taken = result.recommended_point
    return template.render(
        title=Text("The best settings for {wish}", wish=tables.OBJECTIVES[result.objective]),
        asked=Text(
            "Found on {photos}; constraints: {constraints}.",
            photos=tables.photos_in_words(result),
            constraints=tables.constraints_in_words(result),
        ),
        result=result,
        picture=_picture(result),
        points=tables.points_table(result),
        twice=tables.confirmations_table(result),
        violations=tables.violations_table(result),
        facts=tables.facts_table(result),
        baseline=result.baseline.profile_text(),
        profile=None if taken is None else taken.profile_text(),
    )


def _picture(result: Result) -> dict[str, Any] | None:
    """Return where everything stands in the picture, in its own units; None without a dot."""
    found = tables.dots(result)
    if not found:
        return None
    engines = list(dict.fromkeys(dot.engine for dot in found))
    colours = dict(zip(engines, _COLOURS * len(engines), strict=False))
    by_time = sorted(found, key=lambda one: one.time_ms)
    most_mb = max(dot.memory_mb for dot in found) or 1.0
    x = _Axis(0.0, max(dot.time_reach[1] for dot in found), _LEFT, _RIGHT)
    y = _Axis(min(dot.percent_reach[0] for dot in found), 100.0, _BOTTOM, _TOP)
    # Large ones first, so that none hides another.
    drawn = [
        _drawn(dot, x, y, colours[dot.engine], most_mb)
        for dot in sorted(found, key=lambda one: -one.memory_mb)
    ]
    return {
        "width": _WIDTH,
        "height": _HEIGHT,
        "left": _LEFT,
        "right": _RIGHT,
        "top": _TOP,
        "bottom": _BOTTOM,
        "x_title": Text("milliseconds a photo"),
        "y_title": tables.answers_title(result),
        "x_ticks": x.ticks,
        "y_ticks": y.ticks,
        "dots": drawn,
        "front": [(x(d.time_ms), y(d.percent)) for d in by_time if d.is_on_front],
        "colours": colours,
    }


def _drawn(dot: tables.Dot, x: _Axis, y: _Axis, colour: str, most_mb: float) -> dict[str, Any]:
    return {
        "x": x(dot.time_ms),
        "y": y(dot.percent),
        "x_reach": [x(end) for end in dot.time_reach],
        "y_reach": [y(end) for end in dot.percent_reach],
        # The area is what the eye takes for the size.
        "radius": round(max(_LEAST_RADIUS, _MOST_RADIUS * (dot.memory_mb / most_mb) ** 0.5), 1),
        "colour": colour,
        "is_out": dot.violates,
        "label": dot.name if dot.is_recommended else "",
        "words": dot.words,
    }


class _Axis:
    """From values to places in the picture, with ticks at round values."""

    def __init__(self, low: float, high: float, begins: float, ends: float) -> None:
        span = (high - low) or 1.0
        step = _round_step(span / _MOST_TICKS)
        first, last = math.floor(low / step), math.ceil(high / step)
        first -= first == last
        self._low, self._high = first * step, last * step
        self._begins, self._ends = begins, ends
        self.ticks = [(self(n * step), f"{n * step:.6g}") for n in range(first, last + 1)]

    def __call__(self, value: float) -> float:
        share = (value - self._low) / (self._high - self._low)
        return round(self._begins + share * (self._ends - self._begins), 1)


def _round_step(least: float) -> float:
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * one for one in (1, 2, 5, 10) if power * one >= least * 0.999)
