"""A worker process's own side: load the networks, then read photos as it is told."""

from __future__ import annotations

import os
import queue
import threading
import time
from dataclasses import asdict
from multiprocessing.connection import Connection
from typing import Any

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.engines import engine_facts, options_from_values
from facecore.errors import FacecoreError, WorkerError, friendly_message
from facecore.executors.messages import (
    Message,
    analysis_to_dict,
    decode,
    encode,
    error_message,
    settings_from_dict,
)
from facecore.machine.container import usable_cores


def serve(file_descriptor: int) -> None:
    """Do what the parent says until it goes away.

    Args:
        file_descriptor: of the socket to the parent, which this process owns from here on.
    """
    link = Connection(file_descriptor)
    orders: queue.SimpleQueue[tuple[Message, bytes]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(link, orders), daemon=True).start()
    worker = _Worker()
    while True:
        message, payload = orders.get()
        try:
            reply, picture = worker.obey(message, payload)
        except FacecoreError as error:
            reply, picture = error_message(error), None
        except Exception as error:  # noqa: BLE001 - the next photo may go better
            reply, picture = error_message(FacecoreError(friendly_message(error))), None
        try:
            link.send_bytes(encode(reply))
            if picture is not None:
                link.send_bytes(picture)
        except OSError:
            return  # nobody listens any more


def _listen(link: Connection, orders: queue.SimpleQueue[tuple[Message, bytes]]) -> None:
    """Pass messages on; the moment the parent is gone, so is this process, whatever it does."""
    try:
        while True:
            message = decode(link.recv_bytes())
            orders.put((message, link.recv_bytes() if message.get("bytes") else b""))
    except (EOFError, OSError, WorkerError):
        os._exit(0)


class _Worker:
    def __init__(self) -> None:
        self._analyzer: FaceAnalyzer | None = None
        self._photos: dict[str, bytes] = {}

    def obey(self, message: Message, payload: bytes) -> tuple[Message, bytes | None]:
        order = message.get("do")
        if order == "load":
            return self._load(message), None
        if order == "keep":
            self._photos[message["photo"]] = payload
            return {}, None
        if order == "analyze":
            return self._analyze(message, payload)
        raise WorkerError("A worker process was asked for something that it does not know.")

    def _load(self, message: Message) -> Message:
        options = options_from_values(message["options"])
        self._analyzer = FaceAnalyzer.load(options, max_pixels=message["max_pixels"])
        cost = self._analyzer.load_cost
        return {
            "engine": asdict(engine_facts(options)),
            "cores": usable_cores(),
            "load_time_ms": cost.load_time_ms if cost else 0.0,
            "load_rss_delta_bytes": cost.rss_delta_bytes if cost else 0,
        }

    def _analyze(self, message: Message, payload: bytes) -> tuple[Message, bytes | None]:
        if self._analyzer is None:
            raise WorkerError("A worker process was asked to read before it had its networks.")
        key = message.get("photo")
        if key is not None and key not in self._photos:
            raise WorkerError("A worker process was asked for a photo that it was never given.")
        photo = payload if key is None else self._photos[key]
        started, cpu_started = time.perf_counter(), time.process_time()
        analysis = self._analyzer.open(photo).read(
            settings_from_dict(message["settings"]),
            annotate=message["preview_side_px"] is not None,
            preview_side_px=message["preview_side_px"],
        )
        reply: dict[str, Any] = {"analysis": analysis_to_dict(analysis)}
        # The throttle: what is left of the interval passes idly, and counts as time.
        left_s = message["min_interval_ms"] / 1e3 - (time.perf_counter() - started)
        if left_s > 0:
            time.sleep(left_s)
        reply["cycle_time_s"] = time.perf_counter() - started
        reply["cycle_cpu_s"] = time.process_time() - cpu_started
        picture = analysis.preview_jpeg if message["send_preview"] else None
        reply["bytes"] = picture is not None
        return reply, picture
