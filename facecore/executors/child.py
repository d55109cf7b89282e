"""A worker process's own side: load the networks, then read photos as it is told."""

from __future__ import annotations

import os
import queue
import threading
import time
from multiprocessing.connection import Connection

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.engines import engine_facts
from facecore.errors import FacecoreError, WorkerError, friendly_message
from facecore.executors import messages
from facecore.machine.container import usable_cores

_Reply = messages.Loaded | messages.Kept | messages.Answer


def serve(file_descriptor: int) -> None:
    """Do what the parent says until it goes away.

    Args:
        file_descriptor: of the socket to the parent, which this process owns from here on.
    """
    link = Connection(file_descriptor)
    orders: queue.SimpleQueue[tuple[bytes, bytes]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(link, orders), daemon=True).start()
    worker = _Worker()
    while True:
        message, payload = orders.get()
        reply: _Reply | messages.Failed
        try:
            reply = worker.obey(message, payload)
        except FacecoreError as error:
            reply = messages.Failed.of(error)
        except Exception as error:  # noqa: BLE001 - the next photo may go better
            reply = messages.Failed.of(FacecoreError(friendly_message(error)))
        try:
            link.send_bytes(messages.encode(reply))
        except OSError:
            return  # nobody listens any more


def _listen(link: Connection, orders: queue.SimpleQueue[tuple[bytes, bytes]]) -> None:
    """Pass messages on; the moment the parent is gone, so is this process, whatever it does."""
    try:
        while True:
            orders.put((link.recv_bytes(), link.recv_bytes()))
    except (EOFError, OSError):
        os._exit(0)


class _Worker:
    def __init__(self) -> None:
        self._analyzer: FaceAnalyzer | None = None
        self._photos: dict[str, bytes] = {}

    def obey(self, message: bytes, payload: bytes) -> _Reply:
        match messages.decode(message, messages.Order):  # type: ignore[arg-type]
            case messages.Load() as order:
                return self._load(order)
            case messages.Keep(photo=key):
                self._photos[key] = payload
                return messages.Kept()
            case messages.Analyze() as order:
                return self._analyze(order, payload)

    def _load(self, order: messages.Load) -> messages.Loaded:
        self._analyzer = FaceAnalyzer.load(order.options, max_pixels=order.max_pixels)
        cost = self._analyzer.load_cost
        facts = messages.WorkerFacts(
            engine=engine_facts(self._analyzer.networks[0].options),
            cores=usable_cores(),
            load_time_ms=cost.load_time_ms if cost else 0.0,
            load_rss_delta_bytes=cost.rss_delta_bytes if cost else 0,
            start_up_time_ms=0.0,
        )
        return messages.Loaded(facts)

    def _analyze(self, order: messages.Analyze, payload: bytes) -> messages.Answer:
        if self._analyzer is None:
            raise WorkerError("A worker process was asked to read before it had its networks.")
        if order.photo is not None and order.photo not in self._photos:
            raise WorkerError("A worker process was asked for a photo that it was never given.")
        photo = payload if order.photo is None else self._photos[order.photo]
        started, cpu_started = time.perf_counter(), time.process_time()
        analysis = self._analyzer.read(
            self._analyzer.memory(photo),
            order.settings,
            annotate=order.preview_side_px is not None,
            preview_side_px=order.preview_side_px,
        )
        answer = messages.Answer.of(analysis)
        # The throttle: what is left of the interval passes idly, and counts as time.
        left_s = order.min_interval_ms / 1e3 - (time.perf_counter() - started)
        if left_s > 0:
            time.sleep(left_s)
        answer.cycle_time_s = time.perf_counter() - started
        answer.cycle_cpu_s = time.process_time() - cpu_started
        return answer
