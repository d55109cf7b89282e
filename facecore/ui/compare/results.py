"""What an experiment says: verdicts, charts, tables, and the photos side by side."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from facecore.experiment import tables
from facecore.experiment.report import Outcome, VariantReport, claim_sentence
from facecore.results import STAGES
from facecore.ui.compare import charts
from facecore.ui.components import as_text, chart, grid
from facecore.wording import Text, _

_AGREEMENT = {
    "matched": Text("the same face"),
    "lost": Text("faces lost"),
    "new": Text("faces new"),
    "mean_iou": Text("mean overlap of boxes (IoU)"),
    "box_shift_px": Text("mean shift of boxes, pixels"),
    "confidence_change": Text("mean change of confidence"),
    "gender_flips": Text("other gender"),
    "age_group_flips": Text("other age group"),
    "same_percent": Text("answered the same, %"),
}


def advice_view(outcome: Outcome) -> None:
    """Show what to do, in one sentence."""
    st.success(as_text(_(outcome.advice)), icon=":material/recommend:")


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
        st.info(as_text(_(sentence)), icon=":material/fact_check:")
    for warning in outcome.warnings:
        st.warning(_(warning), icon=":material/warning:")
    if experiment.failures:
        st.error(_("This could not be measured:"), icon=":material/error:")
        # A name may come from a file's name, so it is no Markdown.
        st.text(
            "\n".join(
                _("{name}: {problem}", name=f.where(experiment.plan), problem=_(f.message))
                for f in experiment.failures
            )
        )


def _verdict(one: VariantReport) -> None:
    times, compared = one.times, one.comparison
    st.text(one.variant.name)
    st.markdown(f"**{_(one.verdict)}**" if compared else _("**Baseline**"))
    if times.typical_ms is None:
        st.caption(_("Nothing was measured."))
        return
    st.metric(_("Typical time a photo"), f"{times.typical_ms:.0f} ms")
    known = {"p90": times.p90_ms, "p95": times.p95_ms}
    parts = [f"{name} {value:.0f} ms" for name, value in known.items() if value is not None]
    if times.spread is not None:
        parts.append(_("spread {share:.0%}", share=times.spread))
    st.caption(
        _(
            "{n} trial; {times}.",
            "{n} trials; {times}.",
            n=times.n,
            times=_(", ").join([_("median {time_ms:.0f} ms", time_ms=times.median_ms), *parts]),
        )
    )
    if compared is not None:
        share = compared.probability_faster.value
        if share is not None:
            st.caption(
                _(
                    "Faster in {share:.0%} of {n} pair.",
                    "Faster in {share:.0%} of {n} pairs.",
                    share=share,
                    n=compared.n_pairs,
                )
            )
        for warning in compared.warnings:
            st.markdown(f":orange[:material/warning: {_(warning)}]")
        if compared.advice:
            st.caption(_(compared.advice))
    if one.agreement is not None:
        st.caption(_("Answers: {words}.", words=one.agreement.words))
    for asked, words in tables.right_in_words(one).items():
        st.caption(_("{asked}: {words}.", asked=_capital(_(asked)), words=words))


def _times(outcome: Outcome) -> None:
    names = [one.variant.name for one in outcome.reports]
    left, right = st.columns(2)
    with left:
        figure = charts.latency_violins(outcome.experiment.trials, names)
        chart(figure, "compare_violins", _("Spread of times"), _("How the times spread"))
    with right:
        figure = charts.stage_bars(outcome.reports)
        chart(figure, "compare_stages", _("Time by stage"), _("Where the time goes"))
    with st.expander(_("Verdict by stage")):
        st.dataframe(_stage_verdicts(outcome.reports))


def _stage_verdicts(reports: Sequence[VariantReport]) -> pd.DataFrame:
    order = dict.fromkeys(stage for stage in STAGES for one in reports if stage in one.stages)
    columns = {
        one.variant.name: {
            _(stage): _(one.stage_comparisons[stage].words)
            if stage in one.stage_comparisons
            else "–"
            for stage in order
        }
        for one in reports[1:]
    }
    return pd.DataFrame(columns)


def _costs(reports: Sequence[VariantReport]) -> None:
    left, right = st.columns(2)
    with left:
        chart(charts.cpu_bars(reports), "compare_cpu", _("CPU use"), "CPU")
    with right:
        chart(
            charts.memory_bars(reports), "compare_memory", _("Memory"), _("Memory of the process")
        )
    st.dataframe(_cost_table(reports), hide_index=True)


def _cost_table(reports: Sequence[VariantReport]) -> pd.DataFrame:
    table = tables.summary_table(reports)
    shown = {
        "variant": _("variant"),
        "cpu_s_per_photo": _("CPU s a photo"),
        "cpu_percent_average": _("CPU average, %"),
        "cpu_percent_peak": _("CPU at most, %"),
        "peak_memory_mb": _("memory at most, MB"),
        "model_load_ms": _("networks loaded in, ms"),
        "start_up_ms": _("ready after, ms"),
    }
    digits = {_("CPU s a photo"): 3}
    table = table[list(shown)].rename(columns=shown)
    return table.round({name: digits.get(str(name), 0) for name in table.select_dtypes("number")})


def _agreement(outcome: Outcome) -> None:
    reports = outcome.reports
    left, right = st.columns(2)
    with left:
        st.markdown(
            _(
                "**Speed against agreement** (★: no other is clearly better, and it is "
                "clearly apart from the rest)"
            )
        )
        figure = charts.speed_and_agreement(reports, outcome.best)
        chart(figure, "compare_scatter", _("Speed and agreement"))
    with right:
        st.markdown(_("**Answers against the baseline's**"))
        table = (
            tables.agreement_table(reports)
            .set_index("variant")
            .rename(columns=lambda name: _(_AGREEMENT.get(name, name)))
        )
        st.dataframe(table.T.map(_short), height="content")
    if outcome.is_judged:
        st.markdown(
            _("**Answers against the labels** (95 % intervals; a person not found is wrong)")
        )
        accuracy = tables.accuracy_table(reports)
        accuracy["asked"] = [_(one) for one in accuracy["asked"]]
        st.dataframe(accuracy.rename(columns=_), hide_index=True)
    events = tables.events_table(reports)
    if len(events):
        st.markdown(_("**Answers that changed: {n}**", n=len(events)))
        # A table's cells are plain strings: what can be said is in the events themselves.
        all_events = [event for one in reports if one.agreement for event in one.agreement.events]
        events["what"] = [_(event.kind) for event in all_events]
        events["baseline"] = [_(event.baseline) for event in all_events]
        events["here"] = [_(event.variant) for event in all_events]
        st.dataframe(events.rename(columns=_), hide_index=True)


def _what_was_compared(outcome: Outcome) -> None:
    experiment = outcome.experiment
    with st.expander(_("What was compared, asked for and effective")):
        differing = tables.differences_table(outcome.reports)
        if len(differing):
            st.dataframe(differing)
        else:
            st.caption(_("The variants have the same settings."))
        st.dataframe(tables.effective_table(outcome.reports), hide_index=True)
        where = experiment.environment
        quota = (
            _("no CPU quota")
            if where.cpu_quota is None
            else _("a quota of {cores:g}", cores=where.cpu_quota)
        )
        facts = _(
            "Measured {when} UTC on {processor}, {cores} cores, "
            "{quota}; {system}, Python {python}, OpenCV {opencv}. {trials} trials in "
            "{measured_s:.0f} s; seed {seed}. Each trial reads the file anew and "
            "draws and encodes the answer, as the Analyze page does.",
            when=f"{experiment.started_at:%Y-%m-%d %H:%M}",
            processor=where.processor,
            cores=where.cores,
            quota=quota,
            system=where.system,
            python=where.python,
            opencv=where.packages.get("opencv-python-headless") or _("unknown"),
            trials=len(experiment.trials),
            measured_s=experiment.measured_s,
            seed=experiment.plan.seed,
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


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _short(value: object) -> str:
    if value is None or value != value:  # noqa: PLR0124 - NaN is unequal to itself
        return "–"
    return f"{round(value, 3):g}" if isinstance(value, float) else _(value)
