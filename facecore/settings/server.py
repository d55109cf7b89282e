"""What whoever starts a server may tell it through the environment, with the only defaults."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from facecore.errors import SettingsError
from facecore.settings.analysis import AnalysisSettings
from facecore.settings.runtime import DEFAULT_MODEL_SET
from facecore.settings.setting import Setting, check_all, declared, setting

MODEL_SET_VARIABLE = "FACECORE_MODEL_SET"


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
    model_set: str = setting(
        DEFAULT_MODEL_SET,
        "model set",
        pattern=r"[^\W\d]\w*",
        variable=MODEL_SET_VARIABLE,
        help="Which networks the HTTP API reads with, and the pages begin with.",
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

    def __post_init__(self) -> None:
        check_all(self)
        if self.concurrency < self.replicas:
            raise SettingsError(
                f"{self.replicas} sets of networks for {self.concurrency} runs at once: set "
                "FACECORE_CONCURRENCY to FACECORE_REPLICAS or more, or leave it out."
            )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> ServerSettings:
        """Return what the environment says; what it leaves out is the default.

        As many runs go on at once as there are sets, where it does not say how many.

        Raises:
            SettingsError: a variable is no number, or outside its range.
        """
        given = _given(declared(ServerSettings), environment)
        return cls(**({"concurrency": given.get("replicas", 1)} | given))


def served_settings(environment: Mapping[str, str] = os.environ) -> AnalysisSettings:
    """Return how the HTTP API reads photos: the defaults, but for what the environment says.

    Raises:
        SettingsError: a variable is none of its choices.
    """
    return AnalysisSettings(**_given(declared(AnalysisSettings), environment))


def _given(settings: Mapping[str, Setting], environment: Mapping[str, str]) -> dict[str, Any]:
    values = {name: one.read(environment) for name, one in settings.items() if one.variable}
    return {name: value for name, value in values.items() if value is not None}
