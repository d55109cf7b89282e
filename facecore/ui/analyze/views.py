"""What the Analyze page shows: faces, cost and times of a photo, and many photos side by side."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from facecore.engines import titles
from facecore.export import PhotoRow, csv_bytes, faces_table, to_json_line
from facecore.results import AgeGroupPrediction, Analysis, Face, GenderPrediction
from facecore.serving.history import RunRecord
from facecore.sources.photo import Person, Photo
from facecore.ui import state
from facecore.ui.analyze.charts import stage_bar
from facecore.ui.analyze.finding import looks_taken, nothing_found
from facecore.ui.charts import STAGE_COLOURS
from facecore.ui.components import as_text, chart
from facecore.ui.photos import Reading
from facecore.ui.readings import annotated_png
from facecore.wording import counted

_MB = 1e6
_CARDS_HEIGHT_PX = 690
_CROP_WIDTH_PX = 112
_BAR_COLOUR = STAGE_COLOURS["detect"]

# Label, form of the number, where it is read, what it means.
_METRICS: tuple[tuple[str, str, Callable[[RunRecord], float], str], ...] = (
    (
        "Latency",
        "{:.0f} ms",
        lambda run: run.timings.total_ms,
        "Wall time of this run, from the file's bytes to the drawn answer, without the wait for "
        "its turn. A run that takes an earlier detection over is quick.",
    ),
    (
        "CPU",
        "{:.0f} %",
        lambda run: run.used.cpu_percent,
        "CPU time over wall time of the whole server process: 100 % is one core kept busy.",
    ),
    (
        "Memory, peak",
        "{:.0f} MB",
        lambda run: run.used.peak_rss_bytes / _MB,
        "The most memory that the whole server process held during the run, other visitors' "
        "runs included.",
    ),
    ("Faces", "{:.0f}", lambda run: run.faces, "Faces at or above the confidence."),
)


def run_metrics(run: RunRecord, before: RunRecord | None) -> None:
    """Show a run's latency, CPU, memory and faces, with the change from the run before it."""
    # A run that took something over is no measure for one that did not.
    comparable = before is not None and before.reused == run.reused
    row = st.container(horizontal=True)
    for label, form, read, note in _METRICS:
        value = read(run)
        row.metric(
            label,
            form.format(value),
            _change(value - read(before), form) if before and comparable else None,
            delta_color="off" if label == "Faces" else "inverse",
            help=note,
            border=True,
        )
    against = f", against run {before.number} of this photo" if comparable and before else ""
    line = st.container(horizontal=True, vertical_alignment="center")
    line.caption(
        f"Run {run.number} of this session{against}, by {titles(run.engine)}"
        f"{_instead(run)}.{_waited(run)}"
    )
    line.button(
        "Run again",
        icon=":material/refresh:",
        help="Read the photo from the beginning, so that there is more to compare.",
        on_click=state.measure_again,
    )


def _instead(run: RunRecord) -> str:
    wished = run.runtime.engine or run.engine
    why = "which cannot be used here: the server's log says why"
    return "" if wished == run.engine else f" instead of {titles(wished)}, {why}"


def face_cards(analysis: Analysis, crops_jpeg: Sequence[bytes], photo: Photo) -> None:
    """Show one card per face: crop, what is true where it is known, and all that was read."""
    if not analysis.faces:
        nothing_found(analysis)
        return
    with st.container(
        height=_CARDS_HEIGHT_PX if len(analysis.faces) > 1 else "content", border=False
    ):
        for number, (face, crop) in enumerate(
            zip(analysis.faces, crops_jpeg, strict=False), start=1
        ):
            person = photo.person_at(face.box)
            _face_card(number, face, crop, analysis.settings.unsure_below, person)
        hidden = len(analysis.faces) - len(crops_jpeg)
        if hidden > 0:
            st.caption(f"{hidden} more faces are in the photo and in the downloads.")
        found = {photo.person_at(face.box) for face in analysis.faces}
        missed = [person.in_words for person in photo.people if person not in found]
        if missed:
            st.markdown(f"**Not found**  \n{'; '.join(missed)}.")


def stage_times(analysis: Analysis, key: str) -> None:
    """Show where the time went as one stacked bar."""
    chart(stage_bar(analysis.timings), key, "Time of each stage of this run, in milliseconds")
    if analysis.reused:
        st.caption(f"Taken over from an earlier run: {', '.join(analysis.reused)}.")
    looks_taken(analysis)
    st.caption(
        "Decode: the file becomes pixels. Resize: the detector's copy. Detect and classify: the "
        "networks. Annotate and encode: the drawn photo."
    )


