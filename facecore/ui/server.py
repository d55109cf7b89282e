"""The HTTP API as a part of Streamlit's own server; ``server_app.py`` puts both together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import streamlit as st
from starlette.middleware import Middleware

from facecore.http.api import PICTURE_AGE_S, PICTURES_BYTES, HttpApi
from facecore.http.image_store import ImageStore
from facecore.http.page_uploads import UploadRoom, session_budget
from facecore.http.uploads import UploadLimits
from facecore.machine.memory_plan import memory_plan
from facecore.serving.service import process_service
from facecore.ui.streamlit_internals import UPLOAD_PATH, keep_uploads_in_memory, uploaded_bytes


def make_api() -> HttpApi:
    """Make the api to the process's service, with the limits that Streamlit's settings name.

    Raises:
        SettingsError: a variable of the environment is no number or outside its range.
    """
    keep_uploads_in_memory()
    name = str(st.get_option("server.baseUrlPath") or "").strip("/")
    plan, max_bytes = memory_plan(), _max_upload_bytes()
    return HttpApi(
        process_service(),
        limits=upload_limits(max_bytes, plan.request_bytes),
        pictures=ImageStore(min(PICTURES_BYTES, plan.picture_bytes), PICTURE_AGE_S),
        base_path=f"/{name}" if name else "",
    )


def upload_limits(max_bytes: int, memory_bytes: int) -> UploadLimits:
    """Return the api's limits for files of so many bytes, where so much memory is for them."""
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
    file_bytes = _max_upload_bytes()
    budget = session_budget(memory_plan().upload_bytes, file_bytes, uploaded_bytes)
    return [Middleware(UploadRoom, path=UPLOAD_PATH, budget=budget, file_bytes=file_bytes)]


def _max_upload_bytes() -> int:
    return int(st.get_option("server.maxUploadSize")) * 1024 * 1024


@asynccontextmanager
async def warmed_up(api: HttpApi, _app: Any) -> AsyncIterator[None]:
    """Load the networks beside the server's start; for ``App(lifespan=...)``."""
    loading = asyncio.get_running_loop().run_in_executor(None, api.warm_up)
    yield
    await loading
