"""A Ray cluster: reaching it, the nodes that it has, and workers on them; only here is Ray known.

Ray is an optional package, and is imported when a cluster is asked for.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import logging
import os
import re
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from types import ModuleType
from typing import Any, NamedTuple, TypeVar

import facecore
from facecore.errors import FacecoreError, SettingsError, WorkerError
from facecore.executors import launch, messages
from facecore.executors.node import NodeWorker
from facecore.settings import AnalysisSettings, ProcessOptions, RuntimeOptions
from facecore.sources.stores import Address
from facecore.wording import Text, listed

HERE = "auto"
"""The address of the cluster that this machine is a part of, or of one that is started on it."""

_ADDRESS = re.compile(r"ray://([^/\s:]+|\[[0-9a-fA-F:]+\]):\d{1,5}")
_REACH_TIMEOUT_S = 10.0
_STORE_BYTES = 256 << 20
_Reply = TypeVar("_Reply")


def check_address(address: str) -> None:
    """Check that an address is one of a cluster, and that Ray is there to reach it.

    Raises:
        SettingsError: it is not, or Ray is not installed.
    """
    if address != HERE and not _ADDRESS.fullmatch(address):
        raise SettingsError(
            "A cluster is '{here}' or an address such as ray://head.example:10001, not {given}.",
            here=HERE,
            given=ascii(address)[1:-1][:80],
        )
    if importlib.util.find_spec("ray") is None:
        raise SettingsError(
            "Ray is not installed here: run 'pip install \"facecore-dashboard[ray]\"', or leave "
            "the cluster out."
        )


class Node(NamedTuple):
    """A machine of a cluster: its number in it, its name or address, and its processors."""

    number: str
    name: str
    cpus: float


@contextlib.contextmanager
def _connected() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # Ray has many, and some are Python's own
        raise WorkerError(
            "The connection to the cluster is lost: give the same command again."
        ) from error


class RemoteWorker:
    """A worker on a node, with networks of its own; what it is asked is answered in its time.

    Whatever is asked raises a WorkerError where the cluster is gone.
    """

    def __init__(self, actor: Any, stop: Callable[[Any], object]) -> None:
        """Take the actor that it is, which may wait for its node to have processors free."""
        self._actor = actor
        self._stop = stop
        self._turn = 0

    def load(
        self, options: RuntimeOptions, max_pixels: int, settings: AnalysisSettings
    ) -> Future[bytes]:
        """Ask it to load its networks, and tell how it is to read."""
        return self._soon(self._actor.load, facecore.__version__, options, max_pixels, settings)

    def read(self, photo: bytes | Address) -> Future[bytes]:
        """Ask it to read a photo, after those that it was asked for before."""
        turn, self._turn = self._turn, self._turn + 1
        return self._soon(self._actor.read, turn, photo)

    def stop(self) -> None:
        """End its process, whatever it is doing."""
        with contextlib.suppress(Exception):  # where the cluster is gone, so is the worker
            self._stop(self._actor)

    def _soon(self, method: Any, *arguments: object) -> Future[bytes]:
        with _connected():
            future: Future[bytes] = method.remote(*arguments).future()
            return future


class GoneError(FacecoreError):
    """Nothing more is heard of a worker."""


class NodeGoneError(GoneError):
    """Its node is gone, or is not reached."""


def answer(future: Future[bytes], kind: type[_Reply]) -> _Reply:
    """Return what a worker answered, or raise what it raised.

    Raises:
        GoneError: there is no answer any more.
    """
    try:
        data = future.result()
    except Exception as error:  # Ray has many, of processes, nodes and memory
        raise (NodeGoneError if _is_of_node(error) else GoneError) from error
    reply: _Reply | messages.Failed = messages.decode(data, kind | messages.Failed)  # type: ignore[arg-type]
    if isinstance(reply, messages.Failed):
        raise reply.exception()
    return reply


def _is_of_node(error: Exception) -> bool:
    # The first may also be a process that ended, of which Ray has not heard for a second.
    return (
        type(error).__name__ in ("ActorUnavailableError", "NodeDiedError")
        or "its node has died" in str(error)  # as against "its worker process has died"
    )


class Cluster:
    """A connection to a cluster; all that this process has open share one."""

    _lock = threading.Lock()
    _open = 0
    _ours = False

    def __init__(self, address: str) -> None:
        """Connect; ``close`` must follow.

        Raises:
            SettingsError: the address is none, or Ray is not installed.
            WorkerError: there is no cluster, or it lets us not in.
        """
        check_address(address)
        self._ray = _imported()
        with self._lock:
            if not Cluster._open:
                Cluster._ours = not self._ray.is_initialized()
                if Cluster._ours:
                    _connect(self._ray, address)
            Cluster._open += 1
        alone = {"max_restarts": 0, "max_task_retries": 0}  # we know better what is tried again
        # The next photo comes while one is read; that each was read is in our rows.
        quick = {"max_concurrency": 2, "enable_task_events": False}
        self._kind = self._ray.remote(**alone, **quick)(NodeWorker)

    def nodes(self) -> list[Node]:
        """Return the nodes that are there now.

        Raises:
            WorkerError: the cluster is gone.
        """
        with _connected():
            found = self._ray.nodes()
        return [
            Node(one["NodeID"], one["NodeName"], one["Resources"].get("CPU", 0.0))
            for one in found
            if one["Alive"]
        ]

    def worker(self, node: Node, cpus: int) -> RemoteWorker:
        """Return a new worker on a node, for so many of its processors; raises as `nodes`."""
        strategies = importlib.import_module("ray.util.scheduling_strategies")
        there = strategies.NodeAffinitySchedulingStrategy(node.number, soft=False)
        with _connected():
            actor = self._kind.options(num_cpus=cpus, scheduling_strategy=there).remote()
        return RemoteWorker(actor, self._ray.kill)

    def close(self) -> None:
        """Leave the cluster; one that was started for us ends."""
        with self._lock:
            Cluster._open -= 1
            if not Cluster._open and Cluster._ours:
                self._ray.shutdown()


def _imported() -> ModuleType:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # nothing is sent to anybody
    # Ray's figures of itself take time from the workers, and nobody looks at them here.
    for name in ("enable_metrics_collection", "event_stats", "task_events_report_interval_ms"):
        os.environ.setdefault(f"RAY_{name}", "0")
    return importlib.import_module("ray")


def _connect(ray: ModuleType, address: str) -> None:
    _be_quiet()
    quiet: dict[str, Any] = {"log_to_driver": False, "configure_logging": False}
    try:
        if address != HERE:
            _check_listens(address)
            ray.init(address, **quiet)
            return
        # The same facecore as this one; the folder that we are in, which may hold a json.py,
        # is no part of it.
        path = launch.environment(ProcessOptions())["PYTHONPATH"]
        quiet["runtime_env"] = {"env_vars": {"PYTHONPATH": path}}
        quiet["job_config"] = ray.job_config.JobConfig(_client_job=True)
        try:
            ray.init(HERE, **quiet)
        except ConnectionError:
            ray.init("local", include_dashboard=False, object_store_memory=_STORE_BYTES, **quiet)
    except Exception as error:
        raise WorkerError(_in_words(error, address)) from error


def _be_quiet() -> None:
    logging.getLogger("ray").setLevel(logging.CRITICAL)
    worker: Any = importlib.import_module("ray._private.worker")
    # It would tell stdout, where our answers go, in a paragraph of each worker that ends.
    worker.print_to_stdstream = lambda *_, **__: None


def _check_listens(address: str) -> None:
    # Ray itself would try for half a minute.
    host, _, port = address.removeprefix("ray://").rpartition(":")
    socket.create_connection((host.strip("[]"), int(port)), timeout=_REACH_TIMEOUT_S).close()


def _in_words(error: Exception, address: str) -> str:
    said = str(error)
    if type(error).__name__ == "AuthenticationError" or "nauthenticated" in said:
        return Text(
            "The cluster wants a token that this is not: set RAY_AUTH_TOKEN or "
            "RAY_AUTH_TOKEN_PATH as its nodes have it."
        )
    if "ersion mismatch" in said:
        found = listed(re.findall(r"Ray: \S+|Python: \S+", said), Text(" and "))
        return Text(
            "The cluster has another version of Ray or Python than this ({found}): "
            "install the same on both.",
            found=found,
        )
    where = Text("on this machine") if address == HERE else Text("at {address}", address=address)
    return Text(
        "No Ray cluster answers {where}: check the address, and that 'ray start "
        "--head' was given there with a --ray-client-server-port.",
        where=where,
    )
