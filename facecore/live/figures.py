"""What a live run does from second to second, and what it came to."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from facecore.live.wire import Answer, Frame
from facecore.machine.container import read_limits, usable_cpus
from facecore.machine.sampler import SystemSample
from facecore.results import ResourceUsage, StageTimings
from facecore.serving.history import LiveFigures, RunRecord
from facecore.settings import AnalysisSettings, RuntimeOptions
from facecore.statistics.intervals import percentile

RING_S = 300
"""So many seconds the rolling monitor goes back."""

_LATENCY_S = 10.0
_LEAST_LATENCIES = 20  # which the 95th percentile needs
_SHARE_S = 5.0
_MOST_LATENCIES = 20_000
# A page that was hidden for a while may have let some pass; a stranger may say anything.
_LARGEST_STEP = 1000
_UNDER_WAY = 2  # one is read and one waits


class RunFigures:
    """The figures of one run, from connecting to the end; for one thread."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        """Begin; nothing is offered and nothing read."""
        self.offered = self.read = self._skipped = 0
        self._now_s = now_s
        self._began_s = self._told_s = now_s()
        self._began_at = datetime.now(UTC)
        self._cpu_s = time.process_time()
        self._first_rss_bytes = self._rss_bytes = self._peak_rss_bytes = 0
        self._number = 0
        self._told = (0, 0)
        self._ms: Counter[str] = Counter()
        self._second_ms: Counter[str] = Counter()
        self._second_faces = 0
        self._second_tracks: set[int] = set()
        self._most_faces = 0
        self._latencies: deque[tuple[float, int]] = deque(maxlen=_MOST_LATENCIES)
        self._read_s: deque[float] = deque(maxlen=1000)
        self._last: Answer | None = None

    def counts(self, *, is_over: bool = False) -> Counter[str]:
        """Count the frames that were "read" and "skipped"; neither count ever falls.

        Args:
            is_over: count those under way, which may be read before that, as skipped.
        """
        skipped = max(0, self.offered - self.read) if is_over else self._skipped
        return Counter(read=self.read, skipped=skipped)

    def note_frame(self, frame: Frame) -> None:
        """Count what was offered since the frame before: its number counts those never sent."""
        step = frame.number - self._number
        self.offered += min(step, _LARGEST_STEP) if step > 0 else 1
        self._skipped = max(self._skipped, self.offered - self.read - _UNDER_WAY)
        self._number = frame.number
        if frame.latency_ms is not None:
            self._latencies.append((self._now_s(), frame.latency_ms))

    def note_answer(self, answer: Answer) -> None:
        """Count a frame that was read."""
        self.read += 1
        self._ms.update(answer.side.ms)
        self._second_ms.update(answer.side.ms)
        self._second_faces += len(answer.side.faces)
        self._second_tracks.update(track for track, _ in answer.side.faces)
        self._most_faces = max(self._most_faces, len(answer.side.faces))
        self._read_s.append(self._now_s())
        self._last = answer

    def share_fps(self) -> float:
        """Return how many frames a second were read in the last five."""
        now_s = self._now_s()
        count = sum(now_s - one < _SHARE_S for one in self._read_s)
        return round(count / min(max(now_s - self._began_s, 1.0), _SHARE_S), 1)

    def second(self, sample: SystemSample) -> dict[str, Any]:
        """Return what happened since this was asked before, with what the process takes now."""
        now_s = self._now_s()
        passed_s = max(now_s - self._told_s, 1e-3)
        offered, read = self.offered - self._told[0], self.read - self._told[1]
        newest = list(self._latencies)
        recent = [ms for at_s, ms in newest if now_s - at_s < _LATENCY_S]
        if len(recent) < _LEAST_LATENCIES:
            recent = [ms for _, ms in newest[-_LEAST_LATENCIES:]]
        told = {
            "at": round(time.time(), 1),
            "offered": round(offered / passed_s, 1),
            "read": round(read / passed_s, 1),
            "skipped": round(max(0, offered - read) / passed_s, 1),
            "p50_ms": percentile(recent, 50),
            "p95_ms": percentile(recent, 95),
            "ms": {name: round(ms / read, 1) for name, ms in self._second_ms.items()},
            "cpu_percent": _rounded(sample.process_cpu_percent),
            "memory_mb": round(sample.process_rss_bytes / 1e6),
            "faces": round(self._second_faces / read, 1) if read else None,
            "tracks": len(self._second_tracks) if read else None,
        }
        self._rss_bytes = sample.process_rss_bytes
        self._first_rss_bytes = self._first_rss_bytes or self._rss_bytes
        self._peak_rss_bytes = max(self._peak_rss_bytes, self._rss_bytes)
        self._told_s, self._told = now_s, (self.offered, self.read)
        self._second_ms.clear()
        self._second_faces = 0
        self._second_tracks.clear()
        return told

    def record(self, settings: AnalysisSettings, runtime: RuntimeOptions) -> RunRecord | None:
        """Return the run as one of the history's; None where no frame was read.

        Args:
            settings, runtime: those of its end.
        """
        if self._last is None:
            return None
        mean = {name: ms / self.read for name, ms in self._ms.items()}
        latencies = [ms for _, ms in self._latencies]
        used = self._used()
        return RunRecord(
            number=0,
            source="live",
            name="",
            size_wh=self._last.size_wh,
            faces=self._most_faces,
            settings=settings,
            runtime=runtime,
            engine=self._last.engine,
            timings=StageTimings(
                **{
                    f"{stage}_ms": mean[stage]
                    for stage in ("decode", "detect", "classify", "total")
                }
            ),
            reused=(),
            used=used,
            cpu_percent_of_allowed=used.cpu_percent / usable_cpus(read_limits()),
            waited_ms=mean["queue"],
            live=LiveFigures(
                frames_offered=self.offered,
                frames_read=self.read,
                latency_p50_ms=percentile(latencies, 50),
                latency_p95_ms=percentile(latencies, 95),
            ),
        )

    def _used(self) -> ResourceUsage:
        return ResourceUsage(
            started_at=self._began_at,
            wall_time_s=max(self._now_s() - self._began_s, 1e-3),
            cpu_time_s=time.process_time() - self._cpu_s,
            rss_before_bytes=self._first_rss_bytes,
            rss_after_bytes=self._rss_bytes,
            peak_rss_bytes=self._peak_rss_bytes,
        )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
