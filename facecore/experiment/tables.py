"""An experiment as tables: for a page, a terminal and CSV files. MB is 10**6 bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from facecore.executors.messages import WorkerFacts
from facecore.experiment.record import Experiment
from facecore.experiment.report import Outcome, VariantReport
from facecore.experiment.variants import differences, known_settings
from facecore.results import STAGES
from facecore.settings import AnalysisSettings
from facecore.settings.setting import declared
from facecore.statistics.comparison import TimeComparison
from facecore.statistics.intervals import Proportion
from facecore.wording import Text, _, aligned

_MB = 1e6
_IN_TEXT = {
    "variant": "variant",
    "trials": "n",
    "typical_ms": "ms",
    "p90_ms": "p90",
    "p95_ms": "p95",
    "verdict": "verdict",
    "cpu_s_per_photo": "CPU s",
    "cpu_percent_average": "CPU %",
    "peak_memory_mb": "MB",
    "model_load_ms": "load ms",
    "answers": "answers",
}
_DIGITS = {"cpu_s_per_photo": 3, "typical_ms": 1, "p90_ms": 1, "p95_ms": 1}


def summary_table(reports: Sequence[VariantReport]) -> pd.DataFrame:
    """Return a row per variant: times, verdict, cost and agreement; None where nothing is known.

    ``ratio`` is the baseline's typical time over the variant's, as in the verdict's words. Where
    the outcome was judged by labels there are right answers with their intervals as well.
    """
    return pd.DataFrame([_summary_row(one) for one in reports])


def _summary_row(one: VariantReport) -> dict[str, Any]:
    times, compared, agreed = one.times, one.comparison, one.agreement
    worker = one.worker
    return {
        "variant": one.variant.name,
        "verdict": one.verdict,
        "trials": times.n,
        "typical_ms": times.typical_ms,
        "median_ms": times.median_ms,
        "p90_ms": times.p90_ms,
        "p95_ms": times.p95_ms,
        "spread_percent": None if times.spread is None else 100 * times.spread,
        **_ratio(compared),
        "probability_faster": compared.probability_faster.value if compared else None,
        "cpu_s_per_photo": one.cpu_s_per_photo,
        "cpu_percent_average": one.cpu_percent_average,
        "cpu_percent_peak": one.cpu_percent_peak,
        "peak_memory_mb": None if one.peak_rss_bytes is None else one.peak_rss_bytes / _MB,
        "model_load_ms": None if worker is None else worker.load_time_ms,
        "start_up_ms": None if worker is None else worker.start_up_time_ms,
        "answers": agreed.words if agreed else "baseline",
        **_right(one),
    }


def _right(one: VariantReport) -> dict[str, Any]:
    """Return how many labelled people's answers are right, with Wilson's interval, percent."""
    cells: dict[str, Any] = {}
    for asked, right in one.right.items():
        share = Proportion(sum(right.values()), len(right))
        name = f"{asked.replace(' ', '_')}_right"
        low, high = share.interval or (None, None)
        cells[f"{name}_percent"] = None if share.value is None else 100 * share.value
        cells[f"{name}_low_percent"] = None if low is None else 100 * low
        cells[f"{name}_high_percent"] = None if high is None else 100 * high
        cells[f"{name}_of"] = share.n
    return cells


def right_in_words(one: VariantReport) -> dict[str, str]:
    """Return by what is asked how many answers are right: "gender right": "12 of 16, 75 %"."""
    found: dict[str, str] = {}
    for asked, right in one.right.items():
        count, of = sum(right.values()), len(right)
        found[f"{asked} right"] = Text(
            "{right} of {all}, {percent:.0f} %", right=count, all=of, percent=100 * count / of
        )
    return found


def accuracy_table(reports: Sequence[VariantReport]) -> pd.DataFrame:
    """Return one row per variant and thing asked: how many answers are right by the labels."""
    columns = ["variant", "asked", "right", "of", "right, %", "low, %", "high, %"]
    rows: list[list[object]] = []
    for one in reports:
        for asked, right in one.right.items():
            share = Proportion(sum(right.values()), len(right))
            ends = [None if end is None else round(100 * end, 1) for end in (share.value,)]
            ends += [round(100 * end, 1) for end in share.interval or ()]
            rows.append([one.variant.name, asked, share.successes, share.n, *ends])
    return pd.DataFrame(rows, columns=columns)


def summary_lines(reports: Sequence[VariantReport]) -> list[str]:
    """Return the summary for a terminal: a heading and a line per variant, in columns."""
    table = summary_table(reports)
    rows = [[_(name) for name in (*_IN_TEXT.values(), *right_in_words(reports[0]))]]
    for row, one in zip(table.to_dict("records"), reports, strict=True):
        # A table's cells are plain strings: what can be said is in the reports themselves.
        said = {"verdict": one.verdict, "answers": one.agreement and one.agreement.words}
        cells = [_cell(name, said.get(name) or row[name]) for name in _IN_TEXT]
        rows.append([*cells, *map(_, right_in_words(one).values())])
    numbers = [
        place for place, name in enumerate(_IN_TEXT) if pd.api.types.is_numeric_dtype(table[name])
    ]
    return aligned(rows, right=numbers)


def _cell(name: str, value: Any) -> str:
    if isinstance(value, str):
        return _(value)
    return "-" if pd.isna(value) else f"{value:.{_DIGITS.get(name, 0)}f}"


def _ratio(compared: TimeComparison | None) -> dict[str, float | None]:
    ratio, interval = (compared.ratio, compared.interval) if compared else (None, None)
    low, high = interval or (None, None)
    return {"ratio": ratio, "ratio_low": low, "ratio_high": high}


def stages_table(reports: Sequence[VariantReport]) -> pd.DataFrame:
    """Return one row per variant and stage: typical time, ratio and verdict as in the summary."""
    rows = [
        {
            "variant": one.variant.name,
            "stage": stage,
            "typical_ms": one.stages[stage].typical_ms,
            **_ratio(one.stage_comparisons.get(stage)),
            "verdict": (
                one.stage_comparisons[stage].words if stage in one.stage_comparisons else "baseline"
            ),
        }
        for one in reports
        for stage in STAGES
        if stage in one.stages
    ]
    columns = ["variant", "stage", "typical_ms", "ratio", "ratio_low", "ratio_high", "verdict"]
    return pd.DataFrame(rows, columns=columns)


def agreement_table(reports: Sequence[VariantReport]) -> pd.DataFrame:
    """Return one row per variant but the baseline: how its answers agree with the baseline's."""
    rows = [
        {
            "variant": one.variant.name,
            "matched": agreed.matched,
            "lost": agreed.lost,
            "new": agreed.new,
            "mean_iou": agreed.mean_iou,
            "box_shift_px": agreed.mean_shift_px,
            "confidence_change": agreed.mean_confidence_change,
            "gender_flips": agreed.gender_flips,
            "age_group_flips": agreed.age_group_flips,
            "same_percent": 100 * agreed.share_same,
        }
        for one in reports
        if (agreed := one.agreement) is not None
    ]
    return pd.DataFrame(rows, columns=None if rows else ["variant", "matched", "lost", "new"])


