"""Workers that are forked from one process with its networks loaded, which they then share."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable
from multiprocessing.connection import wait
from multiprocessing.reduction import send_handle
from typing import IO, TypeVar

from facecore.errors import FacecoreError, WorkerError
from facecore.executors import launch, messages
from facecore.executors.process import START_TIMEOUT_S, WorkerProcess
from facecore.settings import ProcessOptions, RuntimeOptions

CAN_FORK = hasattr(os, "pidfd_open")
"""Whether this system has what it takes: Linux 5.3, where nobody can mistake a process."""

_Process = TypeVar("_Process", bound=WorkerProcess)


class Starter:
    """Starts the workers of a batch, for any thread; `stop` must follow, after theirs.

    The first has the networks loaded in a fork server, and all are forked from that. Where it
    cannot fork, or is gone, they are started as programs of their own.
    """

    def __init__(
        self,
        options: RuntimeOptions,
        *,
        max_pixels: int,
        cancelled: Callable[[], bool],
        forks: bool = CAN_FORK,
    ) -> None:
        self._options = options
        self._max_pixels = max_pixels
        self._cancelled = cancelled
        self._turn = threading.Lock()
        self._forks = forks
        self._server: _ForkServer | None = None

    def worker(self) -> WorkerProcess:
        """Return a worker that has its networks.

        Raises:
            ModelError: a file is missing or wrong, or the engine cannot load it.
            WorkerError: none can be started.
            Cancelled: ``cancelled`` said so meanwhile.
        """
        with self._turn:
            worker = self._forked() if self._forks else None
        return worker or self._loaded(WorkerProcess(self._options, max_pixels=self._max_pixels))

    @property
    def is_forking(self) -> bool:
        """Whether the next worker is to be forked."""
        return self._forks

    def stop(self) -> None:
        """End the fork server."""
        if self._server is not None:
            self._server.stop()

    def _forked(self) -> WorkerProcess | None:
        try:
            if self._server is None:
                server = _ForkServer(self._options, max_pixels=self._max_pixels)
                self._server = self._loaded(server)
            return self._server.fork()
        except _CannotForkError:
            self._forks = False
            worker, self._server = self._server, None
            return worker
        except WorkerError:
            # Kept to the end: those that it has forked may live.
            self._forks = False
            return None

    def _loaded(self, process: _Process) -> _Process:
        try:
            process.load(cancelled=self._cancelled)
        except BaseException:
            process.stop()
            raise
        return process


class _CannotForkError(WorkerError):
    """The fork server has threads of its own, or there is no process to be had."""


class _ForkServer(WorkerProcess):
    """A worker that forks others like it, until it cannot: then it reads as they do."""

    def __init__(self, options: RuntimeOptions, *, max_pixels: int) -> None:
        super().__init__(options, max_pixels=max_pixels, start=launch.start_fork_server)
        self._turn = threading.Lock()
        self._reads = False

    def fork(self) -> WorkerProcess:
        """Return a new worker that has the networks.

        Raises:
            _CannotForkError: this is a worker like any other from now on.
            WorkerError: it is gone or does not answer.
        """
        return WorkerProcess(self._options, max_pixels=self._max_pixels, start=self._start)

    def status_of(self, pid: int) -> int | None:
        """Return the exit status of a worker that has ended, once; None where nobody knows it."""
        with self._turn, contextlib.suppress(FacecoreError):
            if self._reads:  # another thread talks to it, of photos
                return None
            self._send(messages.Reap(pid))
            return self._reply(messages.Reaped, START_TIMEOUT_S, lambda: False).status
        return None

    def _start(self, _: ProcessOptions, file_descriptor: int, stderr: IO[bytes]) -> launch.Child:
        with self._turn:
            self._send(messages.Fork())
            with self._talking():
                for descriptor in (file_descriptor, stderr.fileno()):
                    send_handle(self._link, descriptor, None)
            pid = self._reply(messages.Forked, START_TIMEOUT_S, lambda: False).pid
            if pid is None:
                self._reads = True
                raise _CannotForkError("A worker process cannot fork others.")
            # Its number is nobody else's: the server has not asked how it ended.
            return _Forked(self, pid, os.pidfd_open(pid))


class _Forked:
    """A process that the fork server started, as `subprocess.Popen` would show it."""

    def __init__(self, server: _ForkServer, pid: int, handle: int) -> None:
        self.pid = pid
        self._server = server
        self._handle: int | None = handle
        self._status: int | None = None

    def kill(self) -> None:
        """End it at once."""
        if self._handle is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait for its end, seconds; return its status, None where the server is gone."""
        if self._handle is not None:
            if not wait([self._handle], timeout):
                raise subprocess.TimeoutExpired("a worker", timeout or 0)
            os.close(self._handle)
            self._handle = None
            self._status = self._server.status_of(self.pid)
        return self._status

    def poll(self) -> int | None:
        """Return its status; None where it has not ended, or the server is gone."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None
