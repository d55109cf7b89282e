"""Spans of requests and runs by OpenTelemetry, sent as the standard OTEL_… variables say.

A run's spans are made when it is over, from what was measured: nothing below knows of them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import entry_points

from opentelemetry import propagate
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import (
    Span,
    SpanKind,
    StatusCode,
    format_trace_id,
    set_span_in_context,
)

from facecore.serving.history import RunOutcome
from facecore.serving.traces import TRACE_ID, Traces


class Spans(Traces):
    """Makes spans with a provider of its own."""

    def __init__(self, provider: TracerProvider | None = None) -> None:
        """Begin to send.

        Args:
            provider: what makes and sends them; the environment's where None.

        Raises:
            ImportError: no package brings the exporter that the environment names.
        """
        self._provider = provider or _provider()
        self._tracer = self._provider.get_tracer("facecore")

    @contextmanager
    def request(
        self, name: str, headers: Mapping[str, str], attributes: Mapping[str, str]
    ) -> Iterator[Callable[[int], None]]:
        """Make the span of what is done inside, as the base says."""
        with self._tracer.start_as_current_span(
            name,
            propagate.extract(headers),
            kind=SpanKind.SERVER,
            attributes=dict(attributes),
            # gRPC refuses a call by an exception; the status says whose fault it was.
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            TRACE_ID.set(_id_of(span))

            def end(status: int) -> None:
                span.set_attribute("http.response.status_code", status)
                if status >= 500:
                    _fail(span, str(status))

            yield end

    def run(self, outcome: RunOutcome) -> str:
        """Make the spans of a run that is over, below its request's where it has one.

        Each stage begins where the one before ends: how long each took is known, not when it
        began, and one that ran twice is one span.

        Returns:
            The trace's id.
        """
        analysis, admitted_ns = outcome.analysis, outcome.admitted_ns
        begins_ns = admitted_ns - round(outcome.waited_ms * 1e6)
        span = self._tracer.start_span("run", start_time=begins_ns)
        inside = set_span_in_context(span)
        self._made("queue", inside, begins_ns, admitted_ns)
        span.set_attribute("facecore.origin", outcome.origin)
        if analysis is None:
            _fail(span, outcome.error_kind)
        else:
            span.set_attribute("facecore.engine", analysis.engine)
            span.set_attribute("facecore.model_set", analysis.model_set)
            span.set_attribute("facecore.faces", len(analysis.faces))
            at_ns = round(analysis.resources.started_at.timestamp() * 1e9)
            for stage, time_ms in analysis.timings.by_stage().items():
                if stage not in analysis.reused:
                    at_ns = self._made(stage, inside, at_ns, at_ns + round(time_ms * 1e6))
        span.end(time.time_ns())
        return _id_of(span)

    def close(self) -> None:
        """Send what was not sent yet."""
        self._provider.shutdown()

    def _made(self, name: str, inside: Context, begins_ns: int, ends_ns: int) -> int:
        self._tracer.start_span(name, inside, start_time=begins_ns).end(ends_ns)
        return ends_ns


def _provider() -> TracerProvider:
    exporter = os.environ.get("OTEL_TRACES_EXPORTER") or "otlp"
    if exporter == "otlp":
        named = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
        protocol = next(filter(None, map(os.environ.get, named)), "http/protobuf")
        exporter = "otlp_proto_grpc" if protocol == "grpc" else "otlp_proto_http"
    # As OpenTelemetry's own launcher finds them.
    known = tuple(entry_points(group="opentelemetry_traces_exporter", name=exporter))
    if not known:
        raise ImportError(f"no package brings the exporter {exporter}")
    resource = Resource.create()
    if str(resource.attributes["service.name"]).startswith("unknown_service"):
        resource = resource.merge(Resource({"service.name": "facecore"}))
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(known[0].load()()))
    return provider


def _fail(span: Span, kind: str) -> None:
    span.set_status(StatusCode.ERROR)
    span.set_attribute("error.type", kind)


def _id_of(span: Span) -> str:
    return format_trace_id(span.get_span_context().trace_id)
