"""What a batch found: numbers, the list of photos, charts, and files to take away."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from facecore.batch.annotated_zip import SIDE_PX, write_annotated_zip
from facecore.batch.answers import photo_table
from facecore.batch.background import BackgroundBatch
from facecore.batch.formats import FORMATS, Format
from facecore.batch.formats.comma_separated import write_faces
from facecore.batch.summary import BatchSummary
from facecore.errors import BusyError
from facecore.machine.memory_plan import MemoryPlan, memory_plan
from facecore.results import AGE_GROUPS, GENDERS
from facecore.serving.queue import InferenceQueue
from facecore.serving.service import process_service
from facecore.statistics.intervals import percentile
from facecore.ui import state
from facecore.ui.batch import charts
from facecore.ui.batch.film import films
from facecore.ui.batch.opened import opened_photo, reads_with
from facecore.ui.components import chart
from facecore.wording import _, counted

_LINE_HEIGHT_PX = 35
_PICTURE_HEIGHT_PX = 72
_ROWS_IN_SIGHT = 6
_TURN_ATTEMPTS = 5
_LEAST_PER_ZIP, _MOST_PER_ZIP = 10, 200
_LARGE_PHOTO_BYTES = 1_000_000  # drawn; most have a third of it


def photos_per_zip(plan: MemoryPlan) -> int:
    """Return how many annotated photos a ZIP file has, which is made in memory."""
    return max(_LEAST_PER_ZIP, min(_MOST_PER_ZIP, plan.download_bytes // _LARGE_PHOTO_BYTES))


PHOTOS_PER_ZIP = photos_per_zip(memory_plan())


def results(batch: BackgroundBatch) -> None:
    """Show all of a batch that has ended."""
    summary = batch.answers.summary()
    st.caption(_("Read with {settings}.", settings=reads_with(batch.settings)))
    metrics(summary)
    if not summary.photos:
        return
    downloads(batch)
    films(batch, partial(_turn, process_service().queue, state.session_key()))
    _list(batch, summary)
    _charts(summary)


def metrics(summary: BatchSummary) -> None:
    """Show photos, failures, faces and the middle latency."""
    middle_ms = percentile(summary.latencies_ms, 50)
    row = st.container(horizontal=True)
    row.metric(_("Photos done"), summary.photos, border=True)
    row.metric(_("Could not be read"), summary.failed, border=True)
    row.metric(_("Faces"), summary.faces, border=True)
    row.metric(
        _("Median latency"),
        "…" if middle_ms is None else f"{middle_ms:.0f} ms",
        border=True,
        help=_(
            "Wall time of one photo, from the file's bytes to the drawn answer, "
            "without the wait for its turn; half of the photos took longer."
        ),
    )
    if summary.passed_over:
        words = counted(summary.passed_over, "file")
        st.caption(_("Passed over: {files} of kinds that are not read.", files=words))


def table(rows: pd.DataFrame, key: str | None = None) -> int | None:
    """Show a list of photos; names and errors are shown as they are.

    Returns:
        Where a key is given, the number of the row that was clicked on; else None.
    """
    # A cluster sends no small pictures.
    hidden = [name for name in ("error", "preview") if name in rows and not rows[name].any()]
    rows = rows.drop(columns=hidden)
    row_height_px = _PICTURE_HEIGHT_PX if "preview" in rows else _LINE_HEIGHT_PX
    chosen = st.dataframe(
        rows,
        key=key,
        on_select="rerun" if key else "ignore",
        selection_mode="single-cell",
        column_order=["preview", "photo", "faces", "gender", "age", "error", "latency_ms"],
        hide_index=True,
        row_height=row_height_px,
        height=_LINE_HEIGHT_PX + row_height_px * min(len(rows), _ROWS_IN_SIGHT) + 3,
        placeholder="",
        column_config={
            "preview": st.column_config.ImageColumn("", width=90),
            "photo": st.column_config.TextColumn(_("Photo"), width=130),
            "faces": st.column_config.NumberColumn(_("Faces"), width=60),
            "gender": st.column_config.TextColumn(_("Gender"), width=120),
            "age": st.column_config.TextColumn(_("Age"), width=150),
            "latency_ms": st.column_config.NumberColumn(_("Latency, ms"), format="%.0f", width=100),
            "error": st.column_config.TextColumn(_("What is wrong"), width="large"),
        },
    )
    cells = [] if isinstance(chosen, DeltaGenerator) else chosen.selection.cells
    return cells[0][0] if cells else None


def downloads(batch: BackgroundBatch) -> None:
    """Offer the answers per photo and per face, and the photos with their faces drawn."""
    row = st.container(horizontal=True, vertical_alignment="bottom")
    with row:
        _tables(batch)
    _annotated(row, batch)


def _tables(batch: BackgroundBatch) -> None:
    for one in FORMATS:
        st.download_button(
            _(one.title),
            partial(_file, batch, one),
            f"batch{one.suffix}",
            one.mime,
            key=f"batch{one.suffix}",
            icon=f":material/{one.symbol}:",
            on_click="ignore",
        )
    st.download_button(
        _("Faces CSV"),
        partial(_faces_file, batch),
        "batch.faces.csv",
        "text/csv",
        key="batch_faces_csv",
        icon=":material/face:",
        on_click="ignore",
        help=_("A row for each face, with all its probabilities."),
    )


def _annotated(row: DeltaGenerator, batch: BackgroundBatch) -> None:
    done = len(batch.answers)
    parts = range(0, done, PHOTOS_PER_ZIP)
    first = 0
    if len(parts) > 1:
        chosen = row.selectbox(
            _("Photos of the ZIP file"),
            parts,
            format_func=lambda part: _(
                "{low} to {high}", low=part + 1, high=min(part + PHOTOS_PER_ZIP, done)
            ),
            key="batch_part",
            width=200,
        )
        first = chosen or 0
    row.download_button(
        _("Annotated photos"),
        partial(_annotated_zip, batch, first, state.session_key()),
        "annotated.zip" if len(parts) == 1 else f"annotated-{first + 1}.zip",
        "application/zip",
        key="batch_annotated",
        icon=":material/folder_zip:",
        on_click="ignore",
        help=_(
            "JPEGs with the faces drawn, {most} pixels at most, made when you click.",
            most=SIDE_PX,
        ),
    )


def _list(batch: BackgroundBatch, summary: BatchSummary) -> None:
    rows = photo_table(batch.answers.listed())
    st.markdown(_("**The photos**"))
    only_failed = bool(summary.failed) and st.toggle(
        _("Only those that could not be read ({n})", n=summary.failed),
        key="batch_only_failed",
    )
    shown = rows[rows["error"] != ""] if only_failed else rows
    left, right = st.columns([3, 2])
    with left:
        clicked = table(shown, f"batch_list_{'failed' if only_failed else 'all'}")
    with right:
        if clicked is None or clicked >= len(shown):
            st.caption(_("Click on a line to open its photo."))
            return
        turn = partial(_turn, process_service().queue, state.session_key())
        opened_photo(batch, int(shown.index[clicked]), turn)


def _charts(summary: BatchSummary) -> None:
    if summary.photos == summary.failed:
        return
    left, right = st.columns(2)
    with left:
        _chart("per_photo", _("Faces per photo"), charts.faces_per_photo(summary.photos_by_faces))
    with right:
        _chart("latencies", _("Latency of the photos"), charts.latencies(summary.latencies_ms))
    if not summary.faces:
        st.info(_("No face was found, so there is nothing to say of gender and age."))
        return
    left, right = st.columns([1, 2])
    with left:
        _chart(
            "genders", _("Gender, as the network says"), charts.answers(summary.genders, GENDERS)
        )
    with right:
        figure = charts.answers(summary.age_groups, AGE_GROUPS)
        _chart("ages", _("Age group, as the network says"), figure)
    st.caption(
        _(
            "The networks are often wrong, and not in the same way for everybody: "
            "the Models page has how often. Do not read these counts as what the "
            "people are."
        )
    )


def _chart(key: str, title: str, figure: go.Figure) -> None:
    chart(figure, f"batch_{key}", title, title)


def _file(batch: BackgroundBatch, one: Format) -> bytes:
    file = io.BytesIO()
    one.write(batch.rows(), file, batch.settings)
    return file.getvalue()


def _faces_file(batch: BackgroundBatch) -> bytes:
    file = io.BytesIO()
    write_faces(batch.rows(), file, batch.settings)
    return file.getvalue()


def _annotated_zip(batch: BackgroundBatch, first: int, session_key: str) -> bytes:
    file = io.BytesIO()
    write_annotated_zip(
        batch.pairs(first, PHOTOS_PER_ZIP),
        file,
        max_pixels=process_service().max_pixels,
        turn=partial(_turn, process_service().queue, session_key),
    )
    return file.getvalue()


@contextmanager
def _turn(queue: InferenceQueue, session_key: str) -> Iterator[None]:
    with ExitStack() as stack:
        for left in reversed(range(_TURN_ATTEMPTS)):
            try:
                stack.enter_context(queue.enter(session_key))
                break
            except BusyError as error:
                if not left:
                    raise
                time.sleep(error.retry_after_s)
        yield
