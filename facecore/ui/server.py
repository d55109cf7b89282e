"""The dashboard, with or without the HTTP API, as one application and as a process.

``python -m facecore.ui.server ENTRY`` is what ``facecore serve`` and ``facecore dashboard``
become. ``streamlit run`` serves the same pages without the bounds on connections.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import logging
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware

from facecore.errors import FacecoreError, ServerError
from facecore.http import web_server
from facecore.http.api import PICTURE_AGE_S, PICTURES_BYTES, HttpApi
from facecore.http.image_store import ImageStore
from facecore.http.page_uploads import UploadRoom, session_budget
from facecore.http.site_guard import LOOPBACK_HOSTS, SiteGuard, default_hosts
from facecore.http.uploads import UploadLimits
from facecore.live.socket import live_route
from facecore.machine.memory_plan import memory_plan
from facecore.open_inference.rest import OpenInference
from facecore.profiles.configuration import configuration
from facecore.serving.logs import log_in_json, said
from facecore.serving.service import process_service
from facecore.ui import FIRST_PAGE, TITLE
from facecore.ui.streamlit_internals import (
    UPLOAD_PATH,
    FirstDocument,
    base_path,
    close_lost_sessions,
    configure,
    hand_lines_on,
    keep_uploads_in_memory,
    uploaded_bytes,
)
from facecore.wording import Text, listed, terminal_language

GrpcAt = tuple[str, int]
"""An address and a port."""

ALLOWED_HOSTS_VARIABLE = "FACECORE_ALLOWED_HOSTS"
LOST_FOR_S = 120.0
"""A session without a connection is kept for so long, in case its page comes back."""

_SWEEP_S = 10.0
_LOGGER = logging.getLogger(__name__)


def application(
    entry: Path, *, with_api: bool, hosts: Sequence[str] = (), grpc_at: GrpcAt | None = None
) -> st.App:
    """Return the dashboard of an entry script as an ASGI application.

    Args:
        entry: the script that ``streamlit run`` would take.
        with_api: whether the HTTP API answers beside it.
        hosts: names that it answers to; where empty, what the environment or the address
            that it listens at says.
        grpc_at: where the API answers over gRPC as well, if anywhere.

    Raises:
        SettingsError: a variable of the environment is no number or outside its range.
    """
    if configuration().server.log == "json":
        log_in_json()
        hand_lines_on()
    keep_uploads_in_memory()
    api = make_api() if with_api else None
    return st.App(
        entry,
        routes=[
            live_route(base_path()),
            *([*api.routes(), *OpenInference(api).routes()] if api else []),
        ],
        middleware=[
            _site_guard(hosts),
            Middleware(FirstDocument, title=TITLE, first_page=FIRST_PAGE),
            *page_uploads(),
        ],
        lifespan=partial(running, api, grpc_at=grpc_at),
    )


def _site_guard(hosts: Sequence[str]) -> Middleware:
    named = os.environ.get(ALLOWED_HOSTS_VARIABLE, "").split(",")
    address = str(st.get_option("server.address") or "")
    given = tuple(hosts) or tuple(filter(None, map(str.strip, named)))
    return Middleware(
        SiteGuard,
        # By its own names the machine itself may always ask, such as a container's health check.
        hosts=(*LOOPBACK_HOSTS, *given) if given else default_hosts(address),
        origins=st.get_option("server.corsAllowedOrigins") or (),
        base_path=base_path() or "/",
    )


def make_api() -> HttpApi:
    """Return the HTTP API of the process's service, with the limits that Streamlit's settings name.

    Raises:
        SettingsError: a variable of the environment is no number or outside its range.
    """
    plan, max_bytes = memory_plan(), _max_upload_bytes()
    return HttpApi(
        process_service(),
        limits=upload_limits(max_bytes, plan.request_bytes),
        pictures=ImageStore(min(PICTURES_BYTES, plan.picture_bytes), PICTURE_AGE_S),
        base_path=base_path(),
    )


def upload_limits(max_bytes: int, memory_bytes: int) -> UploadLimits:
    """Return the HTTP API's limits for files of so many bytes, where so much memory is for them."""
    ordinary = UploadLimits()
    held_photos = max(1, min(ordinary.held_photos, memory_bytes // max_bytes))
    return UploadLimits(
        # A file that could never be held is too large, and not one for later.
        max_bytes=min(max_bytes, memory_bytes),
        held_photos=held_photos,
        client_share=max(ordinary.client_share, 1 / held_photos),
    )


def page_uploads() -> list[Middleware]:
    """Return what watches over the pages' uploads; for ``App(middleware=...)``."""
    budget = session_budget(memory_plan().upload_bytes, _max_upload_bytes(), uploaded_bytes)
    make_room = partial(close_lost_sessions, 0)
    return [Middleware(UploadRoom, path=UPLOAD_PATH, budget=budget, make_room=make_room)]


def _max_upload_bytes() -> int:
    return int(st.get_option("server.maxUploadSize")) * 1024 * 1024


@asynccontextmanager
async def running(
    api: HttpApi | None, _app: Any, *, grpc_at: GrpcAt | None = None
) -> AsyncIterator[None]:
    """Load the networks beside the server's start, and let lost sessions go by a clock."""
    sweeping = asyncio.create_task(_sweep())
    loading = (
        asyncio.get_running_loop().run_in_executor(None, api.warm_up) if api else asyncio.sleep(0)
    )
    async with _grpc_port(api, grpc_at):
        yield
    sweeping.cancel()
    await loading
    process_service().traces.close()


def _grpc_port(api: HttpApi | None, grpc_at: GrpcAt | None) -> AbstractAsyncContextManager[None]:
    if api is None or grpc_at is None:
        return nullcontext()
    from facecore.open_inference.grpc_server import serving  # noqa: PLC0415 - it is optional

    return serving(api, *grpc_at)


async def _sweep() -> None:
    while True:
        await asyncio.sleep(_SWEEP_S)
        try:
            close_lost_sessions(LOST_FOR_S)
        except Exception:
            # One session that cannot be closed must not keep all that come after it.
            _LOGGER.exception("Lost sessions could not be closed; tried again soon.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve an entry script until a signal ends it; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m facecore.ui.server")
    parser.add_argument("entry", type=Path)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--allowed-hosts", default="")
    parser.add_argument("--with-api", action="store_true")
    parser.add_argument("--grpc-port", type=int)
    parsed = parser.parse_args(arguments)
    configure(parsed.entry, parsed.host, parsed.port)
    form = "text"
    try:
        form = configuration().server.log
        with web_server.listening_socket(parsed.host, parsed.port) as listening:
            hosts = tuple(filter(None, map(str.strip, parsed.allowed_hosts.split(","))))
            grpc_at = _grpc_at(parsed.host, parsed.grpc_port)
            app = application(parsed.entry, with_api=parsed.with_api, hosts=hosts, grpc_at=grpc_at)
            shown = f"[{parsed.host}]" if ":" in parsed.host else parsed.host
            address = f"http://{shown}:{parsed.port}"
            told = [Text("The dashboard is at {address} (Ctrl-C ends it).", address=address)]
            if grpc_at:
                told.append(Text("gRPC is at {host}:{port}.", host=shown, port=f"{grpc_at[1]}"))
            print(said(_in_terminal(listed(told, " "), form), form), flush=True)
            web_server.serve(app, listening, web_server.connection_limits(memory_plan()))
    except FacecoreError as error:
        told_why = _in_terminal(Text("error: {problem}", problem=error), form)
        print(said(told_why, form, "ERROR"), file=sys.stderr)
        return 2
    return 0


def _in_terminal(text: Text, form: str) -> str:
    """Return a sentence in the terminal's language; a log of JSON is English."""
    return text.said_in(terminal_language()) if form == "text" else str(text)


def _grpc_at(host: str, port: int | None) -> GrpcAt | None:
    """Return where gRPC is to listen, after a look whether it can."""
    if port is None:
        return None
    if importlib.util.find_spec("grpc") is None:
        raise ServerError("gRPC is missing: run 'pip install \"facecore-dashboard[grpc]\"'.")
    web_server.listening_socket(host, port, "--grpc-port").close()
    return host, port


if __name__ == "__main__":
    sys.exit(main())
