"""What a search found as tables of text and as dots: the same on the page and in the report."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from facecore.engines import titles
from facecore.optimise.record import Confirmation, Figure, Objective, Point, Result
from facecore.profiles.profile import known_settings
from facecore.statistics.intervals import Interval
from facecore.wording import Text, _, clock, counted

NOTHING = "–"
OBJECTIVES: dict[Objective, str] = {
    "latency": Text("the fastest answer"),
    "throughput": Text("the most photos a second"),
    "memory": Text("the least memory"),
    "accuracy": Text("the best answers"),
}
"""What each objective is called."""


class Dot(NamedTuple):
    """A point in the picture: its time over its answers.

    ``percent`` is accuracy where there are labels, else agreement with the baseline; a reach is
    the 95 % interval; ``words`` say it all in a line.
    """

    name: str
    engine: str
    time_ms: float
    time_reach: Interval
    percent: float
    percent_reach: Interval
    memory_mb: float
    violates: bool
    is_on_front: bool
    is_recommended: bool
    words: str


def dots(result: Result) -> list[Dot]:
    """Return the points that have a time and answers, in their order."""
    found = []
    for point in result.points:
        time, answers = point.latency_p50_ms, answers_of(result, point)
        if time.value is None or answers.value is None:
            continue
        found.append(
            Dot(
                name=point.name,
                engine=titles(point.engine),
                time_ms=time.value,
                time_reach=time.interval or (time.value, time.value),
                percent=answers.value,
                percent_reach=answers.interval or (answers.value, answers.value),
                memory_mb=point.peak_memory_mb or 0.0,
                violates=bool(point.violations),
                is_on_front=point.is_on_front,
                is_recommended=point.number == result.recommended,
                words=_(
                    "{name}: {time} ms, {answers} %, {memory} MB, {engine}",
                    name=_(point.name),
                    time=figure(time),
                    answers=figure(answers),
                    memory=number(point.peak_memory_mb),
                    engine=titles(point.engine),
                ),
            )
        )
    return found


def answers_of(result: Result, point: Point) -> Figure:
    """Return how good a point's answers are, in percent, by labels where there are any."""
    return point.accuracy_percent if result.labels else point.agreement_percent


def answers_title(result: Result) -> str:
    """Return what the percent of the answers are."""
    return (
        _("% of answers right") if result.labels else _("% of faces answered as the baseline does")
    )


def points_table(result: Result) -> pd.DataFrame:
    """Return a row of text for each point, the baseline first."""
    rows = [
        {
            _("point"): _(point.name),
            _("verdict"): _verdict(result, point),
            _("differs in"): _(point.changes) or NOTHING,
            _("engine"): titles(point.engine),
            _("median, ms"): figure(point.latency_p50_ms),
            _("p95, ms"): figure(point.latency_p95_ms),
            _("times as fast"): figure(point.speed, 2),
            _("photos a second"): figure(point.photos_per_s),
            _("memory, MB"): number(point.peak_memory_mb),
            _("answers as the baseline, %"): figure(point.agreement_percent),
            _("answers right, %"): figure(point.accuracy_percent),
            _("rounds"): str(point.rounds),
        }
        for point in result.points
    ]
    table = pd.DataFrame(rows)
    return table if result.labels else table.drop(columns=_("answers right, %"))


def _verdict(result: Result, point: Point) -> str:
    said = [_("recommended")] if point.number == result.recommended else []
    said += [_("baseline")] if point.fate == "baseline" else []
    said += [_("best for its answers")] if point.is_on_front else []
    said += [
        _("violates {constraint}", constraint=Text(one.constraint)) for one in point.violations
    ]
    said += [_(point.fate)] if point.fate in ("dropped", "failed", "under way") else []
    return _("; ").join(said + ([_(point.why)] if point.why else [])) or NOTHING


def violations_table(result: Result) -> pd.DataFrame:
    """Return a row of text for each constraint that a point violates; the columns alone if none."""
    names = {point.number: point.name for point in result.points}
    found = [(point.name, one) for point in result.points for one in point.violations]
    found += [
        (_("{name}, measured once more", name=Text(names[last.number])), one)
        for last in result.confirmations
        for one in last.violations
    ]
    rows = [
        (_(name), _(one.constraint), _(one.words), _("yes") if one.is_certain else _("no"))
        for name, one in found
    ]
    return pd.DataFrame(
        rows, columns=[_("point"), _("constraint"), _("measured"), _("beyond doubt")]
    )