def events_table(reports: Sequence[VariantReport]) -> pd.DataFrame:
    """Return one row per answer that differs from the baseline's, with the photo it happened in."""
    columns = ["variant", "photo", "what", "box", "baseline", "here"]
    rows = [
        [
            one.variant.name,
            event.photo,
            event.kind,
            " ".join(str(edge) for edge in event.box.xyxy),
            event.baseline,
            event.variant,
        ]
        for one in reports
        if one.agreement is not None
        for event in one.agreement.events
    ]
    return pd.DataFrame(rows, columns=columns)


def differences_table(reports: Sequence[VariantReport]) -> pd.DataFrame:
    """Return only the settings in which the variants differ: a row each, a column per variant."""
    base = reports[0].variant
    differing = {name for one in reports for name in differences(one.variant, base)}
    known = known_settings()
    return pd.DataFrame(
        {
            one.variant.name: {
                _(known[name].label): _(known[name].in_words(value))
                for name, value in one.variant.values().items()
                if name in differing
            }
            for one in reports
        }
    )


def effective_table(reports: Sequence[VariantReport]) -> pd.DataFrame:
    """Return one row per variant and process setting: what was asked for, what was effective."""
    rows = [
        {
            _("variant"): one.variant.name,
            _("setting"): _(label),
            _("asked for"): _(asked),
            _("effective"): _(effective),
        }
        for one in reports
        for label, (asked, effective) in asked_and_effective(one).items()
    ]
    return pd.DataFrame(rows)


def asked_and_effective(one: VariantReport) -> dict[str, tuple[str, str]]:
    """Return what of the process was asked for and what was effective, by label, in words."""
    known = known_settings()
    effective = {} if one.worker is None else _effective(one.worker)
    return {
        known[name].label: (
            known[name].in_words(value),
            effective.get(name, Text("not told by the engine")),
        )
        for name, value in ({"engine": None} | one.variant.values()).items()
        if name not in _NOT_OF_THE_PROCESS
    }


# A throttle is what the worker does between photos, and takes effect as it is.
_NOT_OF_THE_PROCESS = {*declared(AnalysisSettings), "min_interval_ms"}


def _effective(worker: WorkerFacts) -> dict[str, str]:
    engine = worker.engine
    return {
        "engine": f"{engine.name} {engine.version}".strip(),
        "threads": str(engine.threads),
        "cores": str(worker.cores),
        "optimised": Text("on") if engine.optimised else Text("off"),
        "cpu_features_off": Text("in use: {units}", units=" ".join(engine.cpu_features)),
    }


def trials_table(experiment: Experiment) -> pd.DataFrame:
    """Return one row per trial in the order they ran: the raw samples, units in the names."""
    rows = [
        {
            "variant": experiment.plan.variants[trial.variant].name,
            "photo": trial.photo,
            "repeat": trial.repeat,
            "started_s": trial.started_s,
            "total_ms": trial.timings.total_ms,
            **{f"{stage}_ms": time_ms for stage, time_ms in trial.timings.by_stage().items()},
            "cpu_time_s": trial.cpu_time_s,
            "cpu_percent_of_core": trial.cpu_percent,
            "cycle_time_s": trial.cycle_time_s,
            "cycle_cpu_s": trial.cycle_cpu_s,
            "rss_after_mb": trial.rss_after_bytes / _MB,
            "peak_rss_mb": trial.peak_rss_bytes / _MB,
            "faces": trial.faces,
        }
        for trial in experiment.trials
    ]
    return pd.DataFrame(rows, columns=None if rows else ["variant", "photo", "repeat", "total_ms"])


def as_values(outcome: Outcome) -> dict[str, Any]:
    """Return what an experiment says as plain values that JSON has: its advice and its tables."""
    return {
        "advice": outcome.advice,
        "variants": _records(summary_table(outcome.reports)),
        "stages": _records(stages_table(outcome.reports)),
        "differing_answers": _records(events_table(outcome.reports)),
        "warnings": list(outcome.warnings),
        "measured_share": outcome.experiment.measured_share,
    }


def _records(table: pd.DataFrame) -> list[dict[Any, Any]]:
    return table.astype(object).where(table.notna(), None).to_dict("records")
