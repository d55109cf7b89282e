"""What a Prometheus server can read; works only where ``prometheus-client`` is installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import psutil
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from facecore.live.sessions import live_sessions
from facecore.serving.history import RunOutcome
from facecore.serving.service import FaceService

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Prometheus's text format."""

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    """All figures of one server process, in a registry of its own."""

    def __init__(self, service: FaceService, held_bytes: Callable[[], dict[str, int]]) -> None:
        """Begin to count.

        Args:
            service: whose runs, queue and networks are told of.
            held_bytes: returns the memory that the HTTP API holds, by what it is for.
        """
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._registry.register(_Now(service, held_bytes))
        counter = partial(Counter, registry=self._registry)
        seconds = partial(Histogram, buckets=_SECONDS, registry=self._registry)
        self._runs = counter(
            "facecore_runs", "Photos read, by origin and engine.", ["origin", "engine"]
        )
        self._errors = counter(
            "facecore_run_errors",
            "Photos that could not be read, by origin and kind of error.",
            ["origin", "kind"],
        )
        self._responses = counter(
            "facecore_http_responses",
            "Answers of the HTTP API, by path and status.",
            ["path", "status"],
        )
        self._calls = counter(
            "facecore_grpc_responses", "Answers over gRPC, by method and code.", ["method", "code"]
        )
        self._stages = seconds(
            "facecore_stage_seconds",
            "Wall time of a run by stage; total is all of it without the wait.",
            ["stage"],
        )
        self._waits = seconds("facecore_wait_seconds", "Time that a run waited at the queue.")
        service.listen(self.observe_run)

    def observe_run(self, outcome: RunOutcome) -> None:
        """Count a run of any origin."""
        self._waits.observe(outcome.waited_ms / 1e3)
        if outcome.analysis is None:
            self._errors.labels(outcome.origin, outcome.error_kind).inc()
            return
        self._runs.labels(outcome.origin, outcome.analysis.engine).inc()
        timings, reused = outcome.analysis.timings, outcome.analysis.reused
        for stage, time_ms in timings.by_stage().items():
            if stage not in reused:
                self._stages.labels(stage).observe(time_ms / 1e3)
        self._stages.labels("total").observe(timings.total_ms / 1e3)

    def observe_response(self, path: str, status: int) -> None:
        """Count an answer of the HTTP API."""
        self._responses.labels(path, str(status)).inc()

    def observe_call(self, method: str, code: str) -> None:
        """Count an answer over gRPC."""
        self._calls.labels(method, code).inc()

    def text(self) -> bytes:
        """Return all figures in Prometheus's text format."""
        return generate_latest(self._registry)


class _Now(Collector):
    """Figures that are looked up when they are asked for."""

    def __init__(self, service: FaceService, held_bytes: Callable[[], dict[str, int]]) -> None:
        self._service = service
        self._held_bytes = held_bytes
        self._process = psutil.Process()

    def collect(self) -> Iterator[Metric]:
        """Look everything up."""
        stats = self._service.queue.stats()
        yield GaugeMetricFamily("facecore_queue_running", "Runs at this moment.", stats.running)
        yield GaugeMetricFamily("facecore_queue_waiting", "Runs that wait.", stats.waiting)
        yield GaugeMetricFamily(
            "facecore_live_cameras", "Cameras that send now.", live_sessions().live()
        )
        frames = CounterMetricFamily(
            "facecore_live_frames",
            "Frames of cameras, by what became of them.",
            labels=["end"],
        )
        for end, count in live_sessions().frames().items():
            frames.add_metric([end], count)
        yield frames
        visits = CounterMetricFamily(
            "facecore_queue_visits",
            "Runs that came, by what became of them.",
            labels=["end"],
        )
        for end in ("admitted", "refused", "timed_out", "gave_up"):
            visits.add_metric([end], getattr(stats, end))
        yield visits
        yield GaugeMetricFamily(
            "facecore_network_sets", "Sets of networks in memory.", self._service.sets_loaded()
        )
        yield GaugeMetricFamily(
            "facecore_resident_memory_bytes",
            "Resident memory of the process.",
            self._process.memory_info().rss,
        )
        held = GaugeMetricFamily(
            "facecore_http_held_bytes", "Memory that the HTTP API holds.", labels=["what"]
        )
        for what, count in self._held_bytes().items():
            held.add_metric([what], count)
        yield held
