"""The Monitor page: what the runs of a session and of the server cost, and what happens now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pandas as pd
import streamlit as st

from facecore.engines import titles
from facecore.experiment.variants import known_settings
from facecore.export import csv_bytes, runs_table
from facecore.serving.history import MAX_RECORDS, RunRecord, comparable_latencies_ms
from facecore.serving.service import process_service
from facecore.statistics.intervals import percentile
from facecore.ui import state
from facecore.ui.monitor import charts
from facecore.ui.monitor.live import live_strip
from facecore.wording import Text, _, counted


def percentiles(records: list[RunRecord]) -> None:
    """Show the percentiles of latency that there are enough runs for, engine by engine."""
    lines = []
    for name in dict.fromkeys(record.engine for record in records if not record.live):
        latencies = comparable_latencies_ms([one for one in records if one.engine == name])
        found = {rank: percentile(latencies, rank) for rank in (50, 90, 95)}
        known = [f"p{rank} {value:.0f} ms" for rank, value in found.items() if value is not None]
        lines.append(
            _(
                "{engine}: {runs} that took nothing over from an earlier one. Latency: "
                "{percentiles}.",
                engine=titles(name),
                runs=counted(len(latencies), "run"),
                percentiles=_(", ").join(known) or _("too few to say"),
            )
        )
    if lines:
        needs = _(
            "The median needs 2 runs, p90 10, p95 20; photos and settings are mixed as they came."
        )
        st.caption("  \n".join([*lines, needs]))
    if any(record.live for record in records):
        st.caption(
            _(
                "A camera's run is one row, from connecting to the end, and no photo: its "
                "times are means of a frame, its faces the most that one had; duration, "
                "frames and latencies are in the table's last columns."
            )
        )


def over_runs(records: list[RunRecord]) -> None:
    """Draw the charts and the table of a session's runs."""
    st.markdown(_("**Latency by stage**"))
    st.plotly_chart(charts.latency_by_run(records), key="latency", alt=_("Latency of each run"))
    _below(records, None)


def over_time(records: list[RunRecord], zone: tzinfo) -> None:
    """Draw the charts and the table of the server's runs."""
    st.markdown(_("**Latency**"))
    figure = charts.latency_over_time(records, zone)
    st.plotly_chart(figure, key="server_latency", alt=_("Latency of the server's runs over time"))
    _below(records, zone)


def _below(records: list[RunRecord], zone: tzinfo | None) -> None:
    percentiles(records)
    left, right = st.columns(2)
    with left:
        st.markdown(_("**CPU of the process during each run**"))
        st.plotly_chart(charts.cpu_by_run(records, zone), key="cpu", alt=_("CPU use of each run"))
    with right:
        st.markdown(_("**Memory of the process**"))
        figure = charts.memory_by_run(records, zone)
        st.plotly_chart(figure, key="memory", alt=_("Memory at each run"))
    table = runs_table(records)
    hidden = [] if any(record.name for record in records) else ["photo"]
    time = st.column_config.DatetimeColumn(
        format="YYYY-MM-DD HH:mm:ss" if zone else "HH:mm:ss", timezone=st.context.timezone
    )
    st.dataframe(
        _in_words(table.iloc[::-1].drop(columns=hidden)),
        hide_index=True,
        column_config={_("time"): time},
    )
    row = st.container(horizontal=True)
    row.download_button(
        _("Runs CSV"),
        csv_bytes(table),
        "server-runs.csv" if zone else "runs.csv",
        "text/csv",
        on_click="ignore",
        icon=":material/table:",
    )
    if zone is None:
        row.button(_("Clear runs"), on_click=state.clear_runs, icon=":material/delete:")


def _in_words(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of runs as it is shown: what is data in its file in the reader's words."""
    shown = table.round(dict.fromkeys(table.select_dtypes("number"), 1))
    shown["source"] = table["source"].map(_)
    shown["reused_stages"] = [
        _(", ").join(map(_, stages.split())) for stages in table["reused_stages"]
    ]
    known = known_settings()
    words = table.select_dtypes(exclude=["number", "bool"]).columns
    for name in words.intersection(list(known)):
        shown[name] = table[name].map(known[name].text).map(_)
    return shown.rename(columns=lambda name: known[name].title if name in known else _(name))


def monitor_page() -> None:
    """Draw the page."""
    st.title(_("Monitor"))
    st.markdown(_("What every run cost, and what this server is doing now."))
    live_strip()
    whose = st.segmented_control(
        _("Runs"),
        _WHOSE,
        default=_WHOSE[0],
        format_func=_,
        required=True,
        key="whose",
    )
    if whose == _WHOSE[0]:
        _of_session()
    else:
        _of_server()


def _of_session() -> None:
    records = list(state.history().records())
    if not records:
        _wait_for_a_run()
    else:
        over_runs(_of_one_source(records))


@st.fragment(run_every=1.0)
def _wait_for_a_run() -> None:
    # A camera's run is over a moment after its page was left.
    if state.history().records():
        st.rerun()
    st.info(_("No runs yet: open Analyze and come back."), icon=":material/info:")


def _of_server() -> None:
    store = process_service().store
    if not store.is_on:
        st.info(
            _("This server stores no history: FACECORE_HISTORY switches it off."),
            icon=":material/info:",
        )
        return
    label = st.selectbox(
        _("Time range"), list(_RANGES), index=1, format_func=_, key="run_range", width=200
    )
    span = _RANGES[label]
    since = datetime.now(UTC) - span if span else datetime.fromtimestamp(0, UTC)
    records, count = list(store.runs(since)), store.count_runs(since)
    if store.problem:
        st.warning(_(store.problem), icon=":material/warning:")
    elif not records:
        st.info(_("No runs in this time."), icon=":material/info:")
    if not records:
        return
    words = _(counted(count, "run"))
    if not store.with_names:
        words = _(
            "{runs} of all visitors and of the HTTP API, without photos' names",
            runs=counted(count, "run"),
        )
    shown = _("; the newest {most} are shown", most=MAX_RECORDS) if count > MAX_RECORDS else ""
    st.caption(_("{runs}{newest}.", runs=words, newest=shown))
    over_time(_of_one_source(records), _zone())


_WHOSE = (Text("This session"), Text("This server"))
_RANGES = {
    Text("Last hour"): timedelta(hours=1),
    Text("Last 24 hours"): timedelta(days=1),
    Text("Last 7 days"): timedelta(days=7),
    Text("Last 30 days"): timedelta(days=30),
    Text("All that is kept"): None,
}


def _of_one_source(records: list[RunRecord]) -> list[RunRecord]:
    sources = ("all", *sorted({record.source for record in records}))
    chosen = st.pills(
        _("Source"), sources, default="all", format_func=_, required=True, key="run_source"
    )
    # A source may have gone with the runs that were cleared.
    return [record for record in records if chosen in ("all", record.source)] or records


def _zone() -> tzinfo:
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return UTC
