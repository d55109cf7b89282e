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
from facecore.wording import Text, _

_METRIC_WIDTH_PX = 150


def files_table(statuses: Sequence[FileStatus]) -> bool:
    """Show where each file was found; return whether all are there and the known ones."""
    st.header(_("Files"))
    rows = [
        {
            _("network"): _(status.spec.title),
            _("file"): status.file.name,
            _("hash"): _("ok") if status.hash_ok else _("wrong") if status.path else _("missing"),
            _("found in"): _(status.found_in) if status.found_in else _("nowhere"),
            _("bytes"): status.size_bytes,
            "SHA-256": status.file.sha256,
        }
        for status in statuses
    ]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        column_config={_("bytes"): st.column_config.NumberColumn(format="localized")},
    )
    for status in statuses:
        if status.advice:
            st.error(_(status.advice))
    return all(status.hash_ok for status in statuses)


def load_cost(sets: Sequence[FaceAnalyzer], settings: ServerSettings) -> None:
    """Show what loading all three took, for each set that is loaded."""
    for number, analyzer in enumerate(sets, start=1):
        if analyzer.load_cost:
            cost = analyzer.load_cost
            grown = {"time_ms": cost.load_time_ms, "mb": cost.rss_delta_bytes / 1e6}
            words = _(
                "All three were ready in {time_ms:.0f} ms, and the server's memory grew by "
                "{mb:.0f} MB.",
                **grown,
            )
            if settings.replicas > 1:
                words = _(
                    "Set {number}: all three were ready in {time_ms:.0f} ms, and the server's "
                    "memory grew by {mb:.0f} MB.",
                    number=number,
                    **grown,
                )
            st.markdown(words)
    if len(sets) < settings.replicas:
        st.caption(
            _(
                "{count} of {replicas} sets are loaded; another is when photos are read "
                "side by side.",
                count=len(sets),
                replicas=settings.replicas,
            )
        )


def network(loaded: Network, profile: NetworkProfile) -> None:
    """Show one network: what it is, what it costs, its files, its layers."""
    spec = loaded.spec
    st.header(_(spec.title))
    st.markdown(
        _(
            "{summary} Input {width}×{height} pixels. Its layers run on {backend}, {target}.",
            summary=Text(spec.summary),
            width=spec.input_wh[0],
            height=spec.input_wh[1],
            backend=profile.backend,
            target=profile.target,
        )
    )
    st.markdown(
        _(
            "[{citation}]({url}). Licence: {licence}.",
            citation=spec.citation,
            url=spec.url,
            licence=Text(spec.licence),
        )
    )
    _costs(loaded, profile)
    with st.expander(_("Time per layer"), expanded=True):
        st.plotly_chart(layer_times(profile), key=f"layers_{spec.role}", alt=_(spec.title))


def _costs(loaded: Network, profile: NetworkProfile) -> None:
    values = (
        (
            _("Loading"),
            f"{loaded.load_time_ms:.0f} ms",
            _("Hash, load and first pass; side by side."),
        ),
        (
            _("One pass"),
            f"{profile.forward_ms:.1f} ms",
            _("Median of five forward passes."),
        ),
        (_("Work"), _gflops(profile), _("Floating-point operations of one pass, 10⁹.")),
        (_("Weights"), _megabytes(profile.weights_bytes), _("What the engine says they take.")),
        (
            _("Activations"),
            _megabytes(profile.activations_bytes),
            _("All layers' outputs of one pass, as the engine says; memory is used again."),
        ),
    )
    row = st.container(horizontal=True)
    for label, value, note in values:
        row.metric(label, value, help=note, width=_METRIC_WIDTH_PX)


def _gflops(profile: NetworkProfile) -> str:
    return f"{profile.gflops:.2f} GFLOPs" if profile.gflops else _("not told")


def _megabytes(size_bytes: int) -> str:
    megabytes = size_bytes / 1e6
    return f"{megabytes:.{0 if megabytes >= 10 else 1}f} MB" if size_bytes else _("not told")


def engine(title: str, facts: EngineFacts) -> None:
    """Show the facts of the engine that bear on speed."""
    st.header(title)
    use = _("used") if facts.optimised else _("there, but not used")
    st.markdown(
        _(
            "Version {version}, {threads} threads ({parallel_framework}) on "
            "{cpus_seen} processors, optimised code {on_or_off}.  \nVector units {use}: "
            "{units}.  \nTargets that its own backend can use here: {targets}.",
            version=facts.version,
            threads=facts.threads,
            parallel_framework=_(facts.parallel_framework),
            cpus_seen=facts.cpus_seen,
            on_or_off=_("on") if facts.optimised else _("off"),
            use=use,
            units=_(", ").join(facts.cpu_features),
            targets=_(", ").join(facts.usable_targets),
        )
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
