"""Gender and age of labelled people on the Tune page: shares, calibration, confusions."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from facecore.evaluation.accuracy import (
    HOW_AGES,
    HOW_PERSON,
    AttributeReport,
    confusions,
    evaluate_attributes,
)
from facecore.evaluation.calibration import HOW_CALIBRATED
from facecore.results import GENDERS
from facecore.ui import state
from facecore.ui.components import chart
from facecore.ui.tune import charts
from facecore.ui.tune.figures import interval_in_words, metric, value_in_words
from facecore.ui.tune.subject import Subject
from facecore.wording import Text, _, counted, listed

Cell = tuple[str, str, str]
"""An attribute, the label and the answer: a cell of a confusion table."""

chosen_cell = state.Remembered[Cell | None]("tune_cell", lambda: None)
"""The cell of a confusion table that was clicked."""


def people_scores(subject: Subject) -> None:
    """Show how often gender and age group are right, and what is taken for what."""
    if not any(name in subject.answers for name in subject.truth.labels):
        return
    report = evaluate_attributes(subject.answers, subject.truth.labels)
    confidence = subject.reading.settings.confidence
    st.markdown(
        _(
            "**Gender and age on {photos}, read from confidence {confidence:.2f} on**",
            photos=counted(report.photos, "labelled photo"),
            confidence=confidence,
        )
    )
    row = st.container(horizontal=True)
    metric(row, _("Gender right"), report.gender, "%", "faces")
    metric(row, _("Age group right"), report.age_group_exact, "%", "faces")
    metric(row, _("At most one group off"), report.age_group_one_off, "%", "faces")
    metric(row, _("Expected age is off by"), report.age_error_years, "years", "faces")
    metric(row, _("No face found"), report.no_face, "%", "photos")
    st.caption(_(listed([HOW_PERSON, HOW_AGES], " ")))
    _by_group(report)
    _reliability(report)
    _confusions(subject)


def _by_group(report: AttributeReport) -> None:
    rows = [
        (_("gender right, {group}", group=Text(name)), share)
        for name, share in (*report.gender_by_gender.items(), *report.gender_by_age_range.items())
    ]
    rows += [
        (_("at most one group off, {group}", group=Text(name)), share)
        for name, share in report.age_one_off_by_age_range.items()
    ]
    table = pd.DataFrame(
        [
            (name, value_in_words(one.value, "%"), interval_in_words(one.interval, "%"), one.n)
            for name, one in rows
            if one.n
        ],
        columns=[_("Score"), _("Value"), _("Interval"), _("Faces")],
    )
    with st.expander(_("By the labelled gender and age")):
        st.dataframe(table, hide_index=True, key="tune_groups", alt=_("Scores by gender and age"))


def _reliability(report: AttributeReport) -> None:
    for column, (name, found) in zip(st.columns(2), report.reliability.items(), strict=True):
        if found.error is not None:
            words = _(name.replace("_", " "))
            title = _("Probability against truth, {attribute}", attribute=words)
            with column:
                chart(charts.reliability_diagram(found), f"tune_reliability_{name}", title, title)
                st.caption(
                    _(
                        "Calibration error (ECE) {error:.3f}. The number above a bar counts its "
                        "answers, the thin line is its 95 % interval. On the dashed line, "
                        "probabilities mean what they say; bars below it say too much.",
                        error=found.error,
                    )
                )
    st.caption(_(HOW_CALIBRATED))


def _confusions(subject: Subject) -> None:
    st.markdown(_("**What is taken for what**"))
    st.caption(
        _("A row is a label, a column an answer. A click on a number opens its photos below.")
    )
    genders, ages = confusions(subject.answers, subject.truth.labels)
    left, right = st.columns([1, 3])
    with left:
        _confusion("gender", genders)
    with right:
        _confusion("age_group", ages)


def _confusion(attribute: str, counts: pd.DataFrame) -> None:
    key = f"tune_confusion_{attribute}"

    def choose() -> None:
        cells = (state.widget_value(key) or {}).get("selection", {}).get("cells", [])
        for row, column in cells:
            chosen_cell.keep(_clicked(attribute, counts, row, column))
            state.set_widget_values({"tune_mistakes": CELL})

    st.dataframe(
        counts.rename(index=_, columns=_),
        key=key,
        on_select=choose,
        selection_mode="single-cell",
        alt=_(
            "Labels against answers, {attribute}",
            attribute=_("gender") if len(counts) == len(GENDERS) else _("age group"),
        ),
    )


def _clicked(attribute: str, counts: pd.DataFrame, row: int, column: str) -> Cell:
    # Streamlit names a column as it is shown.
    answers = {_(answer): str(answer) for answer in counts.columns}
    return attribute, str(counts.index[row]), answers[column]


CELL = "cell"
"""The kind of gallery that a click on a confusion table opens."""
