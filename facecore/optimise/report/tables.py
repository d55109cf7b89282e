"""What a search found as tables of text and as dots: the same on the page and in the report."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from facecore.engines import titles
from facecore.optimise.record import Confirmation, Figure, Objective, Point, Result
from facecore.profiles.profile import known_settings
from facecore.statistics.intervals import Interval
from facecore.wording import clock, counted

NOTHING = "–"
OBJECTIVES: dict[Objective, str] = {
    "latency": "the fastest answer",
    "throughput": "the most photos a second",
    "memory": "the least memory",
    "accuracy": "the best answers",
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
                words=f"{point.name}: {figure(time)} ms, {figure(answers)} %, "
                f"{number(point.peak_memory_mb)} MB, {titles(point.engine)}",
            )
        )
    return found


def answers_of(result: Result, point: Point) -> Figure:
    """Return how good a point's answers are, in percent, by labels where there are any."""
    return point.accuracy_percent if result.labels else point.agreement_percent


def answers_title(result: Result) -> str:
    """Return what the percent of the answers are."""
    return "% of answers right" if result.labels else "% of faces answered as the baseline does"


def points_table(result: Result) -> pd.DataFrame:
    """Return a row of text for each point, the baseline first."""
    rows = [
        {
            "point": point.name,
            "verdict": _verdict(result, point),
            "differs in": point.changes or NOTHING,
            "engine": titles(point.engine),
            "median, ms": figure(point.latency_p50_ms),
            "p95, ms": figure(point.latency_p95_ms),
            "times as fast": figure(point.speed, 2),
            "photos a second": figure(point.photos_per_s),
            "memory, MB": number(point.peak_memory_mb),
            "answers as the baseline, %": figure(point.agreement_percent),
            "answers right, %": figure(point.accuracy_percent),
            "rounds": str(point.rounds),
        }
        for point in result.points
    ]
    table = pd.DataFrame(rows)
    return table if result.labels else table.drop(columns="answers right, %")


def _verdict(result: Result, point: Point) -> str:
    said = ["recommended"] if point.number == result.recommended else []
    said += ["baseline"] if point.fate == "baseline" else []
    said += ["best for its answers"] if point.is_on_front else []
    said += [f"violates {one.constraint}" for one in point.violations]
    said += [point.fate] if point.fate in ("dropped", "failed", "under way") else []
    return "; ".join(said + ([point.why] if point.why else [])) or NOTHING


def violations_table(result: Result) -> pd.DataFrame:
    """Return a row of text for each constraint that a point violates; the columns alone if none."""
    names = {point.number: point.name for point in result.points}
    found = [(point.name, one) for point in result.points for one in point.violations]
    found += [
        (f"{names[last.number]}, measured once more", one)
        for last in result.confirmations
        for one in last.violations
    ]
    rows = [
        (name, one.constraint, one.words, "yes" if one.is_certain else "no") for name, one in found
    ]
    return pd.DataFrame(rows, columns=["point", "constraint", "measured", "beyond doubt"])


def confirmations_table(result: Result) -> pd.DataFrame:
    """Return a line of text for each figure of the last measurement, a column for each finalist."""
    names = {point.number: point.name for point in result.points}
    gain = {"memory": "times as little memory", "accuracy": "percent points more answers right"}
    columns = {
        names[last.number]: _confirmed(
            last, gain.get(result.objective, "times as fast"), bool(result.labels)
        )
        for last in result.confirmations
    }
    table = pd.DataFrame(columns)
    table.insert(0, "", list(table.index))
    return table.reset_index(drop=True)


def _confirmed(last: Confirmation, gain: str, is_judged: bool) -> dict[str, str]:
    lines = {
        f"{gain}, as the search saw it": figure(last.search, 2),
        f"{gain}, measured once more": figure(last.fresh, 2),
        "better than the baseline, borne out": "yes" if last.is_better else "no",
        "median of the baseline, ms": figure(last.baseline_p50_ms),
        "median, ms": figure(last.p50_ms),
        "p95, ms": figure(last.p95_ms),
        "memory less than the baseline, MB": number(last.memory_saved_mb),
        f"answers as the baseline of {counted(last.faces, 'face')}, %": figure(
            last.agreement_percent
        ),
    }
    if is_judged:
        lines["answers right, %"] = figure(last.accuracy_percent)
    return lines | {"rounds": str(last.rounds)}


def facts_table(result: Result) -> pd.DataFrame:
    """Return what was asked for, on which machine and with which software, a line of text each."""
    where = result.environment
    quota = "none" if where.cpu_quota is None else f"{where.cpu_quota:g} processors"
    engines = {titles(one.engine): one.engine_version for one in result.points if one.engine}
    known = known_settings()
    lines = {
        "what mattered": OBJECTIVES[result.objective],
        "constraints": constraints_in_words(result),
        "what could vary": ", ".join(
            known[name].label if name in known else name for name in result.vary
        ),
        "left out": " ".join(result.left_out) or NOTHING,
        "photos": photos_in_words(result),
        "time": f"{clock(result.spent_s)} of {clock(result.budget_s)}"
        f"{', stopped before its end' if result.stopped else ''}; "
        f"begun {result.started_at:%Y-%m-%d %H:%M} UTC",
        "seed": str(result.seed),
        "processor": f"{where.processor}, {counted(where.cores, 'core')}",
        "the container's limit": quota,
        "memory of the machine": f"{where.memory_bytes / 1e9:.1f} GB",
        "system": f"{where.system}, Python {where.python}",
        "engines": ", ".join(f"{name} {version}" for name, version in engines.items()),
        "packages": ", ".join(f"{name} {version}" for name, version in where.packages.items()),
        "files of the networks": ", ".join(
            f"{name} (SHA-256 {sha256[:12]}…)" for name, sha256 in where.model_sha256.items()
        ),
    }
    return pd.DataFrame({"": list(lines), "here": list(lines.values())})


def photos_in_words(result: Result) -> str:
    """Return how much was read: "40 photos with 44 faces, 40 labels"."""
    labels = f", {counted(result.labels, 'label')}" if result.labels else ""
    return f"{counted(len(result.photos), 'photo')} with {counted(result.faces, 'face')}{labels}"


def constraints_in_words(result: Result) -> str:
    """Return the constraints as one line."""
    asked = result.constraints
    said = {
        "p95 latency at most {:g} ms": asked.max_latency_ms,
        "memory at most {:g} MB": asked.max_memory_mb,
        "at least {:g} % of faces answered as the baseline does": asked.min_agreement_percent,
        "at least {:g} % of answers right": asked.min_accuracy_percent,
        "on {:g} processors": asked.cores,
    }
    words = [form.format(value) for form, value in said.items() if value is not None]
    return ", ".join(words) or "none"


def figure(one: Figure, digits: int = 1) -> str:
    """Return a figure with its interval: "43.5 (41.3 to 45.7)"."""
    if one.value is None:
        return NOTHING
    low_high = one.interval and " to ".join(f"{end:.{digits}f}" for end in one.interval)
    return f"{one.value:.{digits}f}" + (f" ({low_high})" if low_high else "")


def number(value: float | None) -> str:
    """Return a whole number, or what stands for none."""
    return NOTHING if value is None else f"{value:.0f}"
