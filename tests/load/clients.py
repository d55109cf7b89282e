"""Clients of the server's two clients, and what came of each upload."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import requests

from tests.load.page_session import LostAnswerError, PageSession
from tests.load.uploads import Upload

ANSWERED, REFUSED, BUSY, LOST, WRONG = "read", "refused", "busy", "lost", "wrong"
TIMEOUT_S = 180.0
_TOO_MANY_REQUESTS = 429
_REFUSED_BY_SIZE = (413, 507)
_BUSY_PAUSE_S = 1.0
_MOST_TRIES = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one upload at one client.

    Attributes:
        answer: "read", "refused" with a sentence, "busy" in spite of all tries,
            "lost" without any answer, or "wrong": an answer that no visitor should see.
        said: the sentence, or what was wrong.
        busy_answers: how often the client asked to come again before that.
        latency_ms: of the last try, from the first byte sent to the answer.
    """

    client: str
    kind: str
    name: str
    answer: str
    latency_ms: float
    said: str = ""
    busy_answers: int = 0
    ended_s: float = field(default_factory=time.monotonic)


class Client(Protocol):
    """One way to hand a file in; for one thread."""

    def hand_in(self, upload: Upload) -> Outcome:
        """Hand a file in and wait for what comes of it; never raises."""

    def close(self) -> None:
        """Leave."""


class HttpClient:
    """``POST /predict``, trying again when the server asks for it."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._http = requests.Session()
        # As of `PageSession`: a kept connection may be closed just when it is used again.
        self._http.headers["Connection"] = "close"

    def hand_in(self, upload: Upload) -> Outcome:
        """Hand a file in and wait for what comes of it; never raises."""
        busy = 0
        while True:
            started = time.perf_counter()
            try:
                answer = self._http.post(
                    f"{self._address}/predict",
                    files={"image": (upload.name, upload.data, "application/octet-stream")},
                    timeout=TIMEOUT_S,
                )
            except requests.RequestException as error:
                kind, said = LOST, str(error)
            else:
                if answer.status_code == _TOO_MANY_REQUESTS and busy < _MOST_TRIES:
                    busy += 1
                    time.sleep(min(float(answer.headers["Retry-After"]), 5.0))
                    continue
                kind, said = _judged(answer)
            return Outcome(
                client="http",
                kind=upload.kind,
                name=upload.name,
                answer=kind,
                said=said,
                busy_answers=busy,
                latency_ms=(time.perf_counter() - started) * 1e3,
            )

    def close(self) -> None:
        """Leave."""
        self._http.close()


class PageClient:
    """The Analyze page's uploader, in one session that stays open; the newest files stay there."""

    def __init__(self, address: str, *, kept_files: int = 1) -> None:
        self._address = address
        self._kept_files = kept_files
        self._session: PageSession | None = None

    def hand_in(self, upload: Upload) -> Outcome:
        """Hand a file in and wait for what comes of it; never raises."""
        busy = 0
        while True:
            started = time.perf_counter()
            try:
                kind, said = self._shown(upload)
            except LostAnswerError as error:
                kind, said = LOST, str(error)
                self.close()
            if kind == BUSY and busy < _MOST_TRIES:
                busy += 1
                time.sleep(_BUSY_PAUSE_S)
                continue
            return Outcome(
                client="page",
                kind=upload.kind,
                name=upload.name,
                answer=kind,
                said=said,
                busy_answers=busy,
                latency_ms=(time.perf_counter() - started) * 1e3,
            )

    def close(self) -> None:
        """Close the tab."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def _shown(self, upload: Upload) -> tuple[str, str]:
        if self._session is None:
            self._session = PageSession(self._address, timeout_s=TIMEOUT_S)
        session = self._session
        session.remove_uploads(keep=self._kept_files - 1)
        status = session.upload(upload.name, upload.data)
        if status >= 400:
            return (
                (REFUSED, f"HTTP {status}") if status in (413, 503) else (WRONG, f"HTTP {status}")
            )
        view = session.show()
        if view.exceptions or not view.succeeded:
            return WRONG, "; ".join(view.exceptions) or "the page's script did not end well"
        for sentence in view.errors:
            if "busy" in sentence:
                return BUSY, sentence
            return (REFUSED, sentence) if is_a_sentence(sentence) else (WRONG, sentence)
        if "Latency" not in view.metrics and self._kept_files == 1:
            return WRONG, "the page shows neither an answer nor an error"
        return ANSWERED, ""


def _judged(answer: requests.Response) -> tuple[str, str]:
    status = answer.status_code
    if status == _TOO_MANY_REQUESTS:
        return BUSY, answer.text
    try:
        body = answer.json()
    except ValueError:
        return WRONG, f"HTTP {status}, no JSON: {answer.text[:200]}"
    if status == requests.codes.ok:
        return (ANSWERED, "") if "results" in body else (WRONG, f"no results: {answer.text[:200]}")
    said = str(body.get("error", ""))
    is_fine = 400 <= status < 500 and is_a_sentence(said)
    return (REFUSED, said) if is_fine else (WRONG, f"HTTP {status}: {answer.text[:200]}")


def is_a_sentence(said: str) -> bool:
    """Return whether a message is fit for a visitor: one line, and nothing of the program."""
    return bool(said) and "\n" not in said and "Traceback" not in said and 'File "' not in said


def drive(
    clients: list[Callable[[], Client]],
    uploads: Iterator[Upload],
    *,
    heard: Callable[[Outcome], None],
) -> None:
    """Hand all uploads in, each client taking the next as soon as it is free.

    Args:
        clients: each is opened and used in a thread of its own.
        uploads: taken one at a time.
        heard: told each outcome, one at a time.
    """
    taking, telling = threading.Lock(), threading.Lock()

    def work(make: Callable[[], Client]) -> None:
        client = make()
        try:
            while True:
                with taking:
                    upload = next(uploads, None)
                if upload is None:
                    return
                outcome = client.hand_in(upload)
                with telling:
                    heard(outcome)
        finally:
            client.close()

    threads = [threading.Thread(target=work, args=(make,)) for make in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def counted(outcomes: list[Outcome]) -> dict[str, Counter[str]]:
    """Count the answers by client and kind of file."""
    table: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        table.setdefault(f"{outcome.client}: {outcome.kind}", Counter())[outcome.answer] += 1
    return table
