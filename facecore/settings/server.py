"""What whoever starts a server may tell it beside how it reads, with the only defaults."""

from __future__ import annotations

from dataclasses import dataclass

from facecore.errors import SettingsError
from facecore.settings.analysis import AnalysisSettings
from facecore.settings.setting import check_all, declared, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """How a server shares its networks, how many runs go on at once and how many wait.

    Raises:
        SettingsError: a value is outside its range, or they do not go together.
    """

    replicas: int = setting(
        1,
        "sets of networks",
        limits=(1, 16),
        variable="FACECORE_REPLICAS",
        help="For the same options. With more than one, a set runs on its share of the "
        "processors, and as many photos are read at once.",
    )
    concurrency: int = setting(
        1,
        "runs at once",
        limits=(1, 64),
        variable="FACECORE_CONCURRENCY",
        help="As many as there are sets of networks, where nothing else is said.",
    )
    queue_limit: int = setting(
        32,
        "runs that wait",
        limits=(0, 1000),
        variable="FACECORE_QUEUE",
        help="Over all sessions.",
    )
    session_limit: int = setting(
        8,
        "runs of one session that wait",
        limits=(1, 1000),
        variable="FACECORE_QUEUE_PER_SESSION",
        help="So that nobody fills the queue alone.",
    )
    max_wait_s: float = setting(
        30.0,
        "longest wait",
        limits=(0.1, 600.0),
        unit="s",
        variable="FACECORE_MAX_WAIT_S",
        help="A run that waited so long is refused.",
    )
    min_interval_ms: float = setting(
        0.0,
        "throttle",
        limits=(0.0, 60_000.0),
        unit="ms",
        variable="FACECORE_MIN_INTERVAL_MS",
        help="Least time from the start of one run to the start of the next.",
    )
    overrides: tuple[str, ...] = setting(
        (),
        "what a request may set",
        pattern=r"[a-z_]+",
        none="none",
        empty=(),
        help="Settings, by their names, that a request to the HTTP API may bring its own values "
        "of, such as confidence.",
    )
    log: str = setting(
        "text",
        "log",
        choices=("text", "json"),
        help="As lines of text, or of JSON, where each run has one as well.",
    )
    history: str = setting(
        "",
        "history",
        pattern=".*",
        help="The folder for what the server's runs cost and for finished work of its visitors: "
        "numbers and settings, never a photo. 'off' stores nothing; by default it is in the data "
        "folder.",
    )
    history_mb: int = setting(
        50,
        "size of the history",
        limits=(2, 10_000),
        unit="MB",
        help="The files of the history together; the oldest runs make room.",
    )
    history_names: bool = setting(
        False,
        "photos' names in the history",
        help="Whether photos' names and the hashes of their files are stored as well. "
        "Monitor shows every visitor the names of all.",
    )

    def __post_init__(self) -> None:
        check_all(self)
        if self.concurrency < self.replicas:
            raise SettingsError(
                "{replicas} sets of networks for {concurrency} runs at once: set "
                "concurrency (FACECORE_CONCURRENCY) to replicas or more, or leave it out.",
                replicas=self.replicas,
                concurrency=self.concurrency,
            )
        unknown = ", ".join(sorted(set(self.overrides) - set(declared(AnalysisSettings))))
        if unknown:
            raise SettingsError(
                "A request cannot set {unknown}: name settings of the analysis, such as "
                "confidence.",
                unknown=unknown,
            )
