"""What the Engines page shows: what is installed, the table, charts, downloads."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from facecore.engines import engine, engines, titles
from facecore.experiment.engine_rows import advice_in_words, engines_table, row_of, warnings
from facecore.export import csv_bytes
from facecore.ui.components import as_text, chart
from facecore.ui.engines import charts
from facecore.ui.engines.picture import table_png
from facecore.wording import Text, _

FIGURES = {
    "version": (Text("version"), ""),
    "face_ms": (Text("one face, 1 thread, ms"), ".1f"),
    "face_ms_of_8": (Text("a face of 8, 1 thread, ms"), ".1f"),
    "detector_ms": (Text("detector, 1 thread, ms"), ".1f"),
    "face_ms_all": (Text("one face, all threads, ms"), ".1f"),
    "face_ms_of_8_all": (Text("a face of 8, all threads, ms"), ".1f"),
    "detector_ms_all": (Text("detector, all threads, ms"), ".1f"),
    "cpu_s": (Text("CPU time, 1 thread, s"), ".3f"),
    "import_ms": (Text("import, ms"), ".0f"),
    "load_ms": (Text("load, ms"), ".0f"),
    "first_ms": (Text("first answer, ms"), ".0f"),
    "rss_mb": (Text("memory, MB"), ".0f"),
    "wheel_mb": (Text("package on disk, MB"), ".0f"),
    "model_mb": (Text("networks' files, MB"), ".0f"),
    "caffe": (Text("Caffe's files"), ""),
    "agreement": (Text("labels as OpenCV's"), ".1%"),
    "max_difference": (Text("probabilities apart"), ".1g"),
    "box_difference_px": (Text("boxes apart, pixels"), ".1g"),
    "article": (Text("the article, speed"), ""),
}


def installed() -> None:
    """Say which engines are there, which runs by itself, and how the others are installed."""
    here = [one for one in engines() if one.available()]
    st.markdown(
        _(
            "Installed: **{engines}**. Where none is chosen in the sidebar, {first} "
            "runs once it has agreed with OpenCV.",
            engines=_(", ").join(one.title for one in here),
            first=titles(engine().name),
        )
    )
    missing = [row for row in map(row_of, engines()) if not row.installed and row.install]
    if missing:
        with st.expander(_("How to install {n} more", n=len(missing))):
            for row in missing:
                st.markdown(f"**{row.title}**")
                st.code(row.install, language="bash", wrap_lines=True)


def warnings_and_problems(measured: Mapping[str, Any]) -> None:
    """Show what should be known before the table is believed."""
    for sentence in warnings(measured):
        st.warning(_(sentence), icon=":material/warning:")
    if measured["machine"]["stopped"]:
        st.info(_("It was stopped: this is as far as it came."), icon=":material/stop_circle:")
    for row in measured["engines"]:
        if row["problem"]:
            st.error(
                as_text(_("{name}: {problem}", name=row["title"], problem=_(row["problem"]))),
                icon=":material/error:",
            )


def shown_table(measured: Mapping[str, Any]) -> pd.DataFrame:
    """Return the table as text: a line for each figure, a column for each measured engine."""
    columns: dict[str, list[str]] = {"": [_(label) for label, form in FIGURES.values()]}
    for row in measured["engines"]:
        if row["installed"]:
            stars = "★" * (row["article_stars"] or 0)
            mark = {True: " ✓", False: " ✗"}.get(row["article_holds"], "")
            values = row | {"article": f"{stars}{mark}" or None}
            columns[row["title"]] = [
                _text(values[name], form, row["intervals"].get(name))
                for name, (label, form) in FIGURES.items()
            ]
    return pd.DataFrame(columns)


def _text(value: Any, form: str, interval: Sequence[float] | None) -> str:
    if value is None or value == "":
        return "–"
    if not interval:
        shown = f"{value:{form}}"
        return _(shown)
    low, high = (f"{end:{form}}" for end in interval)
    return _("{value} ({low} to {high})", value=f"{value:{form}}", low=low, high=high)


def table(measured: Mapping[str, Any]) -> None:
    """Show all figures beside what the article says."""
    machine = measured["machine"]
    st.header(_("Measured here"))
    st.caption(
        _(
            "{processor}, {threads} threads at most, {system}. Times are medians "
            "with their 95 % intervals.",
            processor=as_text(machine["processor"]),
            threads=machine["all_threads"],
            system=as_text(machine["system"]),
        )
    )
    pinned = {"": st.column_config.TextColumn(pinned=True, width="medium")}
    st.dataframe(shown_table(measured), hide_index=True, column_config=pinned, height="content")
    advice = advice_in_words(measured["engines"])
    st.caption(
        _(
            "A face is its gender and age, the detector's input 300×300, CPU time "
            "that of a face and a detector pass. Import is in a fresh process, numpy "
            "included; load of three networks with converted files at hand; memory "
            "what the process grew by. What is apart is so at most, from OpenCV's. "
            "{advice} The stars are the article's: ✗ where an engine that it calls "
            "slower is faster here, or one that it calls faster slower.",
            advice=advice,
        )
    )


def charts_of(measured: Mapping[str, Any]) -> None:
    """Draw times with their intervals, and speed against memory."""
    rows = [row for row in measured["engines"] if row["face_ms"] is not None]
    if not rows:
        return
    title = _("Time of one thread, with 95 % intervals")
    chart(charts.times(rows), "engines_times", _("Milliseconds of each engine"), title)
    alt = _("Time of a face over the memory that each engine takes")
    chart(charts.speed_and_memory(rows), "engines_memory", alt, _("Speed against memory"))


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
            _("Engines {kind}", kind=kind),
            make,
            f"engines.{kind.lower()}",
            mime,
            on_click="ignore",
            icon=":material/download:",
        )
