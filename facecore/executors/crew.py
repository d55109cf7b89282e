"""Reading photos on many machines: which worker gets which photo, and what becomes of it.

A worker reads its photos in turn, and has one more than it reads. What was with one that ended is
read alone from then on: so that what ends it again is that one photo's doing, or nobody's.
"""

from __future__ import annotations

import queue
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, cast

from facecore.errors import FacecoreError, WorkerError, friendly_message
from facecore.executors import messages
from facecore.executors.cluster import ClusterOptions, ClusterProgress, Job, Jobs, Roster
from facecore.executors.ray_cluster import (
    Cluster,
    GoneError,
    Node,
    NodeGoneError,
    RemoteWorker,
    answer,
)
from facecore.executors.reading import Outcome
from facecore.settings import AnalysisSettings
from facecore.sources.photo import Photo
from facecore.sources.stores import Address
from facecore.wording import Text

_LOOK_EVERY_S = 2.0
_CHECK_EVERY_S = 0.25
_FILES_AT_ONCE = 8
_PHOTOS_AT_ONCE = 2
_PATIENCE_S = 15.0


def read_on_cluster(
    photos: Iterable[Photo],
    settings: AnalysisSettings,
    options: ClusterOptions,
    progress: ClusterProgress | None = None,
    check: Callable[[], object] = lambda: None,
) -> Generator[Outcome, None, None]:
    """Read photos on a cluster; the outcomes come as they are done.

    Nodes and workers may come and go. A photo whose worker ends goes to another, and is given up
    after three times. Closing the generator ends the workers.

    Args:
        photos: taken as they are needed, two for each worker.
        settings: how to read them.
        options: which cluster, and how.
        progress: is kept up to date.
        check: called a few times a second; what it raises ends it all.

    Raises:
        SettingsError: the address is none, or Ray is not installed.
        WorkerError: the cluster cannot be reached any more, or no node of it can read.
        ModelError: no node has the networks.
    """
    jobs = Jobs(photos)
    if jobs.are_over:
        return
    cluster = Cluster(options.address)
    try:
        crew = _Crew(cluster, jobs, settings, options, progress or ClusterProgress())
        try:
            yield from crew.outcomes(check)
        finally:
            crew.stop()
    finally:
        cluster.close()


@dataclass(slots=True, eq=False)
class _Hand:
    """A worker: the photos that it has, of which it reads the first; and one that is opened here.

    They are at most two.
    """

    worker: RemoteWorker
    node: Node
    is_ready: bool = False
    jobs: deque[Job] = field(default_factory=deque)
    deadline_s: float = 0.0
    opening: Job | None = None


_Event = tuple[Callable[[_Hand, "Future[Any]"], Outcome | None], _Hand, "Future[Any]"]


