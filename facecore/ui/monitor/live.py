"""The live strip: what the process, its container and the machine do, each second."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from facecore.machine.sampler import SystemSample, SystemSampler
from facecore.ui import state
from facecore.ui.components import friendly_errors
from facecore.ui.monitor.charts import sparkline
from facecore.wording import Text, _

LIVE_SAMPLES = 60
_MB = 1e6
_GB = 1e9
_LONGEST_GAP = timedelta(seconds=5)
_LIVE = state.Remembered[deque[SystemSample]]("live", lambda: deque(maxlen=LIVE_SAMPLES))
_SAMPLER = state.Remembered("sampler", SystemSampler)


@dataclass(frozen=True, slots=True)
class _Metric:
    """A figure of the strip: its label, what is drawn, what is said of the newest, the top."""

    label: str
    read: Callable[[SystemSample], float | None]
    words: Callable[[SystemSample], str]
    unit: str
    top: Callable[[SystemSample], float] = lambda sample: 0.0


_METRICS = (
    _Metric(
        Text("Process CPU"),
        lambda sample: sample.process_cpu_percent,
        lambda sample: _percent(sample.process_cpu_percent),
        "%",
        lambda sample: 100.0,
    ),
    _Metric(
        Text("Process memory"),
        lambda sample: sample.process_rss_bytes / _MB,
        lambda sample: _mb(sample.process_rss_bytes),
        "MB",
    ),
    _Metric(
        Text("System CPU"),
        lambda sample: sample.system_cpu_percent,
        lambda sample: _percent(sample.system_cpu_percent),
        "%",
        lambda sample: 100.0,
    ),
    _Metric(
        Text("System memory"),
        lambda sample: sample.system_memory_used_bytes / _GB,
        lambda sample: _(
            "{used:.1f} of {total:.1f} GB",
            used=sample.system_memory_used_bytes / _GB,
            total=sample.system_memory_total_bytes / _GB,
        ),
        "GB",
        lambda sample: sample.system_memory_total_bytes / _GB,
    ),
)


@st.fragment(run_every=1.0)
def live_strip() -> None:
    """Draw the strip and redraw it each second without running the page again."""
    with friendly_errors():
        samples = _samples()
        for column, metric in zip(st.columns(4), _METRICS, strict=True):
            _draw(column.container(border=True, gap=None), metric, samples)
        st.caption(_limits_in_words(samples[-1]))


def _draw(box: DeltaGenerator, metric: _Metric, samples: Collection[SystemSample]) -> None:
    values = [number for number in map(metric.read, samples) if number is not None]
    newest = next(reversed(list(samples)))
    # From zero, and with room above: a curve fills its height only where it means something.
    top = max(metric.top(newest), *(1.25 * value for value in values), 1e-9)
    if metric.unit == "%":
        top = max(100.0, *values) if values else 100.0
    scale = _("0 to {top:.0f} {unit}", top=top, unit=metric.unit)
    box.metric(
        _(metric.label),
        metric.words(newest),
        help=_("Below: the last minute, {scale}.", scale=scale),
    )
    said = (
        _(
            "{least:.1f} to {most:.1f} {unit}",
            least=min(values),
            most=max(values),
            unit=metric.unit,
        )
        if values
        else _("nothing yet")
    )
    alt = _(
        "{label} in the last minute, on a scale of {scale}: {said}",
        label=Text(metric.label),
        scale=scale,
        said=said,
    )
    box.image(sparkline(values, top, LIVE_SAMPLES), alt=alt, width="stretch")


def _samples() -> deque[SystemSample]:
    """Return the newest samples, oldest first, with one of now; those of a while ago are gone."""
    samples = _LIVE()
    if samples and datetime.now(UTC) - samples[-1].at > _LONGEST_GAP:
        _SAMPLER.take()
        samples.clear()
    samples.append(_SAMPLER().sample())
    return samples


def _limits_in_words(sample: SystemSample) -> str:
    limits = sample.limits
    if limits.version is None:
        return _("No control group can be read here, so no container limits are known.")
    parts = []
    if limits.cpu_quota is None:
        parts.append(_("CPU: no quota"))
    else:
        used = _percent(sample.container_cpu_percent)
        parts.append(
            _(
                "CPU: {used} of a quota of {quota:g} processors",
                used=used,
                quota=limits.cpu_quota,
            )
        )
    memory_used = (
        _("unknown") if limits.memory_used_bytes is None else _mb(limits.memory_used_bytes)
    )
    if limits.memory_limit_bytes is None:
        parts.append(_("memory: no limit, {used} used", used=memory_used))
    else:
        parts.append(
            _(
                "memory: {used} of {limit}",
                used=memory_used,
                limit=_mb(limits.memory_limit_bytes),
            )
        )
    return _(
        "Container limits (cgroup v{version}): {limits}.",
        version=limits.version,
        limits=_("; ").join(parts),
    )


def _percent(value: float | None) -> str:
    return "…" if value is None else _("{value} %", value=f"{value:.0f}")


def _mb(number: int) -> str:
    return f"{number / _MB:.0f} MB"