def downloads(reading: Reading) -> None:
    """Offer the annotated photo, the faces as CSV, and everything as JSON."""
    if reading.analysis is None:
        return
    name, analysis = reading.photo.name, reading.analysis
    stem = name.rsplit(".", 1)[0] or "photo"
    session_key = state.session_key()
    row = st.container(horizontal=True)
    table, row_json = faces_table([(name, analysis)]), to_json_line(PhotoRow.of(name, analysis))
    png = partial(annotated_png, reading, session_key)
    for label, data, ending, mime, symbol in (
        ("Annotated PNG", png, "annotated.png", "image/png", "image"),
        ("Faces CSV", csv_bytes(table), "faces.csv", "text/csv", "table"),
        ("JSON", row_json, "json", "application/json", "data_object"),
    ):
        icon = f":material/{symbol}:"
        row.download_button(label, data, f"{stem}.{ending}", mime, icon=icon, on_click="ignore")


def refused(readings: Sequence[Reading]) -> None:
    """Say of each photo that could not be read why, those of one reason together."""
    if busy := sum(reading.busy for reading in readings):
        words = f"{counted(busy, 'photo')} {'is' if busy == 1 else 'are'} not read yet."
        st.info(words, icon=":material/hourglass_top:")
    names_by_error: dict[str, list[str]] = {}
    for reading in readings:
        if reading.error and not reading.busy:
            names_by_error.setdefault(reading.error, []).append(reading.photo.name)
    if names_by_error:
        lines = [
            f"**{as_text(', '.join(names))}:** {as_text(error)}"
            for error, names in names_by_error.items()
        ]
        st.error("  \n".join(lines), icon=":material/broken_image:")


def _face_card(
    number: int, face: Face, crop_jpeg: bytes, limit: float, person: Person | None
) -> None:
    with st.container(border=True):
        row = st.container(horizontal=True, vertical_alignment="center")
        row.image(crop_jpeg, width=_CROP_WIDTH_PX, alt=f"Face {number}")
        gender, age = face.gender, face.age_group
        expected = f"Expected age {age.expected_age:.0f}" if age.years is None else ""
        years = "" if age.years is None else f"{age.years:.0f} years, "
        lines = [
            f"**Face {number}**",
            f"{gender.label}, {gender.probability:.0%}{_unsure(gender, limit)}",
            f"Age {years}{age.label}, {age.probability:.0%}{_unsure(age, limit)}",
            expected,
            f"Confidence {face.confidence:.0%}",
            f"**True:** {person.in_words}" if person else "",
        ]
        row.markdown("  \n".join(filter(None, lines)))
        st.html(_probability_bars(face.age_group.as_dict()))


def _waited(run: RunRecord) -> str:
    # A free queue takes microseconds to pass.
    return f" It waited {run.waited_ms:.0f} ms for its turn." if run.waited_ms >= 1 else ""


def _unsure(answer: GenderPrediction | AgeGroupPrediction, limit: float) -> str:
    return " :orange-badge[unsure]" if answer.probability < limit else ""


def _probability_bars(probabilities: dict[str, float]) -> str:
    best = max(probabilities.values())
    rows = "".join(
        '<div style="display:flex;align-items:center;gap:.5rem;line-height:1.35">'
        f'<span style="flex:0 0 4.6rem">{html.escape(label)}</span>'
        '<span style="flex:1;background:rgba(128,128,128,.18);border-radius:3px;height:.7rem">'
        f'<span style="display:block;height:100%;width:{100 * probability:.1f}%;'
        f"background:{_BAR_COLOUR};opacity:{1 if probability == best else 0.55};"
        'border-radius:3px"></span></span>'
        f'<span style="flex:0 0 2.6rem;text-align:right">{probability:.0%}</span></div>'
        for label, probability in probabilities.items()
    )
    return (
        '<div role="img" aria-label="Probability of each age group" style="font-size:.85rem">'
        f"{rows}</div>"
    )


def faces_in_words(analysis: Analysis) -> str:
    """Return how many faces an analysis found and how long it took."""
    count = len(analysis.faces)
    words = counted(count, "face") if count else "no face"
    return f"{words}, {analysis.timings.total_ms:.0f} ms"


def _change(difference: float, form: str) -> str | None:
    text = form.format(difference)
    # "-0" and "0" are no change, and no arrow should point anywhere.
    return None if form.format(0) == text.lstrip("-") else text
