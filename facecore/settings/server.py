"""What whoever starts a server may tell it through the environment, with the only defaults."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any

from facecore.errors import SettingsError


def _setting(default: Any, variable: str, low: float, high: float) -> Any:
    """Describe a number; it must be whole where ``low`` is."""
    return field(default=default, metadata={"variable": variable, "range": (low, high)})


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSettings:
    """How many runs may go on at once and how many may wait.

    Attributes:
        concurrency: runs at once, 1 to 64 (``FACECORE_CONCURRENCY``).
        queue_limit: runs that wait, over all sessions, 0 to 1000 (``FACECORE_QUEUE``).
        session_limit: runs of one session that wait, 1 to 1000
            (``FACECORE_QUEUE_PER_SESSION``).
        max_wait_s: a run that waited so long is refused, 0.1 to 600 seconds
            (``FACECORE_MAX_WAIT_S``).
        min_interval_ms: least time from the start of one run to the start of the
            next, 0 to 60000, 0 for none (``FACECORE_MIN_INTERVAL_MS``).

    Raises:
        SettingsError: a value is outside its range.
    """

    concurrency: int = _setting(1, "FACECORE_CONCURRENCY", 1, 64)
    queue_limit: int = _setting(32, "FACECORE_QUEUE", 0, 1000)
    session_limit: int = _setting(8, "FACECORE_QUEUE_PER_SESSION", 1, 1000)
    max_wait_s: float = _setting(30.0, "FACECORE_MAX_WAIT_S", 0.1, 600.0)
    min_interval_ms: float = _setting(0.0, "FACECORE_MIN_INTERVAL_MS", 0.0, 60_000.0)

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """How a server shares its networks.

    Attributes:
        replicas: sets of the three networks for the same options, 1 to 16
            (``FACECORE_REPLICAS``). With more than one, a set runs on its share of
            the processors, and as many photos are read at once.
        queue: how many runs go on and wait; never fewer at once than there are sets.

    Raises:
        SettingsError: a value is outside its range, or they do not go together.
    """

    replicas: int = _setting(1, "FACECORE_REPLICAS", 1, 16)
    queue: QueueSettings = field(default_factory=QueueSettings)

    def __post_init__(self) -> None:
        _check(self)
        if self.queue.concurrency < self.replicas:
            raise SettingsError(
                f"{self.replicas} sets of networks for {self.queue.concurrency} runs at once: set "
                "FACECORE_CONCURRENCY to FACECORE_REPLICAS or more, or leave it out."
            )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> ServerSettings:
        """Return what the environment says; what it leaves out is the default.

        As many runs go on at once as there are sets, where it does not say how many.

        Raises:
            SettingsError: a variable is no number, or outside its range.
        """
        given = _given(cls, environment)
        concurrency = {"concurrency": given["replicas"]} if "replicas" in given else {}
        return cls(
            **given, queue=QueueSettings(**(concurrency | _given(QueueSettings, environment)))
        )


def _given(
    settings: type[QueueSettings | ServerSettings], environment: Mapping[str, str]
) -> dict[str, Any]:
    values = {}
    for each in fields(settings):
        text = environment.get(each.metadata.get("variable", ""))
        if text:
            values[each.name] = _number(each.metadata["variable"], text)
            _check_value(each, values[each.name])
    return values


def _number(variable: str, text: str) -> float:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    raise SettingsError(f"{variable} must be a number, not {text!r}.")


def _check(settings: QueueSettings | ServerSettings) -> None:
    for each in fields(settings):
        if each.metadata:
            _check_value(each, getattr(settings, each.name))


def _check_value(setting: Field[Any], value: object) -> None:
    low, high = setting.metadata["range"]
    kinds = (int,) if isinstance(low, int) else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
        number = "a whole number" if isinstance(low, int) else "a number"
        raise SettingsError(
            f"{setting.metadata['variable']} must be {number} from {low:g} to {high:g}, "
            f"not {value!r}."
        )
