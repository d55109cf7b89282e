"""The websocket of live frames, for an ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketDisconnected

from facecore.errors import ImageError, friendly_message
from facecore.live.run import LiveRun
from facecore.live.sessions import MOST_LIVE, LiveSession, LiveSessions, live_sessions
from facecore.live.wire import LIVE_PATH, LiveError, said
from facecore.serving.queue import TELL_EVERY_S, Waiting
from facecore.wording import _, offered_language, speaking

IDLE_S = 30.0
"""So long a socket may send no frame."""

SLOW_S = 10.0
"""So long a client may take no answer."""

MOST_UNREAD = 5
"""Frames in a row that are no picture; then the socket ends."""

_POLICY_VIOLATION = 1008  # RFC 6455, section 7.4.1
_LONGEST_REASON = 123


def live_route(base_path: str = "", sessions: LiveSessions | None = None) -> WebSocketRoute:
    """Return the route of the socket, below a base path (empty or "/name")."""
    sessions = sessions or live_sessions()
    sessions.is_served = True
    return WebSocketRoute(base_path + LIVE_PATH, LiveSocket(sessions).serve)


class LiveSocket:
    """Takes frames and answers the newest; for one event loop."""

    def __init__(self, sessions: LiveSessions) -> None:
        """Serve these sessions."""
        self._sessions = sessions
        # Each camera waits for its turn in a thread; one that has just left may wait on a moment.
        self._threads = ThreadPoolExecutor(2 * MOST_LIVE, "live")

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one socket until it ends; what ends it is said in one sentence, where it can be."""
        # A browser shows no page what a refused handshake says, so the sentence comes after it.
        await websocket.accept()
        with ExitStack() as spoken:
            wanted = offered_language(websocket.headers.get("Accept-Language"))
            spoken.enter_context(speaking(wanted))
            try:
                session, run = self._sessions.begin(websocket.query_params.get("key", ""))
                spoken.enter_context(speaking(session.language))
                try:
                    await self._serve(websocket, session, run)
                finally:
                    # The history may be on a slow disk.
                    await asyncio.to_thread(self._sessions.end, session, run)
            except* (WebSocketDisconnect, WebSocketDisconnected, TimeoutError):
                pass  # nobody listens
            except* Exception as several:  # noqa: BLE001 - the client gets a sentence, the log the rest
                await _end(websocket, _(friendly_message(several.exceptions[0])))

    async def _serve(self, websocket: WebSocket, session: LiveSession, run: LiveRun) -> None:
        if session.seconds:
            await _sent(websocket, said("monitor", seconds=list(session.seconds)))
        came = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._take(websocket, run, came))
            tasks.create_task(self._answer(websocket, session, run, came))
            tasks.create_task(self._tell(websocket, session, run))

    async def _take(self, websocket: WebSocket, run: LiveRun, came: asyncio.Event) -> None:
        while True:
            try:
                async with asyncio.timeout(IDLE_S):
                    message = await websocket.receive()
            except TimeoutError:
                if run.is_busy:
                    continue  # it is the camera that waits
                raise LiveError(
                    "No frame came for {seconds:g} s: start the camera again.", seconds=IDLE_S
                ) from None
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect
            if run.offer(message.get("bytes") or b""):
                came.set()
            else:
                sentence = _("The server has no room for more frames now.")
                number = run.newest_number
                await _sent(websocket, said("unread", frame=number, sentence=sentence))
            del message  # or its frame would stay until the next one comes

    async def _answer(
        self, websocket: WebSocket, session: LiveSession, run: LiveRun, came: asyncio.Event
    ) -> None:
        loop, unread = asyncio.get_running_loop(), 0
        waiting = _("Photos and other cameras come first.")

        def tell(place: Waiting) -> None:
            # Nobody need read of less; but a newer frame is wanted.
            sentence = waiting if place.waited_s >= TELL_EVERY_S else ""
            text = said("waiting", frame=run.newest_number, sentence=sentence)
            asyncio.run_coroutine_threadsafe(_sent(websocket, text), loop)

        while True:
            await came.wait()
            came.clear()
            try:
                answer = await loop.run_in_executor(self._threads, partial(run.read, tell))
            except ImageError as error:
                unread += 1
                if unread >= MOST_UNREAD:
                    raise LiveError(
                        "{count} frames in a row are no picture.", count=unread
                    ) from error
                await _sent(websocket, said("unread", frame=run.read_number, sentence=_(error)))
                continue
            if answer is not None:
                unread = 0
                run.figures.note_answer(answer)
                visitors = self._sessions.live()
                share_fps = run.figures.share_fps() if visitors > 1 else None
                with speaking(session.language):  # it may have been changed
                    text = answer.text(share_fps, visitors)
                await _sent(websocket, text)

    async def _tell(self, websocket: WebSocket, session: LiveSession, run: LiveRun) -> None:
        while True:
            await asyncio.sleep(1)
            session.check_page()
            if session.run is not run:
                raise LiveError("The camera goes on in a newer connection of this page.")
            await _sent(websocket, self._sessions.second(session, run))


async def _sent(websocket: WebSocket, text: str) -> None:
    await _in_time(websocket.send_text(text))


async def _end(websocket: WebSocket, sentence: str) -> None:
    try:
        await _sent(websocket, said("problem", sentence=sentence))
        reason = sentence.encode()[:_LONGEST_REASON].decode(errors="ignore")
        await _in_time(websocket.close(_POLICY_VIOLATION, reason))
    except (TimeoutError, WebSocketDisconnect, RuntimeError):
        pass  # it is gone


async def _in_time(sending: Awaitable[None]) -> None:
    async with asyncio.timeout(SLOW_S):
        await sending
