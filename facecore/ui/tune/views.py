"""What the Tune page shows of the detector: candidates and scores over the threshold."""

from __future__ import annotations

from functools import partial

import streamlit as st

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
from facecore.wording import counted

_THRESHOLD = "tune_threshold"


def threshold_slider() -> float:
    """Draw the slider, and where the sidebar says another threshold which is of what.

    Returns:
        The threshold to try.
    """
    settings, _ = state.current_settings()
    now = slider_step(settings.confidence)
    threshold = st.slider(
        "Threshold to try",
        0.01,
        1.0,
        now,
        0.01,
        key=_THRESHOLD,
        persist_state="session",
        help="Only what the detector already offered is counted again: no network runs.",
    )
    row = st.container(horizontal=True, vertical_alignment="center")
    row.button(
        f"Use this threshold (now {settings.confidence:.2f})",
        icon=":material/check:",
        on_click=partial(use_confidence, threshold),
        disabled=slider_step(threshold) == now,
    )
    if slider_step(threshold) != now:
        row.button(
            f"Back to {now:.2f}",
            key="tune_back",
            icon=":material/undo:",
            on_click=partial(state.set_widget_values, {_THRESHOLD: now}),
        )
        row.caption(
            f"Boxes on this page count from {threshold:.2f} on, the threshold to try. The sidebar, "
            f"the other pages, and gender and age here, begin at {settings.confidence:.2f}."
        )
    return threshold


def candidates_view(subject: Subject, threshold: float) -> None:
    """Show one photo with accepted, rejected and true boxes, and the counts over the threshold."""
    names = list(subject.answers)
    left, right = st.columns([3, 2])
    with left:
        name = st.selectbox("Photo", names, key="tune_photo") if len(names) > 1 else None
        photo_view(subject, name or names[0], threshold, "candidates")
    confidences = all_confidences(subject.answers.values())
    with right:
        st.metric(
            f"Faces in {counted(len(names), 'photo')}",
            int((confidences >= threshold).sum()),
            help="Boxes that reach the threshold, however many faces the sidebar allows.",
        )
        title = "Faces over the threshold"
        chart(charts.faces_by_threshold(confidences, threshold), "tune_steps", title, title)
        figure = charts.confidences_histogram(confidences, threshold)
        chart(figure, "tune_histogram", "Confidences", "How sure the candidates are")


def detection_scores(subject: Subject, threshold: float) -> None:
    """Show precision, recall and F1 over the threshold, and points to adopt with a click."""
    photos = subject.matched()
    if not photos:
        return
    scores = subject.scores()
    st.markdown(
        f"**Boxes from confidence {threshold:.2f} on, against {counted(scores.faces, 'face')} in "
        f"{counted(len(photos), 'photo')}**"
    )
    here = scores.at(threshold)
    row = st.container(horizontal=True)
    metric(row, "Precision", here.precision, "%", "boxes")
    metric(row, "Recall", here.recall, "%", "faces")
    metric(row, "F1", here.f1, "", "photos")
    st.caption(
        f"{HOW_INTERVALS} A box counts from an overlap with the face, IoU, of {MATCH_IOU:g} on."
    )
    left, right = st.columns(2)
    with left:
        chart(charts.scores_by_threshold(scores, threshold), "tune_scores", "Scores by threshold")
    with right:
        chart(
            charts.precision_recall({"all thresholds": scores}, here),
            "tune_pr",
            "Precision over recall",
        )
    _points_to_adopt(scores)


def _points_to_adopt(scores: ThresholdScores) -> None:
    best = scores.best_f1()
    if best is None:
        st.markdown("No threshold finds a face, so there is none to adopt.")
        return
    st.button(
        f"Adopt the best F1: threshold {best.scores.threshold:.2f}",
        on_click=partial(_adopt, best.scores.threshold),
        icon=":material/check:",
    )
    st.caption(best.in_words())
    row = st.container(horizontal=True, vertical_alignment="bottom")
    wanted = row.number_input(
        "At least this precision", 0.0, 1.0, 0.95, 0.01, key="tune_precision", width=220
    )
    point = scores.at_least_precision(wanted)
    name = f"Adopt precision of {wanted:.2f} or more"
    if point is None:
        row.markdown(f"{name}: no threshold gives it.")
        return
    row.button(
        f"{name}: threshold {point.threshold:.2f}",
        on_click=partial(_adopt, point.threshold),
        icon=":material/check:",
    )
    row.caption(
        f"Recall there: {point.recall.successes} of {point.recall.n} faces; precision: "
        f"{point.precision.successes} of {point.precision.n} boxes."
    )


def _adopt(threshold: float) -> None:
    use_confidence(threshold)
    state.set_widget_values({_THRESHOLD: threshold})
