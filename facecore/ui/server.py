"""The HTTP door as a part of Streamlit's own server; ``server_app.py`` puts both together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import streamlit as st

from facecore.http.door import HttpDoor
from facecore.http.uploads import UploadLimits
from facecore.service import process_service


def make_door() -> HttpDoor:
    """Make the door to the process's service, with the limits that Streamlit's settings name.

    Raises:
        SettingsError: a variable of the environment is no number or outside its range.
    """
    name = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return HttpDoor(
        process_service(),
        limits=UploadLimits(max_bytes=int(st.get_option("server.maxUploadSize")) * 1024 * 1024),
        base_path=f"/{name}" if name else "",
    )


@asynccontextmanager
async def warmed_up(door: HttpDoor, _app: Any) -> AsyncIterator[None]:
    """Load the networks beside the server's start; for ``App(lifespan=...)``."""
    loading = asyncio.get_running_loop().run_in_executor(None, door.warm_up)
    yield
    await loading
