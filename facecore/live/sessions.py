"""Who may send live frames, and how they are read: a session for each page that shows Live."""

from __future__ import annotations

import secrets
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Any
from weakref import WeakValueDictionary

from facecore.errors import SettingsError
from facecore.live.figures import RING_S, RunFigures
from facecore.live.run import LiveRun, LiveSetting
from facecore.live.wire import FRAME_BYTES, LiveError, said
from facecore.machine.memory_plan import memory_plan
from facecore.machine.sampler import SystemSample, SystemSampler
from facecore.serving.budget import Budget
from facecore.serving.history import RunHistory
from facecore.serving.service import MAX_OPTIONS, FaceService, process_service
from facecore.wording import language

MOST_LIVE = 16
"""Cameras that send at a time; with more nobody would have a frame a second."""

MOST_OF_ONE = 4
"""Of them that may be one visitor's."""

MOST_SESSIONS = 1024
"""Pages that may show Live at a time."""

LOST_S = 30.0
"""So long a camera goes on without its page's own connection, which may come back."""


class LiveSession:
    """One page's permission to send frames, for as long as somebody holds it."""

    def __init__(
        self,
        owner: str,
        setting: LiveSetting,
        history: RunHistory | None,
        service: FaceService,
        is_open: Callable[[], bool],
    ) -> None:
        """Make a session that has sent nothing; see `open_session`."""
        self.key = secrets.token_urlsafe(24)
        self.owner = owner
        self.history = history
        self.seconds: deque[dict[str, Any]] = deque(maxlen=RING_S)
        """The rolling monitor: what each of the last seconds came to, over all its runs."""
        self.run: LiveRun | None = None
        self.language = language()
        """In which the page that opened it is read."""
        self._service = service
        self._is_open = is_open
        self._gone_s: float | None = None
        self.sides: tuple[LiveSetting, ...] = (setting,)

    def use(self, setting: LiveSetting, other: LiveSetting | None = None) -> None:
        """Read the next frame so, and where another setting is given with that as well.

        Raises:
            SettingsError: the two want networks for which there is no room side by side.
        """
        sides = (setting,) if other is None else (setting, other)
        if other and MAX_OPTIONS < 2 and setting.options != other.options:
            wanted = {self._service.effective(one.options) for one in sides}
            if len(wanted) > 1:
                raise SettingsError(
                    "This server has memory for one set of networks: choose the same model set, "
                    "engine and options for both sides."
                )
        self.sides, self.language = sides, language()

    def check_page(self) -> None:
        """See that its page is open, or was a moment ago.

        Raises:
            LiveError: it is closed.
        """
        if self._is_open():
            self._gone_s = None
            return
        self._gone_s = self._gone_s or time.monotonic()
        if time.monotonic() - self._gone_s >= LOST_S:
            raise LiveError("The page that this camera belongs to is closed: load it again.")


class LiveSessions:
    """The live sessions of a server process; safe to share between threads."""

    def __init__(self, service: Callable[[], FaceService] = process_service) -> None:
        """Have no session yet; the service is asked for when it is needed."""
        self.is_served = False
        """Whether this process has the socket's route."""
        self._service = service
        self._sessions: WeakValueDictionary[str, LiveSession] = WeakValueDictionary()
        self._lock = threading.Lock()
        self._runs: set[LiveRun] = set()
        # Unread frames of all cameras: each has at most two. No visitor has more than half.
        room = max(2 * FRAME_BYTES, memory_plan().message_bytes)
        self._room = Budget(room, min(room / 2, 2 * FRAME_BYTES))
        self._sampler = SystemSampler()
        self._sample: SystemSample | None = None
        self._sampled_s = 0.0
        self._frames = Counter(read=0, skipped=0)

    def open(
        self,
        owner: str,
        setting: LiveSetting,
        history: RunHistory | None = None,
        is_open: Callable[[], bool] = lambda: True,
    ) -> LiveSession:
        """Return a new session, see `open_session`."""
        if len(self._sessions) >= MOST_SESSIONS:
            raise LiveError("Too many pages show Live now: close one, or try again later.")
        session = LiveSession(owner, setting, history, self._service(), is_open)
        self._sessions[session.key] = session
        return session

    def live(self) -> int:
        """Count the cameras that send now."""
        with self._lock:
            return len(self._runs)

    def frames(self) -> Counter[str]:
        """Count the frames so far that were "read" and "skipped"."""
        with self._lock:
            counted = Counter(self._frames)
            for run in self._runs:
                counted.update(run.figures.counts())
            return counted

    def begin(self, key: str) -> tuple[LiveSession, LiveRun]:
        """Begin a run of the session with this key, in place of the one that it has.

        Raises:
            LiveError: no page with this key is open, or too many cameras send already.
        """
        session = self._sessions.get(key)
        if session is None:
            raise LiveError("The server does not know this page any more: load it again.")
        session.check_page()
        service = self._service()
        run = LiveRun(session.owner, lambda: session.sides, service, self._room, RunFigures())
        with self._lock:
            others = self._runs - {session.run}
            if len(others) >= MOST_LIVE:
                raise LiveError("{most} cameras send already: try later.", most=MOST_LIVE)
            if sum(one.owner == session.owner for one in others) >= MOST_OF_ONE:
                raise LiveError(
                    "{most} cameras of yours send already: close the page of one.", most=MOST_OF_ONE
                )
            self._runs.add(run)
            session.run = run
        return session, run

    def end(self, session: LiveSession, run: LiveRun) -> None:
        """End a run; it goes into the history, as one row, where a frame of it was read."""
        run.end()
        with self._lock:
            self._runs.discard(run)
            if session.run is run:
                session.run = None
            self._frames.update(run.figures.counts(is_over=True))
        setting = session.sides[0]
        record = run.figures.record(setting.settings, setting.options)
        if record is not None:
            if session.history is not None:
                session.history.keep(record)
            self._service().store.add_run(record)

    def second(self, session: LiveSession, run: LiveRun) -> str:
        """Return the message of the rolling monitor for the second that is over."""
        with self._lock:
            now_s = time.monotonic()
            # One camera's second is all cameras' second: the process is the same.
            if self._sample is None or now_s - self._sampled_s > _SAMPLE_S:
                self._sample, self._sampled_s = self._sampler.sample(), now_s
            sample = self._sample
        session.seconds.append(run.figures.second(sample))
        return said("monitor", seconds=[session.seconds[-1]])


_SAMPLE_S = 0.9
_only = LiveSessions()


def live_sessions() -> LiveSessions:
    """Return the sessions of this process."""
    return _only


def is_served() -> bool:
    """Return whether this process takes live frames; under ``streamlit run`` it does not."""
    return _only.is_served


def open_session(
    owner: str,
    setting: LiveSetting,
    history: RunHistory | None = None,
    is_open: Callable[[], bool] = lambda: True,
) -> LiveSession:
    """Return a session, good for as long as somebody holds it.

    Its ``key`` opens the socket, over lost connections as well; a newer socket ends the older.

    Args:
        owner: the visitor's name at the queue, where visitors take turns.
        setting: how frames are read until `LiveSession.use` says otherwise.
        history: also gets the row of each run.
        is_open: whether its page is still there; a socket ends soon after that.

    Raises:
        LiveError: there are too many.
    """
    return _only.open(owner, setting, history, is_open)
