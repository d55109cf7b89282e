"""The Monitor page: what every run of this session cost, and what happens now."""

from __future__ import annotations

import streamlit as st

from facecore.engines import titles
from facecore.export import csv_bytes, runs_table
from facecore.serving.history import RunRecord, comparable_latencies_ms
from facecore.statistics.intervals import percentile
from facecore.ui import state
from facecore.ui.monitor import charts
from facecore.ui.monitor.live import live_strip
from facecore.wording import counted


def percentiles(records: list[RunRecord]) -> None:
    """Show the percentiles of latency that there are enough runs for, engine by engine."""
    lines = []
    for name in dict.fromkeys(record.engine for record in records):
        latencies = comparable_latencies_ms([one for one in records if one.engine == name])
        found = {rank: percentile(latencies, rank) for rank in (50, 90, 95)}
        known = [f"p{rank} {value:.0f} ms" for rank, value in found.items() if value is not None]
        lines.append(
            f"{titles(name)}: {counted(len(latencies), 'run')} that took nothing over from an "
            f"earlier one. Latency: {', '.join(known) or 'too few to say'}."
        )
    st.caption(
        "  \n".join(lines) + "  \nThe median needs 2 runs, p90 10, p95 20; photos and settings are "
        "mixed as they came."
    )


def over_runs(records: list[RunRecord]) -> None:
    """Draw the charts and the table."""
    st.markdown("**Latency by stage**")
    st.plotly_chart(charts.latency_by_run(records), key="latency", alt="Latency of each run")
    percentiles(records)
    left, right = st.columns(2)
    with left:
        st.markdown("**CPU of the process during each run**")
        st.plotly_chart(charts.cpu_by_run(records), key="cpu", alt="CPU use of each run")
    with right:
        st.markdown("**Memory of the process**")
        st.plotly_chart(charts.memory_by_run(records), key="memory", alt="Memory at each run")
    table = runs_table(records)
    time = st.column_config.DatetimeColumn(format="HH:mm:ss", timezone=st.context.timezone)
    st.dataframe(
        table.iloc[::-1].round(dict.fromkeys(table.select_dtypes("number"), 1)),
        hide_index=True,
        column_config={"time": time},
    )
    row = st.container(horizontal=True)
    row.download_button(
        "Runs CSV",
        csv_bytes(table),
        "runs.csv",
        "text/csv",
        on_click="ignore",
        icon=":material/table:",
    )
    row.button("Clear runs", on_click=state.clear_runs, icon=":material/delete:")


def monitor_page() -> None:
    """Draw the page."""
    st.title("Monitor")
    st.markdown("What every run of this session cost, and what this server is doing now.")
    live_strip()
    records = list(state.history().records())
    if not records:
        st.info("No runs yet: open Analyze and come back.", icon=":material/info:")
    else:
        sources = ("all", *sorted({record.source for record in records}))
        chosen = st.pills("Source", sources, default="all", required=True, key="run_source")
        # A source may have gone with the runs that were cleared.
        over_runs([record for record in records if chosen in ("all", record.source)] or records)
