"""What the Engines page shows: what is installed, the table, charts, downloads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from facecore.engines import engine, engines, titles
from facecore.experiment.engine_rows import advice_in_words, engines_table, row_of, warnings
from facecore.export import csv_bytes
from facecore.ui.components import as_text, chart
from facecore.ui.engines import charts
from facecore.ui.engines.picture import table_png

COLUMNS = {
    "title": ("engine", ""),
    "version": ("version", ""),
    "face_ms": ("face, ms", "Gender and age of one face, one thread; median."),
    "face_ms_of_8": ("face of 8, ms", "The same a face, eight at once."),
    "detector_ms": ("detector, ms", "A detector pass of 300×300, one thread."),
    "face_ms_all": ("face, all threads, ms", "Gender and age of one face, all threads."),
    "face_ms_of_8_all": ("of 8, all threads, ms", "The same a face, eight at once."),
    "detector_ms_all": ("detector, all threads, ms", "A detector pass, all threads."),
    "cpu_s": ("CPU, s", "CPU time of one face and one detector pass, one thread."),
    "import_ms": ("import, ms", "In a fresh process, numpy included."),
    "load_ms": ("load, ms", "Three networks, converted files at hand."),
    "first_ms": ("first answer, ms", "One detector pass, one face."),
    "rss_mb": ("memory, MB", "By how much its process grew."),
    "wheel_mb": ("package, MB", "On disk, as it is installed."),
    "model_mb": ("models, MB", "The networks' files."),
    "caffe": ("Caffe files", "Whether it reads them itself, or converted."),
    "agreement": ("same labels, %", "As OpenCV, over all faces."),
    "max_difference": ("largest difference", "Of a probability from OpenCV's."),
    "box_difference_px": ("boxes apart, px", "At most; on the samples."),
    "article": ("the article", "Its stars for speed, ✗ where the order here is another."),
}
_TEXTS = ("title", "version", "caffe", "article")


def installed() -> None:
    """Say which engines are there, which runs by itself, and how the others are installed."""
    here = [one for one in engines() if one.available()]
    st.markdown(
        f"Installed: **{', '.join(one.title for one in here)}**. Where none is chosen in the "
        f"sidebar, {titles(engine().name)} runs once it has agreed with OpenCV."
    )
    missing = [row for row in map(row_of, engines()) if not row.installed and row.install]
    if missing:
        with st.expander(f"How to install {len(missing)} more"):
            for row in missing:
                st.markdown(f"**{row.title}**")
                st.code(row.install, language="bash", wrap_lines=True)


def warnings_and_problems(measured: Mapping[str, Any]) -> None:
    """Show what should be known before the table is believed."""
    for sentence in warnings(measured):
        st.warning(sentence, icon=":material/warning:")
    if measured["machine"]["stopped"]:
        st.info("It was stopped: this is as far as it came.", icon=":material/stop_circle:")
    for row in measured["engines"]:
        if row["problem"]:
            st.error(as_text(f"{row['title']}: {row['problem']}"), icon=":material/error:")


def shown_table(measured: Mapping[str, Any]) -> pd.DataFrame:
    """Return a row for each engine that was measured, under the columns' headings."""
    rows = []
    for row in measured["engines"]:
        if row["installed"]:
            stars = "★" * (row["article_stars"] or 0)
            mark = {True: " ✓", False: " ✗"}.get(row["article_holds"], "")
            share = None if row["agreement"] is None else 100 * row["agreement"]
            values = row | {"article": f"{stars}{mark}" or "–", "agreement": share}
            rows.append({label: values[name] for name, (label, _) in COLUMNS.items()})
    return pd.DataFrame(rows)


def table(measured: Mapping[str, Any]) -> None:
    """Show all figures beside what the article says."""
    machine = measured["machine"]
    st.subheader("Measured here")
    st.caption(
        f"{as_text(machine['processor'])}, {machine['all_threads']} threads at most, "
        f"{as_text(machine['system'])}. Times are medians; the charts and the CSV have their 95 % "
        "intervals."
    )
    config: dict[str, Any] = {}
    for name, (label, note) in COLUMNS.items():
        if name in _TEXTS:
            config[label] = st.column_config.TextColumn(help=note or None, pinned=name == "title")
        else:
            form = {"max_difference": "%.1e", "cpu_s": "%.3f"}.get(name, "%.1f")
            config[label] = st.column_config.NumberColumn(help=note, format=form)
    st.dataframe(shown_table(measured), hide_index=True, column_config=config)
    advice = advice_in_words(measured["engines"])
    if advice:
        st.caption(
            f"{advice} Stars are the article's, for speed: ✗ where the order here is another."
        )


def charts_of(measured: Mapping[str, Any]) -> None:
    """Draw times with their intervals, and speed against memory."""
    rows = [row for row in measured["engines"] if row["face_ms"] is not None]
    if not rows:
        return
    title = "Time of one thread, with 95 % intervals"
    chart(charts.times(rows), "engines_times", "Milliseconds of each engine", title)
    alt = "Time of a face over the memory that each engine takes"
    chart(charts.speed_and_memory(rows), "engines_memory", alt, "Speed against memory")


def downloads(measured: Mapping[str, Any]) -> None:
    """Offer everything as CSV, JSON and a picture of the table."""
    row = st.container(horizontal=True)
    made = (
        ("CSV", "text/csv", lambda: csv_bytes(engines_table(measured["engines"]))),
        ("JSON", "application/json", lambda: json.dumps(measured, indent=2).encode()),
        ("PNG", "image/png", lambda: table_png(shown_table(measured))),
    )
    for kind, mime, make in made:
        row.download_button(
            f"Engines {kind}",
            make,
            f"engines.{kind.lower()}",
            mime,
            on_click="ignore",
            icon=":material/download:",
        )
