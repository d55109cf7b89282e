"""A cluster as a batch knows it: how to use it, which nodes lack workers, who did what."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import ClassVar

from facecore.errors import FacecoreError
from facecore.executors.process import WorkerOptions
from facecore.executors.ray_cluster import Node
from facecore.sources.photo import Photo
from facecore.wording import Text, counted

CLUSTER_VARIABLE = "FACECORE_CLUSTER"
"""Of the environment: the cluster that a server offers for batches; none where it is empty."""

ATTEMPTS = 3
"""To read a photo whose worker ends."""

MOVES = 5
"""So often may a photo's node be gone: one that takes its whole node along ends as well."""

_START_ATTEMPTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterOptions(WorkerOptions):
    """Which cluster, and how its workers work.

    A worker has one processor where ``runtime`` says no threads; without a number there are as
    many workers as there are processors. ``address`` is "auto", or ray://HOST:PORT.
    """

    most_workers: ClassVar[int] = 10_000
    workers: int | None = None
    address: str


@dataclass(slots=True, kw_only=True)
class NodeProgress:
    """What a node does and has done for a batch.

    Attributes:
        name: of the node, or its address.
        workers: that can read now.
        photos: it has read, those that cannot be read among them.
        lost: workers that ended, or were stopped as they took too long.
        note: why it is left out; "" where it is not.
    """

    name: str
    workers: int = 0
    photos: int = 0
    lost: int = 0
    note: str = ""
    _since_s: float = 0.0
    _last_s: float = 0.0

    @property
    def photos_per_s(self) -> float:
        """Photos a second, from when its first worker was ready to its last photo."""
        taken_s = self._last_s - self._since_s
        return self.photos / taken_s if self.photos and taken_s > 0 else 0.0

    def came(self) -> None:
        """Count a worker that is ready."""
        self.workers += 1
        self._since_s = self._since_s or time.monotonic()

    def read(self) -> None:
        """Count a photo."""
        self.photos += 1
        self._last_s = time.monotonic()


class ClusterProgress:
    """How a cluster gets on with a batch; one thread reads, any may look."""

    def __init__(self, tell: Callable[[str], object] = lambda _: None) -> None:
        """Begin; each sentence for whoever waits is told to a function as it comes."""
        self.said = ""
        self._tell = tell
        self._nodes: dict[str, NodeProgress] = {}

    @property
    def nodes(self) -> list[NodeProgress]:
        """The nodes that were there so far, in the order of their names."""
        return [self._nodes[name] for name in sorted(self._nodes)]

    def of(self, name: str) -> NodeProgress:
        """Return what is known of a node; one that comes again is the same."""
        return self._nodes.setdefault(name, NodeProgress(name=name))

    def say(self, sentence: str) -> None:
        """Tell a sentence, unless it was the last one."""
        if sentence != self.said:
            self.said = sentence
            self._tell(sentence)

    def in_words(self) -> str:
        """Return what each node does: "node-1: 2 workers, 41.0 photos/s"."""
        return "; ".join(
            Text(
                "{name}: {workers}, {speed:.1f} photos/s",
                name=node.name,
                workers=counted(node.workers, "worker"),
                speed=node.photos_per_s,
            )
            for node in self.nodes
            if node.workers or node.photos
        )


@dataclass(slots=True, eq=False)
class Job:
    """A photo to be read, how many workers ended or were late over it, and how many nodes went.

    One that was with a worker that ended is a suspect, and is read without another beside it: of
    two it could not be told whose doing it was, as the last answer is lost with its worker.
    """

    photo: Photo
    attempts: int = 0
    moves: int = 0
    is_suspect: bool = False


class Jobs:
    """The photos that wait for a worker; no more is taken of them than is asked for, but one."""

    def __init__(self, photos: Iterable[Photo]) -> None:
        """Look whether there is a photo at all."""
        self._photos = iter(photos)
        self._first: deque[Job] = deque()
        self._is_all_taken = False
        job = self.take()
        if job is not None:
            self._first.append(job)

    @property
    def are_over(self) -> bool:
        """Whether none waits any more."""
        return self._is_all_taken and not self._first

    def take(self, *, beside: bool = False) -> Job | None:
        """Return the next one; None where there is none now, or none to be read beside another."""
        if self._first:
            return None if beside and self._first[0].is_suspect else self._first.popleft()
        photo = next(self._photos, None)
        self._is_all_taken = photo is None
        return None if photo is None else Job(photo)

    def give_back(
        self, sent: Iterable[Job], opening: Job | None = None, *, with_node: bool = False
    ) -> Job | None:
        """Take the photos of a worker that is gone again; return the one that is given up.

        Args:
            sent: to the worker, and not answered; the first may be what ended it.
            opening: a photo that never was the worker's.
            with_node: it went with its node, which is hardly a photo's doing.
        """
        waiting = list(sent)
        for job in waiting:
            job.is_suspect = True
        suspect = waiting.pop(0) if waiting else None
        self._first.extendleft(job for job in (opening, *waiting) if job)
        if suspect is None:
            return None
        suspect.moves += with_node
        suspect.attempts += not with_node
        if suspect.attempts >= ATTEMPTS or suspect.moves >= MOVES:
            return suspect
        self._first.append(suspect)
        return None


@dataclass(slots=True)
class Roster:
    """Which nodes may have workers, and how many each.

    Attributes:
        cpus: processors of a worker.
        most: workers there are at most; None for no limit.
    """

    cpus: int
    most: int | None
    _here: dict[str, Node] = field(default_factory=dict)
    _failed: Counter[str] = field(default_factory=Counter)
    _aside: dict[str, FacecoreError] = field(default_factory=dict)

    def see(self, nodes: Iterable[Node]) -> set[str]:
        """Take note of the nodes that are there now; return the numbers of those that are gone."""
        here = {node.number: node for node in nodes if node.cpus >= self.cpus}
        gone = self._here.keys() - here.keys()
        self._here = here
        return gone

    def vacancies(self, workers: Counter[str]) -> list[Node]:
        """Return a node for each worker to be started, evenly over them.

        Args:
            workers: how many there are of each node, by its number.
        """
        able = [node for number, node in self._here.items() if number not in self._aside]
        places = sorted(
            (place, node.name, node)
            for node in able
            for place in range(workers[node.number], int(node.cpus // self.cpus))
        )
        left = None if self.most is None else max(0, self.most - workers.total())
        return [node for _, _, node in places[:left]]

    def refuse(self, node: Node, error: FacecoreError) -> None:
        """Leave a node out that cannot read."""
        self._aside[node.number] = error

    def failed_to_start(self, node: Node, error: FacecoreError) -> bool:
        """Count a worker that ended before it was ready; return whether the node is left out."""
        self._failed[node.number] += 1
        if self._failed[node.number] >= _START_ATTEMPTS:
            self.refuse(node, error)
        return node.number in self._aside

    def started(self, node: Node) -> None:
        """Forget the workers of a node that did not start."""
        del self._failed[node.number]

    def trouble(self) -> FacecoreError | None:
        """Return why no node at all can read; None where one can, or there is none yet."""
        if not self._here or self._here.keys() - self._aside.keys():
            return None
        return next(self._aside[number] for number in self._here)
