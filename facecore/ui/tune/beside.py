"""Another way of reading the same labelled photos, its scores and curves side by side."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from facecore.evaluation.beside import BesideRow, Side, beside
from facecore.statistics.intervals import Estimate, Proportion
from facecore.ui.components import chart
from facecore.ui.tune import charts, run
from facecore.ui.tune.figures import interval_in_words, value_in_words
from facecore.ui.tune.subject import Subject, ways
from facecore.wording import _, counted


def side_by_side(subject: Subject) -> None:
    """Offer to read the photos another way, and show both ways' scores once that has ended."""
    if not subject.truth.files:
        return
    st.header(_("Beside another preset"))
    offered = {title: way for title, way in ways().items() if subject.reading.unlike(way)}
    row = st.container(horizontal=True, vertical_alignment="bottom")
    title = row.selectbox(_("Preset"), list(offered), format_func=_, key="tune_way", width=260)
    known = [photo for name, photo in subject.photos.items() if name in subject.truth.files]
    row.button(
        _("Read {photos} with it", photos=counted(len(known), "photo")),
        key="tune_beside_start",
        icon=":material/compare:",
        on_click=run.start,
        args=(run.second_run, known, offered[title or next(iter(offered))]),
        disabled=(found := run.second_run()) is not None and found.job.is_running,
    )
    if run.progress(run.second_run):
        _both(subject)


def _both(subject: Subject) -> None:
    second = run.second_run()
    if second is None or not second.reading.unlike(subject.reading):
        return
    answers = second.answers.now()
    rows = beside(
        Side(subject.reading.settings, subject.answers),
        Side(second.reading.settings, answers),
        subject.truth.labels,
        subject.truth.boxes,
    )
    if not rows:
        st.info(_("These are scores of other photos: read those above with it."))
        return
    st.markdown(
        _(
            "First: {first}. Second: {second}.",
            first=subject.reading.with_confidence(),
            second=second.reading.with_confidence(),
        )
    )
    st.dataframe(_table(rows), hide_index=True, key="tune_both", alt=_("Scores of both"))
    _told_apart(rows)
    other = Subject(
        photos=subject.photos,
        answers=answers,
        reading=second.reading,
        truth=subject.truth.of_photos(answers),
        key=(second.number, len(answers), subject.key),
    )
    _curves(subject, other)


def _told_apart(rows: list[BesideRow]) -> None:
    different = [_(row.name) for row in rows if row.is_told_apart]
    st.caption(
        _(
            "Each way counts from its own confidence on. Intervals are 95 %; that of "
            "a difference is a bootstrap over the same photos."
        )
        + " "
        + (
            _("Told apart: {scores}.", scores=_(", ").join(different))
            if different
            else _("Nothing is told apart.")
        )
    )


def _curves(subject: Subject, other: Subject) -> None:
    names = {_("First"): subject, _("Second"): other}
    scores = {name: one.scores() for name, one in names.items() if one.matched()}
    if len(scores) == len(names):
        title = _("Precision over recall, both")
        chart(charts.precision_recall(scores), "tune_both_pr", title, title)
        title = _("F1 by threshold, both")
        chart(charts.f1_by_threshold(scores), "tune_both_f1", title, title)


def _table(rows: list[BesideRow]) -> pd.DataFrame:
    def cell(figure: Proportion | Estimate, unit: str, *, signed: bool = False) -> str:
        ends = interval_in_words(figure.interval, unit, signed=signed)
        return f"{value_in_words(figure.value, unit, signed=signed)} ({ends})"

    return pd.DataFrame(
        {
            _("Score"): [_(row.name) for row in rows],
            _("First"): [cell(row.first, row.unit) for row in rows],
            _("Second"): [cell(row.second, row.unit) for row in rows],
            _("Second less first"): [cell(row.difference, row.unit, signed=True) for row in rows],
        }
    )