def confirmations_table(result: Result) -> pd.DataFrame:
    """Return a line of text for each figure of the last measurement, a column for each finalist."""
    names = {point.number: point.name for point in result.points}
    gain = {
        "memory": _("times as little memory"),
        "accuracy": _("percent points more answers right"),
    }
    columns = {
        _(names[last.number]): _confirmed(
            last, gain.get(result.objective, _("times as fast")), bool(result.labels)
        )
        for last in result.confirmations
    }
    table = pd.DataFrame(columns)
    table.insert(0, "", list(table.index))
    return table.reset_index(drop=True)


def _confirmed(last: Confirmation, gain: str, is_judged: bool) -> dict[str, str]:
    lines = {
        _("{gain}, as the search saw it", gain=gain): figure(last.search, 2),
        _("{gain}, measured once more", gain=gain): figure(last.fresh, 2),
        _("better than the baseline, borne out"): _("yes") if last.is_better else _("no"),
        _("median of the baseline, ms"): figure(last.baseline_p50_ms),
        _("median, ms"): figure(last.p50_ms),
        _("p95, ms"): figure(last.p95_ms),
        _("memory less than the baseline, MB"): number(last.memory_saved_mb),
        _("answers as the baseline of {faces}, %", faces=counted(last.faces, "face")): figure(
            last.agreement_percent
        ),
    }
    if is_judged:
        lines[_("answers right, %")] = figure(last.accuracy_percent)
    return lines | {_("rounds"): str(last.rounds)}


def facts_table(result: Result) -> pd.DataFrame:
    """Return what was asked for, on which machine and with which software, a line of text each."""
    where = result.environment
    quota = _("none") if where.cpu_quota is None else _("{n:g} processors", n=where.cpu_quota)
    engines = {titles(one.engine): one.engine_version for one in result.points if one.engine}
    known = known_settings()
    lines = {
        _("what mattered"): _(OBJECTIVES[result.objective]),
        _("constraints"): constraints_in_words(result),
        _("what could vary"): ", ".join(
            _(known[name].label) if name in known else name for name in result.vary
        ),
        _("left out"): " ".join(map(_, result.left_out)) or NOTHING,
        _("photos"): photos_in_words(result),
        _("time"): _(
            "{spent} of {budget}{stopped}; begun {when} UTC",
            spent=clock(result.spent_s),
            budget=clock(result.budget_s),
            stopped=_(", stopped before its end") if result.stopped else "",
            when=f"{result.started_at:%Y-%m-%d %H:%M}",
        ),
        _("seed"): str(result.seed),
        _("processor"): f"{where.processor}, {_(counted(where.cores, 'core'))}",
        _("the container's limit"): quota,
        _("memory of the machine"): f"{where.memory_bytes / 1e9:.1f} GB",
        _("system"): _("{system}, Python {python}", system=where.system, python=where.python),
        _("engines"): ", ".join(f"{name} {version}" for name, version in engines.items()),
        _("packages"): ", ".join(f"{name} {version}" for name, version in where.packages.items()),
        _("files of the networks"): ", ".join(
            f"{name} (SHA-256 {sha256[:12]}…)" for name, sha256 in where.model_sha256.items()
        ),
    }
    return pd.DataFrame({"": list(lines), _("here"): list(lines.values())})


def photos_in_words(result: Result) -> str:
    """Return how much was read: "40 photos with 44 faces, 40 labels"."""
    counts = {
        "photos": counted(len(result.photos), "photo"),
        "faces": counted(result.faces, "face"),
    }
    if not result.labels:
        return _("{photos} with {faces}", **counts)
    return _("{photos} with {faces}, {labels}", labels=counted(result.labels, "label"), **counts)


def constraints_in_words(result: Result) -> str:
    """Return the constraints as one line."""
    asked = result.constraints
    said = {
        _("p95 latency at most {} ms"): asked.max_latency_ms,
        _("memory at most {} MB"): asked.max_memory_mb,
        _("at least {} % of faces answered as the baseline does"): asked.min_agreement_percent,
        _("at least {} % of answers right"): asked.min_accuracy_percent,
        _("on {} processors"): asked.cores,
    }
    words = [form.replace("{}", f"{value:g}") for form, value in said.items() if value is not None]
    return ", ".join(words) or _("none")


def figure(one: Figure, digits: int = 1) -> str:
    """Return a figure with its interval: "43.5 (41.3 to 45.7)"."""
    if one.value is None:
        return NOTHING
    low_high = one.interval and _(
        "{low} to {high}",
        **{end: f"{x:.{digits}f}" for end, x in zip(("low", "high"), one.interval, strict=True)},
    )
    return f"{one.value:.{digits}f}" + (f" ({low_high})" if low_high else "")


def number(value: float | None) -> str:
    """Return a whole number, or what stands for none."""
    return NOTHING if value is None else f"{value:.0f}"
