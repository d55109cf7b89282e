"""What the Tune page shows: candidates over the threshold, and scores against the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import streamlit as st

from facecore.evaluation.accuracy import AttributeReport, confusions, evaluate_attributes
from facecore.evaluation.curves import MATCH_IOU, PrCurve, PrPoint, precision_recall_curve
from facecore.results import Analysis
from facecore.ui import state
from facecore.ui.components import chart
from facecore.ui.photos import Reading
from facecore.ui.readings import candidates_jpeg
from facecore.ui.sidebar import slider_step, use_confidence
from facecore.ui.tune import charts
from facecore.ui.tune.truth import Truth, read_truth
from facecore.ui.uploader import uploader
from facecore.wording import counted

_THRESHOLD = "tune_threshold"
_TRUTH = state.Remembered("truth", Truth)
_MOST_PROBLEMS = 5
_STEPS = tuple(step / 100 for step in range(1, 101))


def threshold_slider() -> float:
    """Draw the slider and the button that adopts it; return the threshold to try."""
    settings, _ = state.current_settings()
    threshold = st.slider(
        "Threshold to try",
        0.01,
        1.0,
        slider_step(settings.confidence),
        0.01,
        key=_THRESHOLD,
        persist_state="session",
        help="Only what the detector already offered is counted again: no network runs.",
    )
    st.button(
        f"Use this threshold (now {settings.confidence:.2f})",
        icon=":material/check:",
        on_click=partial(use_confidence, threshold),
        disabled=slider_step(threshold) == slider_step(settings.confidence),
    )
    return threshold


def candidates_view(readings: Sequence[Reading], threshold: float) -> None:
    """Show one photo with accepted and rejected boxes, and the counts over the threshold."""
    by_name = {reading.photo.name: reading for reading in readings}
    left, right = st.columns([3, 2])
    with left:
        name = st.selectbox("Photo", list(by_name), key="tune_photo") if len(by_name) > 1 else None
        shown = by_name.get(name or "", readings[0])
        st.image(candidates_jpeg(shown, threshold), width="stretch", alt="Accepted and rejected")
        st.caption(
            "Green and thick: reaches the threshold. Orange and thin: does not. The numbers are "
            "the detector's confidence."
        )
    confidences = [
        found.confidence
        for reading in readings
        for found in (reading.analysis.candidates if reading.analysis else ())
    ]
    accepted = sum(confidence >= threshold for confidence in confidences)
    with right:
        st.metric(
            f"Faces in {counted(len(readings), 'photo')}",
            accepted,
            help="Boxes that reach the threshold, however many faces the sidebar allows.",
        )
        title = "Faces over the threshold"
        chart(charts.faces_by_threshold(confidences, threshold), "tune_steps", title, title)
        figure = charts.confidences_histogram(confidences, threshold)
        chart(figure, "tune_histogram", "Confidences", "How sure the candidates are")


def truth_input() -> Truth:
    """Let the visitor upload labels and boxes; return what could be read of them."""
    st.subheader("Against the truth")
    uploader(
        "Boxes (file, x1, y1, x2, y2) or labels (file, age or age_range, gender) as CSV",
        "truth_files",
        on_change=_take_truth,
        help="The files' names must be those of the photos. A file without a face has a row "
        "without numbers.",
    )
    truth = _TRUTH()
    if truth.tables and not state.widget_value("truth_files"):
        # The uploader forgets its files when another page is opened; they still count.
        row = st.container(horizontal=True, vertical_alignment="center")
        row.caption(f"In use: {len(truth.tables)} uploaded before.")
        row.button("Remove them", on_click=partial(_TRUTH.keep, Truth()))
    if truth.problems:
        st.warning("Something was left out of the tables:", icon=":material/warning:")
    for problem in truth.problems[:_MOST_PROBLEMS]:
        # It quotes the file, so it must not be taken for Markdown.
        st.text(problem)
    if len(truth.problems) > _MOST_PROBLEMS:
        st.caption(f"And {len(truth.problems) - _MOST_PROBLEMS} more.")
    return truth


def detection_scores(analyses: Mapping[str, Analysis], truth: Truth, threshold: float) -> None:
    """Show precision, recall and F1 over the threshold, and points to adopt with a click."""
    names = [name for name in truth.boxes if name in analyses]
    if not names:
        if truth.boxes:
            st.info("None of the boxes is of a photo above: the names must be the same.")
        return
    curve = precision_recall_curve([(analyses[n].candidates, truth.boxes[n]) for n in names])
    here = curve.at(threshold)
    st.markdown(
        f"**Detection: {curve.truths} faces in {counted(len(names), 'photo')}** (a box counts from "
        f"an overlap, IoU, of {MATCH_IOU:g} on)"
    )
    _point_metrics(here)
    left, right = st.columns(2)
    with left:
        chart(charts.scores_by_threshold(curve, threshold), "tune_scores", "Scores by threshold")
    with right:
        chart(charts.precision_recall(curve, here), "tune_pr", "Precision over recall")
    _points_to_adopt(curve)


def attribute_scores(analyses: Mapping[str, Analysis], truth: Truth) -> None:
    """Show how often gender and age group are right, and what is taken for what."""
    if not any(name in analyses for name in truth.labels):
        if truth.labels:
            st.info("None of the labels is of a photo above: the names must be the same.")
        return
    report = evaluate_attributes(analyses, truth.labels)
    st.markdown("**Gender and age group**, at the confidence in the sidebar")
    figures = {
        "gender right": report.gender,
        "age group right": report.age_group_exact,
        "at most one group off": report.age_group_one_off,
    }
    for name, figure in figures.items():
        if figure.value is not None and figure.interval is not None:
            low, high = figure.interval
            st.markdown(
                f"- {name}: {figure.value:.1%} of {figure.n} (95 %: {low:.1%} to {high:.1%})"
            )
    _reliability(report)
    genders, ages = confusions(analyses, truth.labels)
    left, right = st.columns([1, 3])
    left.caption("Rows: labelled gender; columns: answer")
    left.dataframe(genders)
    right.caption("Rows: age group nearest to the label; columns: answer")
    right.dataframe(ages)


def _reliability(report: AttributeReport) -> None:
    for column, (name, found) in zip(st.columns(2), report.reliability.items(), strict=True):
        if found.error is not None:
            words = name.replace("_", " ")
            title = f"Probability against truth, {words}"
            with column:
                chart(charts.reliability_diagram(found), f"tune_reliability_{name}", title, title)
                st.caption(
                    f"Calibration error (ECE) {found.error:.3f}. The number above a bar counts "
                    "its answers, the thin line is its 95 % interval. On the dashed line, "
                    "probabilities mean what they say; bars below it say too much."
                )


def _take_truth() -> None:
    uploads = state.widget_value("truth_files") or []
    _TRUTH.keep(read_truth([(upload.name, upload.getvalue()) for upload in uploads]))


def _point_metrics(here: PrPoint | None) -> None:
    row = st.container(horizontal=True)
    if here is None:
        row.markdown("No box reaches this threshold.")
        return
    row.metric("Precision", f"{here.precision:.3f}", border=True)
    row.metric("Recall", f"{here.recall:.3f}", border=True)
    row.metric("F1", f"{here.f1:.3f}", border=True)


def _points_to_adopt(curve: PrCurve) -> None:
    wanted = st.number_input(
        "At least this precision", 0.0, 1.0, 0.95, 0.01, key="tune_precision", width=220
    )
    # Only what the slider can say, so that the figures are those one gets.
    steps = curve.at_steps(_STEPS)
    row = st.container(horizontal=True)
    for name, point in (
        ("Adopt the best F1", steps.best_f1()),
        (f"Adopt precision of {wanted:.2f} or more", steps.at_least_precision(wanted)),
    ):
        if point is None or point.f1 == 0:
            row.markdown(f"{name}: no threshold gives it.")
            continue
        row.button(
            f"{name}: threshold {point.threshold:.2f}",
            on_click=partial(_adopt, point.threshold),
            icon=":material/check:",
            help=f"Precision {point.precision:.3f}, recall {point.recall:.3f}, F1 {point.f1:.3f}.",
        )


def _adopt(threshold: float) -> None:
    use_confidence(threshold)
    state.set_widget_values({_THRESHOLD: threshold})
