"""The live strip: what the process, its container and the machine do, each second."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import streamlit as st

from facecore.machine.sampler import SystemSample
from facecore.ui import state
from facecore.ui.components import friendly_errors

_MB = 1e6
_LONGEST_GAP = timedelta(seconds=5)
_GB = 1e9


@st.fragment(run_every=1.0)
def live_strip() -> None:
    """Draw the strip and redraw it each second without running the page again."""
    with friendly_errors():
        samples = state.live_samples()
        if samples and datetime.now(UTC) - samples[-1].at > _LONGEST_GAP:
            state.restart_live()
        samples.append(state.sampler().sample())
        now = samples[-1]
        first, second, third, fourth = st.columns(4)
        _metric(first, "Process CPU", _percent(now.process_cpu_percent), samples, _process_cpu)
        _metric(second, "Process memory", _mb(now.process_rss_bytes), samples, _process_mb)
        _metric(third, "System CPU", _percent(now.system_cpu_percent), samples, _system_cpu)
        _metric(
            fourth,
            "System memory",
            f"{now.system_memory_used_bytes / _GB:.1f} of "
            f"{now.system_memory_total_bytes / _GB:.1f} GB",
            samples,
            _system_gb,
        )
        st.caption(_limits_in_words(now))


def _metric(
    place: st.delta_generator.DeltaGenerator,
    label: str,
    value: str,
    samples: Sequence[SystemSample],
    read: Callable[[SystemSample], float | None],
) -> None:
    values = [number for number in map(read, samples) if number is not None]
    place.metric(label, value, chart_data=values, chart_type="area", border=True)


def _limits_in_words(sample: SystemSample) -> str:
    limits = sample.limits
    if limits.version is None:
        return "No control group can be read here, so no container limits are known."
    parts = []
    if limits.cpu_quota is None:
        parts.append("CPU: no quota")
    else:
        used = _percent(sample.container_cpu_percent)
        parts.append(f"CPU: {used} of a quota of {limits.cpu_quota:g} processors")
    memory_used = "unknown" if limits.memory_used_bytes is None else _mb(limits.memory_used_bytes)
    if limits.memory_limit_bytes is None:
        parts.append(f"memory: no limit, {memory_used} used")
    else:
        parts.append(f"memory: {memory_used} of {_mb(limits.memory_limit_bytes)}")
    return f"Container limits (cgroup v{limits.version}): {'; '.join(parts)}."


def _percent(value: float | None) -> str:
    return "…" if value is None else f"{value:.0f} %"


def _mb(number: int) -> str:
    return f"{number / _MB:.0f} MB"


def _process_cpu(sample: SystemSample) -> float | None:
    return sample.process_cpu_percent


def _process_mb(sample: SystemSample) -> float | None:
    return sample.process_rss_bytes / _MB


def _system_cpu(sample: SystemSample) -> float | None:
    return sample.system_cpu_percent


def _system_gb(sample: SystemSample) -> float | None:
    return sample.system_memory_used_bytes / _GB
