"""What the Analyze page shows beside the faces: cost, times, downloads, and many photos."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from facecore.engines import titles
from facecore.export import PhotoRow, csv_bytes, faces_table, to_json_line
from facecore.results import Analysis
from facecore.serving.history import RunRecord
from facecore.ui import state
from facecore.ui.analyze.charts import stage_bar
from facecore.ui.components import as_text, chart
from facecore.ui.photos import Reading
from facecore.ui.readings import annotated_png, crops_zip
from facecore.wording import Text, _, counted

_MB = 1e6

# Label, form of the number, where it is read, what it means.
_METRICS: tuple[tuple[str, str, Callable[[RunRecord], float], str], ...] = (
    (
        Text("Latency"),
        "{:.0f} ms",
        lambda run: run.timings.total_ms,
        Text(
            "Wall time of this run, from the file's bytes to the drawn answer, "
            "without the wait for its turn. A run that takes an earlier detection "
            "over is quick."
        ),
    ),
    (
        "CPU",
        Text("{:.0f} %"),
        lambda run: run.used.cpu_percent,
        Text("CPU time over wall time of the whole server process: 100 % is one core kept busy."),
    ),
    (
        Text("Memory, peak"),
        "{:.0f} MB",
        lambda run: run.used.peak_rss_bytes / _MB,
        Text(
            "The most memory that the whole server process held during the run, "
            "other visitors' runs included."
        ),
    ),
    (Text("Faces"), "{:.0f}", lambda run: run.faces, Text("Faces at or above the confidence.")),
)


def run_metrics(run: RunRecord, before: RunRecord | None) -> None:
    """Show a run's latency, CPU, memory and faces, with the change from the run before it."""
    # A run that took something over is no measure for one that did not.
    comparable = before is not None and before.reused == run.reused
    row = st.container(horizontal=True)
    for label, form, read, note in _METRICS:
        value, written = read(run), _(form)
        row.metric(
            _(label),
            written.format(value),
            _change(value - read(before), written) if before and comparable else None,
            delta_color="off" if label == "Faces" else "inverse",
            help=_(note),
            border=True,
        )
    against = (
        _(", against run {number} of this photo", number=before.number)
        if comparable and before
        else ""
    )
    line = st.container(horizontal=True, vertical_alignment="center")
    line.caption(
        _(
            "Run {number} of this session{against}, by {engine}{instead}.{waited}",
            number=run.number,
            against=against,
            engine=titles(run.engine),
            instead=_instead(run),
            waited=_waited(run),
        )
    )
    line.button(
        _("Run again"),
        icon=":material/refresh:",
        help=_("Read the photo from the beginning, so that there is more to compare."),
        on_click=state.measure_again,
    )


def _instead(run: RunRecord) -> str:
    wished = run.runtime.engine or run.engine
    return (
        ""
        if wished == run.engine
        else _(
            " instead of {engine}, which cannot be used here: the server's log says why",
            engine=titles(wished),
        )
    )


def stage_times(analysis: Analysis, key: str) -> None:
    """Show where the time went as one stacked bar."""
    chart(stage_bar(analysis.timings), key, _("Time of each stage of this run, in milliseconds"))
    if analysis.reused:
        st.caption(
            _(
                "Taken over from an earlier run: {stages}.",
                stages=_(", ").join(map(_, analysis.reused)),
            )
        )
    st.caption(
        _(
            "Decode: the file becomes pixels. Resize: the detector's copy. Detect "
            "and classify: the networks. Annotate and encode: the drawn photo."
        )
    )


def downloads(reading: Reading) -> None:
    """Offer the annotated photo, the crops, the faces as CSV, and everything as JSON."""
    if reading.analysis is None:
        return
    name, analysis = reading.photo.name, reading.analysis
    stem = name.rsplit(".", 1)[0] or "photo"
    session_key = state.session_key()
    row = st.container(horizontal=True)
    table, row_json = faces_table([(name, analysis)]), to_json_line(PhotoRow.of(name, analysis))
    png = partial(annotated_png, reading, session_key)
    crops = partial(crops_zip, reading, session_key)
    for label, data, ending, mime, symbol in (
        (_("Annotated PNG"), png, "annotated.png", "image/png", "image"),
        (_("Crops ZIP"), crops, "crops.zip", "application/zip", "folder_zip"),
        (_("Faces CSV"), csv_bytes(table), "faces.csv", "text/csv", "table"),
        ("JSON", row_json, "json", "application/json", "data_object"),
    ):
        icon = f":material/{symbol}:"
        row.download_button(label, data, f"{stem}.{ending}", mime, icon=icon, on_click="ignore")


def refused(readings: Sequence[Reading]) -> None:
    """Say of each photo that could not be read why, those of one reason together."""
    if busy := sum(reading.busy for reading in readings):
        words = _(
            "{n} photo is not read yet.",
            "{n} photos are not read yet.",
            n=busy,
        )
        st.info(words, icon=":material/hourglass_top:")
    names_by_error: dict[str, list[str]] = {}
    for reading in readings:
        if reading.error and not reading.busy:
            names_by_error.setdefault(reading.error, []).append(reading.photo.name)
    if names_by_error:
        lines = [
            _(
                "**{names}:** {problem}",
                names=as_text(_(", ").join(names)),
                problem=as_text(_(error)),
            )
            for error, names in names_by_error.items()
        ]
        st.error("  \n".join(lines), icon=":material/broken_image:")


def _waited(run: RunRecord) -> str:
    # A free queue takes microseconds to pass.
    return (
        _(" It waited {waited_ms:.0f} ms for its turn.", waited_ms=run.waited_ms)
        if run.waited_ms >= 1
        else ""
    )


def faces_in_words(analysis: Analysis) -> str:
    """Return how many faces an analysis found and how long it took."""
    count = len(analysis.faces)
    words = counted(count, "face") if count else _("no face")
    return _("{words}, {total_ms:.0f} ms", words=words, total_ms=analysis.timings.total_ms)


def _change(difference: float, form: str) -> str | None:
    text = form.format(difference)
    # "-0" and "0" are no change, and no arrow should point anywhere.
    return None if form.format(0) == text.lstrip("-") else text
