"""What the Models page shows: files, networks, the engine."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.engines.facts import EngineFacts, NetworkProfile
from facecore.models.catalogue import FileStatus
from facecore.models.network import Network
from facecore.settings.server import ServerSettings
from facecore.ui.models.charts import layer_times

_METRIC_WIDTH_PX = 150


def files_table(statuses: Sequence[FileStatus]) -> bool:
    """Show where each file was found; return whether all are there and the known ones."""
    st.header("Files")
    rows = [
        {
            "network": status.spec.title,
            "file": status.file.name,
            "hash": "ok" if status.hash_ok else "wrong" if status.path else "missing",
            "found in": status.found_in or "nowhere",
            "bytes": status.size_bytes,
            "SHA-256": status.file.sha256,
        }
        for status in statuses
    ]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        column_config={"bytes": st.column_config.NumberColumn(format="localized")},
    )
    for status in statuses:
        if status.advice:
            st.error(status.advice)
    return all(status.hash_ok for status in statuses)


def load_cost(sets: Sequence[FaceAnalyzer], settings: ServerSettings) -> None:
    """Show what loading all three took, for each set that is loaded."""
    for number, analyzer in enumerate(sets, start=1):
        if analyzer.load_cost:
            which = "All three" if settings.replicas == 1 else f"Set {number}: all three"
            st.markdown(
                f"{which} were ready in {analyzer.load_cost.load_time_ms:.0f} ms, and the "
                f"server's memory grew by {analyzer.load_cost.rss_delta_bytes / 1e6:.0f} MB."
            )
    if len(sets) < settings.replicas:
        st.caption(
            f"{len(sets)} of {settings.replicas} sets are loaded; another is when photos are "
            "read side by side."
        )


def network(loaded: Network, profile: NetworkProfile) -> None:
    """Show one network: what it is, what it costs, its files, its layers."""
    spec = loaded.spec
    st.header(spec.title)
    st.markdown(
        f"{spec.summary} Input {spec.input_wh[0]}×{spec.input_wh[1]} pixels. Its layers run on "
        f"{profile.backend}, {profile.target}."
    )
    st.markdown(f"[{spec.citation}]({spec.url}). Licence: {spec.licence}.")
    values = (
        ("Loading", f"{loaded.load_time_ms:.0f} ms", "Hash, load and first pass; side by side."),
        (
            "One pass",
            f"{profile.forward_ms:.1f} ms",
            "Median of five forward passes.",
        ),
        ("Work", _gflops(profile), "Floating-point operations of one pass, 10⁹."),
        ("Weights", _megabytes(profile.weights_bytes), "What the engine says they take."),
        (
            "Activations",
            _megabytes(profile.activations_bytes),
            "All layers' outputs of one pass, as the engine says; memory is used again.",
        ),
    )
    row = st.container(horizontal=True)
    for label, value, note in values:
        row.metric(label, value, help=note, width=_METRIC_WIDTH_PX)
    with st.expander("Time per layer", expanded=True):
        st.plotly_chart(layer_times(profile), key=f"layers_{spec.role}", alt=spec.title)


def _gflops(profile: NetworkProfile) -> str:
    return f"{profile.gflops:.2f} GFLOPs" if profile.gflops else "not told"


def _megabytes(size_bytes: int) -> str:
    megabytes = size_bytes / 1e6
    return f"{megabytes:.{0 if megabytes >= 10 else 1}f} MB" if size_bytes else "not told"


def engine(title: str, facts: EngineFacts) -> None:
    """Show the facts of the engine that bear on speed."""
    st.header(title)
    use = "used" if facts.optimised else "there, but not used"
    st.markdown(
        f"Version {facts.version}, {facts.threads} threads ({facts.parallel_framework}) on "
        f"{facts.cpus_seen} processors, optimised code {'on' if facts.optimised else 'off'}.  \n"
        f"Vector units {use}: {', '.join(facts.cpu_features)}.  \n"
        f"Targets that its own backend can use here: {', '.join(facts.usable_targets)}."
    )


def card(text: str) -> None:
    """Show Markdown; its tables scroll by themselves, as they are wider than a telephone."""
    for block in text.split("\n\n"):
        if block.startswith("|"):
            lines = [line.strip("| ").split(" | ") for line in block.splitlines()]
            st.dataframe(
                pd.DataFrame(lines[2:], columns=lines[0]),
                hide_index=True,
                column_config={lines[0][0]: st.column_config.Column(pinned=True)},
            )
        else:
            st.markdown(block)
