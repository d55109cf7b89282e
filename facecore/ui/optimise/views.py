"""What a search found: the recommendation, the picture, tables, and what to take along."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from facecore.optimise.record import Result, result_to_json
from facecore.optimise.report import html_report, tables
from facecore.ui.components import as_text, chart
from facecore.ui.optimise import charts
from facecore.ui.profile.take_along import profile_button, take_over
from facecore.wording import _


def recommendation(result: Result) -> None:
    """Say in a sentence what to take, with the search's figures and those to believe."""
    sentence = as_text(_(result.sentence))
    if result.recommended is None:
        st.warning(sentence, icon=":material/block:")
    else:
        st.success(sentence, icon=":material/recommend:")
    for warning in result.warnings:
        st.warning(as_text(_(warning)), icon=":material/warning:")
    if result.stopped:
        st.info(_("It was stopped: this is as far as it came."), icon=":material/stop_circle:")
    if result.confirmations:
        st.markdown(
            _("**Measured once more**, with fresh trials: the best of many had luck as well")
        )
        _table(tables.confirmations_table(result))


def take_along(result: Result) -> None:
    """Offer a point's settings to the sidebar, and as a profile."""
    names = {point.number: point.name for point in result.points}
    row = st.container(horizontal=True, vertical_alignment="bottom")
    number = row.selectbox(
        _("Take a point along"),
        list(names),
        result.recommended or 0,
        format_func=lambda one: _(names[one]) + (" ★" if one == result.recommended else ""),
        key=f"optimise_taken_{result.started_at:%H%M%S}_{result.spent_s:.0f}",
        width=260,
    )
    point = result.points[number]
    given = point.configuration(point.name if point.number else "")
    row.button(
        _("Use these settings"),
        key="optimise_use",
        icon=":material/tune:",
        on_click=take_over,
        args=(given, point.name),
        help=_("They fill the sidebar, for all pages."),
    )
    with row:
        profile_button(given, key="optimise_profile")
    st.caption(
        _(
            "Differs from the baseline: {changes}.",
            changes=as_text(_(point.changes)) or _("nowhere"),
        )
    )


def measured(result: Result) -> None:
    """Show the picture, all points, what mattered and what violated a constraint."""
    found = tables.dots(result)
    if found:
        chart(
            charts.pareto(found, tables.answers_title(result)),
            "optimise_pareto",
            _("Answers over time of all that was measured"),
            _("Time and answers: larger dots take more memory, hollow ones violate a constraint"),
        )
    st.markdown(
        _(
            "**All that was measured** on {photos}",
            photos=tables.photos_in_words(result),
        )
    )
    _table(tables.points_table(result))
    left, right = st.columns(2)
    with left:
        st.markdown(_("**Which settings mattered**"))
        _importance(result)
    with right:
        st.markdown(_("**What violated a constraint**"))
        violations = tables.violations_table(result)
        if len(violations):
            _table(violations)
        else:
            st.caption(_("Nothing did."))
    with st.expander(_("How it was measured")):
        _table(tables.facts_table(result))


def downloads(result: Result) -> None:
    """Offer the report and the raw result, and say how it is run again."""
    row = st.container(horizontal=True)
    made = (
        (_("Optimise Report"), "html", "text/html", lambda: html_report(result).encode()),
        (_("Optimise JSON"), "json", "application/json", lambda: result_to_json(result)),
    )
    for name, kind, mime, make in made:
        row.download_button(
            name,
            make,
            f"optimise.{kind}",
            mime,
            on_click="ignore",
            icon=":material/download:",
        )
    st.caption(_("To run it again, with the baseline's profile, which is in the report:"))
    st.code(result.command, language="bash", wrap_lines=True)


def _importance(result: Result) -> None:
    if not result.importance:
        st.caption(_("Too little was measured to say."))
        return
    shares = pd.DataFrame(
        [(_(one.label), 100 * one.share) for one in result.importance],
        columns=[_("setting"), _("of all differences")],
    )
    bar = st.column_config.ProgressColumn(format="%.0f %%", min_value=0, max_value=100)
    st.dataframe(shares, hide_index=True, column_config={_("of all differences"): bar})


def _table(table: pd.DataFrame) -> None:
    pinned = {str(table.columns[0]): st.column_config.TextColumn(pinned=True)}
    st.dataframe(table, hide_index=True, column_config=pinned, height="content")
