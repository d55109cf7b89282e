"""What an experiment says: verdicts, charts, tables, and the photos side by side."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from facecore.experiment import tables
from facecore.experiment.report import Outcome, VariantReport, claim_sentence
from facecore.ui.compare import charts
from facecore.ui.components import as_text, chart, grid

_AGREEMENT = {
    "matched": "the same face",
    "lost": "faces lost",
    "new": "faces new",
    "mean_iou": "mean overlap of boxes (IoU)",
    "box_shift_px": "mean shift of boxes, pixels",
    "confidence_change": "mean change of confidence",
    "gender_flips": "other gender",
    "age_group_flips": "other age group",
    "same_percent": "answered the same, %",
}


def advice_view(outcome: Outcome) -> None:
    """Show what to do, in one sentence."""
    st.success(as_text(outcome.advice), icon=":material/recommend:")


def outcome_view(outcome: Outcome) -> None:
    """Show everything about one experiment but its advice and its photos."""
    reports = outcome.reports
    _sentences(outcome)
    for column, one in zip(grid(len(reports)), reports, strict=True):
        with column.container(border=True):
            _verdict(one)
    if not outcome.experiment.trials:
        return
    _times(outcome)
    _costs(reports)
    _agreement(outcome)
    _what_was_compared(outcome)


def _sentences(outcome: Outcome) -> None:
    experiment = outcome.experiment
    sentence = claim_sentence(outcome)
    if sentence:
        st.info(as_text(sentence), icon=":material/fact_check:")
    for warning in outcome.warnings:
        st.warning(warning, icon=":material/warning:")
    if experiment.failures:
        st.error("This could not be measured:", icon=":material/error:")
        # A name may come from a file's name, so it is no Markdown.
        st.text("\n".join(f"{f.where(experiment.plan)}: {f.message}" for f in experiment.failures))


def _verdict(one: VariantReport) -> None:
    times, compared = one.times, one.comparison
    st.text(one.variant.name)
    st.markdown(f"**{one.verdict}**" if compared else "**Baseline**")
    if times.typical_ms is None:
        st.caption("Nothing was measured.")
        return
    st.metric("Typical time a photo", f"{times.typical_ms:.0f} ms")
    known = {"p90": times.p90_ms, "p95": times.p95_ms}
    parts = [f"{name} {value:.0f} ms" for name, value in known.items() if value is not None]
    spread = "" if times.spread is None else f", spread {times.spread:.0%}"
    st.caption(
        f"{times.n} trials; {', '.join([f'median {times.median_ms:.0f} ms', *parts])}{spread}."
    )
    if compared is not None:
        share = compared.probability_faster.value
        if share is not None:
            st.caption(f"Faster in {share:.0%} of {compared.n_pairs} pairs.")
        for warning in compared.warnings:
            st.markdown(f":orange[:material/warning: {warning}]")
        if compared.advice:
            st.caption(compared.advice)
    if one.agreement is not None:
        st.caption(f"Answers: {one.agreement.words}.")
    for asked, words in tables.right_in_words(one).items():
        st.caption(f"{asked.capitalize()}: {words}.")


def _times(outcome: Outcome) -> None:
    names = [one.variant.name for one in outcome.reports]
    left, right = st.columns(2)
    with left:
        figure = charts.latency_violins(outcome.experiment.trials, names)
        chart(figure, "compare_violins", "Spread of times", "How the times spread")
    with right:
        figure = charts.stage_bars(outcome.reports)
        chart(figure, "compare_stages", "Time by stage", "Where the time goes")
    stages = tables.stages_table(outcome.reports)
    wide = stages.pivot(index="stage", columns="variant", values="verdict")
    with st.expander("Verdict by stage"):
        order = list(dict.fromkeys(stages["stage"]))
        st.dataframe(wide.reindex(index=order, columns=names[1:]).map(_short))


def _costs(reports: Sequence[VariantReport]) -> None:
    left, right = st.columns(2)
    with left:
        chart(charts.cpu_bars(reports), "compare_cpu", "CPU use", "CPU")
    with right:
        chart(charts.memory_bars(reports), "compare_memory", "Memory", "Memory of the process")
    st.dataframe(_cost_table(reports), hide_index=True)


def _cost_table(reports: Sequence[VariantReport]) -> pd.DataFrame:
    table = tables.summary_table(reports)
    shown = {
        "variant": "variant",
        "cpu_s_per_photo": "CPU s a photo",
        "cpu_percent_average": "CPU average, %",
        "cpu_percent_peak": "CPU at most, %",
        "peak_memory_mb": "memory at most, MB",
        "model_load_ms": "networks loaded in, ms",
        "start_up_ms": "ready after, ms",
    }
    digits = {"CPU s a photo": 3}
    table = table[list(shown)].rename(columns=shown)
    return table.round({name: digits.get(str(name), 0) for name in table.select_dtypes("number")})


def _agreement(outcome: Outcome) -> None:
    reports = outcome.reports
    left, right = st.columns(2)
    with left:
        st.markdown(
            "**Speed against agreement** (★: no other is clearly better, and it is clearly apart "
            "from the rest)"
        )
        figure = charts.speed_and_agreement(reports, outcome.best)
        chart(figure, "compare_scatter", "Speed and agreement")
    with right:
        st.markdown("**Answers against the baseline's**")
        table = tables.agreement_table(reports).set_index("variant").rename(columns=_AGREEMENT)
        st.dataframe(table.T.map(_short), height="content")
    if outcome.is_judged:
        st.markdown("**Answers against the labels** (95 % intervals; a person not found is wrong)")
        st.dataframe(tables.accuracy_table(reports), hide_index=True)
    events = tables.events_table(reports)
    if len(events):
        st.markdown(f"**Answers that changed: {len(events)}**")
        st.dataframe(events, hide_index=True)


def _what_was_compared(outcome: Outcome) -> None:
    experiment = outcome.experiment
    with st.expander("What was compared, asked for and effective"):
        differing = tables.differences_table(outcome.reports)
        if len(differing):
            st.dataframe(differing)
        else:
            st.caption("The variants have the same settings.")
        st.dataframe(tables.effective_table(outcome.reports), hide_index=True)
        where = experiment.environment
        quota = "no CPU quota" if where.cpu_quota is None else f"a quota of {where.cpu_quota:g}"
        facts = (
            f"Measured {experiment.started_at:%Y-%m-%d %H:%M} UTC on {where.processor}, "
            f"{where.cores} cores, {quota}; {where.system}, Python {where.python}, "
            f"OpenCV {where.packages.get('opencv-python-headless', 'unknown')}. "
            f"{len(experiment.trials)} trials in {experiment.measured_s:.0f} s; seed "
            f"{experiment.plan.seed}. Each trial reads the file anew and draws and encodes the "
            "answer, as the Analyze page does."
        )
        st.caption(as_text(facts))  # it may come from anybody's file


def all_variants_table(outcomes: dict[str, Outcome]) -> pd.DataFrame:
    """Return the variants of several experiments in one table, each with where it was measured."""
    return pd.concat(
        [
            tables.summary_table(outcome.reports).assign(
                experiment=title, processor=outcome.experiment.environment.processor
            )
            for title, outcome in outcomes.items()
        ]
    )


def _short(value: object) -> str:
    if value is None or value != value:  # noqa: PLR0124 - NaN is unequal to itself
        return "–"
    return f"{round(value, 3):g}" if isinstance(value, float) else str(value)
