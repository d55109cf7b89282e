"""The Monitor page: what the runs of a session and of the server cost, and what happens now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from facecore.engines import titles
from facecore.export import csv_bytes, runs_table
from facecore.serving.history import MAX_RECORDS, RunRecord, comparable_latencies_ms
from facecore.serving.service import process_service
from facecore.statistics.intervals import percentile
from facecore.ui import state
from facecore.ui.monitor import charts
from facecore.ui.monitor.live import live_strip
from facecore.wording import counted


def percentiles(records: list[RunRecord]) -> None:
    """Show the percentiles of latency that there are enough runs for, engine by engine."""
    lines = []
    for name in dict.fromkeys(record.engine for record in records if not record.live):
        latencies = comparable_latencies_ms([one for one in records if one.engine == name])
        found = {rank: percentile(latencies, rank) for rank in (50, 90, 95)}
        known = [f"p{rank} {value:.0f} ms" for rank, value in found.items() if value is not None]
        lines.append(
            f"{titles(name)}: {counted(len(latencies), 'run')} that took nothing over from an "
            f"earlier one. Latency: {', '.join(known) or 'too few to say'}."
        )
    if lines:
        st.caption(
            "  \n".join(lines) + "  \nThe median needs 2 runs, p90 10, p95 20; photos and settings "
            "are mixed as they came."
        )
    if any(record.live for record in records):
        st.caption(
            "A camera's run is one row, from connecting to the end, and no photo: its times are "
            "means of a frame, its faces the most that one had; duration, frames and latencies "
            "are in the table's last columns."
        )


def over_runs(records: list[RunRecord]) -> None:
    """Draw the charts and the table of a session's runs."""
    st.markdown("**Latency by stage**")
    st.plotly_chart(charts.latency_by_run(records), key="latency", alt="Latency of each run")
    _below(records, None)


def over_time(records: list[RunRecord], zone: tzinfo) -> None:
    """Draw the charts and the table of the server's runs."""
    st.markdown("**Latency**")
    figure = charts.latency_over_time(records, zone)
    st.plotly_chart(figure, key="server_latency", alt="Latency of the server's runs over time")
    _below(records, zone)


def _below(records: list[RunRecord], zone: tzinfo | None) -> None:
    percentiles(records)
    left, right = st.columns(2)
    with left:
        st.markdown("**CPU of the process during each run**")
        st.plotly_chart(charts.cpu_by_run(records, zone), key="cpu", alt="CPU use of each run")
    with right:
        st.markdown("**Memory of the process**")
        figure = charts.memory_by_run(records, zone)
        st.plotly_chart(figure, key="memory", alt="Memory at each run")
    table = runs_table(records)
    hidden = [] if any(record.name for record in records) else ["photo"]
    time = st.column_config.DatetimeColumn(
        format="YYYY-MM-DD HH:mm:ss" if zone else "HH:mm:ss", timezone=st.context.timezone
    )
    st.dataframe(
        table.iloc[::-1]
        .drop(columns=hidden)
        .round(dict.fromkeys(table.select_dtypes("number"), 1)),
        hide_index=True,
        column_config={"time": time},
    )
    row = st.container(horizontal=True)
    row.download_button(
        "Runs CSV",
        csv_bytes(table),
        "server-runs.csv" if zone else "runs.csv",
        "text/csv",
        on_click="ignore",
        icon=":material/table:",
    )
    if zone is None:
        row.button("Clear runs", on_click=state.clear_runs, icon=":material/delete:")


def monitor_page() -> None:
    """Draw the page."""
    st.title("Monitor")
    st.markdown("What every run cost, and what this server is doing now.")
    live_strip()
    whose = st.segmented_control(
        "Runs", ("This session", "This server"), default="This session", required=True, key="whose"
    )
    if whose == "This session":
        _of_session()
    else:
        _of_server()


def _of_session() -> None:
    records = list(state.history().records())
    if not records:
        st.info("No runs yet: open Analyze and come back.", icon=":material/info:")
    else:
        over_runs(_of_one_source(records))


def _of_server() -> None:
    store = process_service().store
    if not store.is_on:
        st.info(
            "This server stores no history: FACECORE_HISTORY switches it off.",
            icon=":material/info:",
        )
        return
    label = st.selectbox("Time range", list(_RANGES), index=1, key="run_range", width=200)
    span = _RANGES[label]
    since = datetime.now(UTC) - span if span else datetime.fromtimestamp(0, UTC)
    records, count = list(store.runs(since)), store.count_runs(since)
    if store.problem:
        st.warning(store.problem, icon=":material/warning:")
    elif not records:
        st.info("No runs in this time.", icon=":material/info:")
    if not records:
        return
    words = f"{counted(count, 'run')} of all visitors and of the HTTP API, without photos' names"
    shown = f"; the newest {MAX_RECORDS} are shown" if count > MAX_RECORDS else ""
    st.caption(f"{words}{shown}." if not store.with_names else f"{counted(count, 'run')}{shown}.")
    over_time(_of_one_source(records), _zone())


_RANGES = {
    "Last hour": timedelta(hours=1),
    "Last 24 hours": timedelta(days=1),
    "Last 7 days": timedelta(days=7),
    "Last 30 days": timedelta(days=30),
    "All that is kept": None,
}


def _of_one_source(records: list[RunRecord]) -> list[RunRecord]:
    sources = ("all", *sorted({record.source for record in records}))
    chosen = st.pills("Source", sources, default="all", required=True, key="run_source")
    # A source may have gone with the runs that were cleared.
    return [record for record in records if chosen in ("all", record.source)] or records


def _zone() -> tzinfo:
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return UTC