class _Crew:
    """The workers of a batch; all is done in the thread that takes the outcomes."""

    def __init__(
        self,
        cluster: Cluster,
        jobs: Jobs,
        settings: AnalysisSettings,
        options: ClusterOptions,
        progress: ClusterProgress,
    ) -> None:
        self._cluster = cluster
        self._jobs = jobs
        self._settings = settings
        self._options = options
        self._progress = progress
        self._roster = Roster(options.runtime.threads or 1, options.workers)
        self._hands: set[_Hand] = set()
        self._events: queue.SimpleQueue[_Event] = queue.SimpleQueue()
        self._files = ThreadPoolExecutor(_FILES_AT_ONCE)
        self._heard_s = time.monotonic()

    def outcomes(self, check: Callable[[], object]) -> Iterator[Outcome]:
        looked_s = -_LOOK_EVERY_S
        while self._has_work():
            check()
            if time.monotonic() - looked_s >= _LOOK_EVERY_S:
                yield from self._look()
                looked_s = time.monotonic()
            try:
                happened, hand, future = self._events.get(timeout=_CHECK_EVERY_S)
            except queue.Empty:
                continue
            # What is still heard of a worker that is gone was settled when it went.
            outcome = happened(hand, future) if hand in self._hands else None
            if outcome is not None:
                yield outcome

    def stop(self) -> None:
        self._files.shutdown(cancel_futures=True)
        for hand in self._hands:
            hand.worker.stop()
            self._progress.of(hand.node.name).workers = 0

    def _has_work(self) -> bool:
        return not self._jobs.are_over or any(h.jobs or h.opening for h in self._hands)

    def _look(self) -> Iterator[Outcome]:
        """See who came, who is gone and who takes too long."""
        gone = self._roster.see(self._cluster.nodes())
        for hand in list(self._hands):
            name, limit_s, outcome = hand.node.name, self._options.photo_timeout_s, None
            if hand.node.number in gone:
                self._progress.say(Text("{name} is gone: its photos go to others.", name=name))
                outcome = self._ended(hand, NodeGoneError())
            elif hand.jobs and time.monotonic() > hand.deadline_s:
                how = Text(
                    "A worker on {name} did not answer within {limit:g} seconds and was stopped.",
                    name=name,
                    limit=limit_s,
                )
                outcome = self._lost(hand, how)
            if outcome is not None:
                yield outcome
        if not self._jobs.are_over:
            self._start()
        if any(hand.is_ready for hand in self._hands):
            self._heard_s = time.monotonic()
        elif time.monotonic() - self._heard_s > _PATIENCE_S:
            self._progress.say(
                Text("No worker is ready yet: they start, or wait for a free processor.")
            )

    def _start(self) -> None:
        workers = Counter(hand.node.number for hand in self._hands)
        for node in self._roster.vacancies(workers):
            hand = _Hand(self._cluster.worker(node, self._roster.cpus), node)
            self._hands.add(hand)
            runtime = replace(self._options.runtime, threads=self._roster.cpus)
            loading = hand.worker.load(runtime, self._options.max_pixels, self._settings)
            self._when(loading, hand, self._loaded)
        trouble = self._roster.trouble()
        if trouble and not self._hands:
            raise trouble

    def _when(
        self,
        future: Future[Any],
        hand: _Hand,
        happened: Callable[[_Hand, Future[Any]], Outcome | None],
    ) -> None:
        future.add_done_callback(lambda done: self._events.put((happened, hand, done)))

    def _loaded(self, hand: _Hand, future: Future[bytes]) -> None:
        node = hand.node
        try:
            answer(future, messages.Kept)
        except GoneError:
            self._leave(hand)
            error = WorkerError(
                "Workers on {name} end before they are ready: see its logs.", name=node.name
            )
            if self._roster.failed_to_start(node, error):
                self._refused(node, error)
        except FacecoreError as error:
            self._leave(hand)
            self._roster.refuse(node, error)
            self._refused(node, error)
        else:
            hand.is_ready = True
            self._roster.started(node)
            self._progress.of(node.name).came()
            self._give(hand)

    def _refused(self, node: Node, error: FacecoreError) -> None:
        self._progress.of(node.name).note = error.text
        self._progress.say(Text("{name} is left out: {error}", name=node.name, error=error))

    def _give(self, hand: _Hand) -> None:
        """Have a worker get photos until it has one to read and one more."""
        while hand.opening is None and len(hand.jobs) < _PHOTOS_AT_ONCE:
            if hand.jobs and hand.jobs[0].is_suspect:
                return
            job = self._jobs.take(beside=bool(hand.jobs))
            if job is None:
                return
            if job.photo.address:  # which the worker reads itself
                self._send(hand, job, job.photo.address)
            else:
                hand.opening = job
                self._when(self._files.submit(job.photo.read), hand, self._opened)

    def _opened(self, hand: _Hand, future: Future[bytes]) -> Outcome | None:
        job, hand.opening = cast(Job, hand.opening), None
        outcome = None
        try:
            data = future.result()
        except Exception as error:  # noqa: BLE001 - one photo must not stop the others
            outcome = Outcome(photo=job.photo, error=friendly_message(error))
        else:
            self._send(hand, job, data)
        self._give(hand)
        return outcome

    def _send(self, hand: _Hand, job: Job, photo: bytes | Address) -> None:
        if not hand.jobs:
            self._begins(hand)
        hand.jobs.append(job)
        self._when(hand.worker.read(photo), hand, partial(self._has_read, job))

    def _begins(self, hand: _Hand) -> None:
        hand.deadline_s = time.monotonic() + self._options.photo_timeout_s

    def _has_read(self, job: Job, hand: _Hand, future: Future[bytes]) -> Outcome | None:
        # Answers come in any order, however they were given.
        photo = job.photo
        try:
            outcome = Outcome(photo=photo, analysis=answer(future, messages.Answer).analysis())
        except (GoneError, ValueError) as error:
            return self._ended(hand, error)
        except FacecoreError as error:
            outcome = Outcome(photo=photo, error=error.text)
        self._progress.of(hand.node.name).read()
        hand.jobs.remove(job)
        self._begins(hand)
        self._give(hand)
        return outcome

    def _ended(self, hand: _Hand, error: Exception) -> Outcome | None:
        if isinstance(error, NodeGoneError):
            return self._lost(
                hand, Text("The node {name} went away.", name=hand.node.name), with_node=True
            )
        return self._lost(hand, Text("A worker on {name} ended.", name=hand.node.name))

    def _lost(self, hand: _Hand, how: str, *, with_node: bool = False) -> Outcome | None:
        """Part with a worker; its photos go to others, or the one that it read is given up."""
        self._leave(hand)
        self._progress.of(hand.node.name).lost += 1
        given_up = self._jobs.give_back(hand.jobs, hand.opening, with_node=with_node)
        for other in sorted(self._hands, key=lambda other: len(other.jobs)):
            if other.is_ready:
                self._give(other)
        if given_up is None:
            return None
        tried = given_up.attempts + given_up.moves
        return Outcome(
            photo=given_up.photo,
            error=Text(
                "{how} It was tried {tried} times: leave it out, or make it smaller.",
                how=how,
                tried=tried,
            ),
        )

    def _leave(self, hand: _Hand) -> None:
        self._hands.discard(hand)
        if hand.is_ready:
            self._progress.of(hand.node.name).workers -= 1
        hand.worker.stop()
