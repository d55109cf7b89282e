"""Which trace a request and its runs belong to; its spans are OpenTelemetry's, where asked for."""

from __future__ import annotations

import importlib
import logging
import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import cast

from facecore.serving.history import RunOutcome

TRACE_ID: ContextVar[str] = ContextVar("facecore_trace_id", default="")
"""The trace of the request that this thread or task works for, 32 hexadecimal digits, or ""."""

_ASKED_BY = (
    "OTEL_TRACES_EXPORTER",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
)
# https://www.w3.org/TR/trace-context/#traceparent-header
_PARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")
_LOGGER = logging.getLogger(__name__)


class Traces:
    """Gives requests the ids of their traces, for the log, and makes no spans."""

    @contextmanager
    def request(
        self, name: str, headers: Mapping[str, str], attributes: Mapping[str, str]
    ) -> Iterator[Callable[[int], None]]:
        """Have what is done inside belong to a request, and that to its caller's trace.

        Args:
            name: of its span, such as "POST /predict".
            headers: the caller's, by names in small letters; ``traceparent`` among them.
            attributes: of its span, by OpenTelemetry's names.

        Yields:
            What takes the HTTP status in the end; from 500 on it is an error.
        """
        found = _PARENT.fullmatch(headers.get("traceparent", ""))
        TRACE_ID.set(found[1] if found else secrets.token_hex(16))
        yield lambda _: None

    def run(self, _: RunOutcome) -> str:
        """Make the spans of a run that is over; return its trace's id, "" where there is none."""
        return TRACE_ID.get()

    def close(self) -> None:
        """Send the spans that were not sent yet."""


def traces_from_environment() -> Traces:
    """Return what the standard OTEL_… variables ask for; a missing library is told in the log.

    They ask for spans where they name an exporter or its endpoint, unless that is "none" or
    OTEL_SDK_DISABLED is "true".
    """
    given = os.environ
    asked = next((name for name in _ASKED_BY if given.get(name)), "")
    off = given.get("OTEL_SDK_DISABLED", "").lower() == "true"
    if not asked or off or given.get(_ASKED_BY[0]) == "none":
        return Traces()
    try:
        return cast(Traces, importlib.import_module("facecore.serving.spans").Spans())
    except ImportError as error:
        _LOGGER.warning(
            "%s asks for traces, and there are none (%s): run "
            "\"pip install 'facecore-dashboard[otel]'\" and start again.",
            asked,
            error,
        )
        return Traces()
