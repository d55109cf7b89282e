"""The real server, with gates that a test closes: what it looks at lasts until they are opened.

``python -m tests.held_server`` takes what ``python -m facecore.ui.server`` does, and serves
``/held/queue``, ``/held/trials`` and ``/held/fresh`` beside the HTTP API: PUT closes a gate,
DELETE opens it. `tests.server.Server.held` asks for that. GET of ``/held/live`` gives the key of a
new session of live frames, as the page has one.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Route
from streamlit.runtime.pages_manager import PagesManager

from facecore.executors.process import WorkerProcess
from facecore.http.api import HttpApi
from facecore.live import LiveSession, LiveSetting, open_session
from facecore.serving.service import process_service
from facecore.settings import AnalysisSettings
from facecore.ui import server


class _Queue:
    """Somebody else's runs, each of which has its slot until it is told to go."""

    def __init__(self) -> None:
        self._runs: deque[threading.Event] = deque()

    def close(self, _: int) -> None:
        """Let one more run stand in line for a slot, and keep it."""
        over = threading.Event()
        self._runs.append(over)
        threading.Thread(target=self._run, args=(over,), daemon=True).start()

    def open(self) -> None:
        """End the first of them."""
        if self._runs:
            self._runs.popleft().set()

    def _run(self, over: threading.Event) -> None:
        with process_service().queue.enter("somebody else"):
            over.wait()


class _Trials:
    """Lets experiments ask their workers for so many photos more, and no further one."""

    def __init__(self) -> None:
        self._is_open = threading.Event()
        self._is_open.set()
        self._left = 0

    def close(self, left: int) -> None:
        """Stop the next experiment after so many photos, warm-up and all."""
        self._left = left
        self._is_open.clear()

    def open(self) -> None:
        """Let it go on."""
        self._is_open.set()

    def wait(self) -> None:
        """Wait until one more photo may be asked for."""
        self._left -= 1
        if self._left < 0:
            self._is_open.wait()


class _Fresh:
    """Lets the server be one that no page was opened at, for the next who comes."""

    def close(self, _: int) -> None:
        """Let it look for its pages anew."""
        PagesManager.uses_pages_directory = None

    def open(self) -> None:
        """Leave it as whoever came has made it."""


QUEUE, TRIALS = _Queue(), _Trials()
GATES: dict[str, _Queue | _Trials | _Fresh] = {"queue": QUEUE, "trials": TRIALS, "fresh": _Fresh()}
SESSIONS: list[LiveSession] = []
ask, routes = WorkerProcess.ask, HttpApi.routes


def _held_ask(*arguments: Any, **named: Any) -> None:
    TRIALS.wait()
    ask(*arguments, **named)


def _held_routes(api: HttpApi) -> list[BaseRoute]:
    return [
        *routes(api),
        Route("/held/live", _session),
        Route("/held/{gate}", _move, methods=["PUT", "DELETE"]),
    ]


def _session(_: Request) -> PlainTextResponse:
    setting = LiveSetting(AnalysisSettings(), process_service().options)
    SESSIONS.append(open_session(f"visitor {len(SESSIONS)}", setting))
    return PlainTextResponse(SESSIONS[-1].key)


def _move(request: Request) -> PlainTextResponse:
    gate = GATES[request.path_params["gate"]]
    if request.method == "PUT":
        gate.close(int(request.query_params.get("after", 0)))
    else:
        gate.open()
    return PlainTextResponse("")


if __name__ == "__main__":
    WorkerProcess.ask = _held_ask  # type: ignore[method-assign]
    HttpApi.routes = _held_routes  # type: ignore[method-assign, assignment]
    sys.exit(server.main())
