"""What the Tune page shows of the detector: candidates and scores over the threshold."""

from __future__ import annotations

from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from facecore.evaluation.accuracy import HOW_INTERVALS
from facecore.evaluation.curves import MATCH_IOU
from facecore.evaluation.kept import all_confidences
from facecore.evaluation.thresholds import ThresholdScores
from facecore.ui import state
from facecore.ui.components import chart
from facecore.ui.sidebar import slider_step, use_confidence
from facecore.ui.tune import charts
from facecore.ui.tune.figures import metric
from facecore.ui.tune.photo import photo_view
from facecore.ui.tune.subject import Subject
from facecore.wording import Text, _, counted, listed

_THRESHOLD = "tune_threshold"


def threshold_slider() -> float:
    """Draw the slider, and where the sidebar says another threshold which is of what.

    Returns:
        The threshold to try.
    """
    settings = state.current_settings()[0]
    now = slider_step(settings.confidence)
    threshold = st.slider(
        _("Threshold to try"),
        0.01,
        1.0,
        now,
        0.01,
        key=_THRESHOLD,
        persist_state="session",
        help=_("Only what the detector already offered is counted again: no network runs."),
    )
    row = st.container(horizontal=True, vertical_alignment="center")
    row.button(
        _("Use this threshold (now {confidence:.2f})", confidence=settings.confidence),
        icon=":material/check:",
        on_click=partial(use_confidence, threshold),
        disabled=slider_step(threshold) == now,
    )
    if slider_step(threshold) != now:
        _differs(row, threshold, now, settings.confidence)
    return threshold


def _differs(row: DeltaGenerator, threshold: float, now: float, confidence: float) -> None:
    row.button(
        _("Back to {now:.2f}", now=now),
        key="tune_back",
        icon=":material/undo:",
        on_click=partial(state.set_widget_values, {_THRESHOLD: now}),
    )
    row.caption(
        _(
            "Boxes on this page count from {threshold:.2f} on, the threshold to try. "
            "The sidebar, the other pages, and gender and age here, begin at "
            "{confidence:.2f}.",
            threshold=threshold,
            confidence=confidence,
        )
    )


def candidates_view(subject: Subject, threshold: float) -> None:
    """Show one photo with accepted, rejected and true boxes, and the counts over the threshold."""
    names = list(subject.answers)
    left, right = st.columns([3, 2])
    with left:
        name = st.selectbox(_("Photo"), names, key="tune_photo") if len(names) > 1 else None
        photo_view(subject, name or names[0], threshold, "candidates")
    confidences = all_confidences(subject.answers.values())
    with right:
        st.metric(
            _("Faces in {photos}", photos=counted(len(names), "photo")),
            int((confidences >= threshold).sum()),
            help=_("Boxes that reach the threshold, however many faces the sidebar allows."),
        )
        title = _("Faces over the threshold")
        chart(charts.faces_by_threshold(confidences, threshold), "tune_steps", title, title)
        figure = charts.confidences_histogram(confidences, threshold)
        chart(figure, "tune_histogram", _("Confidences"), _("How sure the candidates are"))


def detection_scores(subject: Subject, threshold: float) -> None:
    """Show precision, recall and F1 over the threshold, and points to adopt with a click."""
    photos = subject.matched()
    if not photos:
        return
    scores = subject.scores()
    st.markdown(
        _(
            "**Boxes from confidence {threshold:.2f} on, against {faces} in {photos}**",
            threshold=threshold,
            faces=counted(scores.faces, "face"),
            photos=counted(len(photos), "photo"),
        )
    )
    here = scores.at(threshold)
    row = st.container(horizontal=True)
    metric(row, _("Precision"), here.precision, "%", "boxes")
    metric(row, _("Recall"), here.recall, "%", "faces")
    metric(row, "F1", here.f1, "", "photos")
    counts = Text("A box counts from an overlap with the face, IoU, of {iou:g} on.", iou=MATCH_IOU)
    st.caption(_(listed([HOW_INTERVALS, counts], " ")))
    left, right = st.columns(2)
    with left:
        chart(
            charts.scores_by_threshold(scores, threshold), "tune_scores", _("Scores by threshold")
        )
    with right:
        chart(
            charts.precision_recall({_("all thresholds"): scores}, here),
            "tune_pr",
            _("Precision over recall"),
        )
    _points_to_adopt(scores)


def _points_to_adopt(scores: ThresholdScores) -> None:
    best = scores.best_f1()
    if best is None:
        st.markdown(_("No threshold finds a face, so there is none to adopt."))
        return
    st.button(
        _("Adopt the best F1: threshold {threshold:.2f}", threshold=best.scores.threshold),
        on_click=partial(_adopt, best.scores.threshold),
        icon=":material/check:",
    )
    st.caption(_(best.in_words()))
    row = st.container(horizontal=True, vertical_alignment="bottom")
    wanted = row.number_input(
        _("At least this precision"), 0.0, 1.0, 0.95, 0.01, key="tune_precision", width=220
    )
    point = scores.at_least_precision(wanted)
    if point is None:
        row.markdown(
            _("Adopt precision of {wanted:.2f} or more: no threshold gives it.", wanted=wanted)
        )
        return
    row.button(
        _(
            "Adopt precision of {wanted:.2f} or more: threshold {threshold:.2f}",
            wanted=wanted,
            threshold=point.threshold,
        ),
        on_click=partial(_adopt, point.threshold),
        icon=":material/check:",
    )
    row.caption(
        _(
            "Recall there: {found} of {faces} faces; precision: {right} of {boxes} boxes.",
            found=point.recall.successes,
            faces=point.recall.n,
            right=point.precision.successes,
            boxes=point.precision.n,
        )
    )


def _adopt(threshold: float) -> None:
    use_confidence(threshold)
    state.set_widget_values({_THRESHOLD: threshold})
