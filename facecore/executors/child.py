"""A worker process's own side: load the networks, or be forked with them, then read photos."""

from __future__ import annotations

import gc
import os
import queue
import threading
import time
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle
from pathlib import Path

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.engines import engine_facts
from facecore.engines.opencv_switches import without_threads
from facecore.errors import WorkerError
from facecore.executors import messages
from facecore.machine.container import usable_cores

_Reply = messages.Loaded | messages.Kept | messages.Answer | messages.Reaped
_FORK = messages.encode(messages.Fork())
_THREADS = Path("/proc/self/task")
_JOINED_WITHIN_S = 1.0


def serve(file_descriptor: int, *, forks: bool = False) -> None:
    """Do what the parent says until it goes away.

    Args:
        file_descriptor: of the socket to the parent, which this process owns from here on.
        forks: fork others, as long as that is safe, before it reads.
    """
    link = Connection(file_descriptor)
    worker = _Worker()
    if forks:
        link = _fork_others(link, worker)
    orders: queue.SimpleQueue[tuple[bytes, bytes]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(link, orders), daemon=True).start()
    while True:
        try:
            link.send_bytes(messages.encode(_reply(worker, *orders.get())))
        except OSError:
            return  # nobody listens any more


def _reply(worker: _Worker, message: bytes, payload: bytes) -> _Reply | messages.Failed:
    try:
        return worker.obey(messages.decode(message, messages.Order), payload)  # type: ignore[arg-type]
    except Exception as error:  # noqa: BLE001 - the next photo may go better
        return messages.Failed.of(error)


def _listen(link: Connection, orders: queue.SimpleQueue[tuple[bytes, bytes]]) -> None:
    """Pass messages on; the moment the parent is gone, so is this process, whatever it does."""
    try:
        while True:
            orders.put((link.recv_bytes(), link.recv_bytes()))
    except (EOFError, OSError):
        os._exit(0)


def _fork_others(link: Connection, worker: _Worker) -> Connection:
    """Load, and fork a worker whenever the parent says so; no thread is beside this one.

    Returns:
        In each worker that was forked, its own link. Here the link as it was, as soon as
        this process cannot fork: from then on it is a worker like any other.
    """
    while True:
        try:
            message, payload = link.recv_bytes(), link.recv_bytes()
            if message != _FORK:
                link.send_bytes(messages.encode(_reply(worker, message, payload)))
                continue
            descriptor, stderr = recv_handle(link), recv_handle(link)
            pid = _fork()
            if pid == 0:
                link.close()  # it belongs to the server, whose parent must see it end
                os.dup2(stderr, 2)
                os.close(stderr)
                return Connection(descriptor)
            os.close(descriptor)
            os.close(stderr)
            link.send_bytes(messages.encode(messages.Forked(pid)))
            if pid is None:
                return link
        except (EOFError, OSError):
            os._exit(0)


def _fork() -> int | None:
    """Return 0 in the new process, its number here, and None where none can be had safely.

    A fork takes the thread that asks for it alone: what others hold or are waited for with
    would stay so for ever. With no other there is nothing to go wrong.
    """
    gc.freeze()  # what is there stays shared: the collector does not mark it again
    with without_threads():
        if not _is_only_thread():
            return None
        try:
            return os.fork()
        except OSError:
            return None


def _is_only_thread() -> bool:
    # One that was joined is listed for a moment yet.
    deadline_s = time.monotonic() + _JOINED_WITHIN_S
    while len(list(_THREADS.iterdir())) > 1:
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.01)
    return True


class _Worker:
    def __init__(self) -> None:
        self._analyzer: FaceAnalyzer | None = None
        self._photos: dict[str, bytes] = {}

    def obey(self, order: messages.Order, payload: bytes) -> _Reply:
        match order:
            case messages.Load():
                return self._load(order)
            case messages.Keep(photo=key):
                self._photos[key] = payload
                return messages.Kept()
            case messages.Analyze():
                return self._analyze(order, payload)
            case messages.Reap(pid=pid):
                return messages.Reaped(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
            case messages.Fork():
                raise WorkerError("A worker process was asked to fork, which it does not.")

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
