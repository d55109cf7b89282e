"""What is to be found, and how far a search for it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from facecore.errors import SettingsError
from facecore.evaluation.labels import PersonLabel
from facecore.machine.container import usable_cores
from facecore.optimise.record import Constraints, Objective
from facecore.profiles.configuration import Configuration
from facecore.settings import DEFAULT_MAX_PIXELS

MIN_BUDGET_S, MAX_BUDGET_S = 5.0, 24 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is to be found.

    Attributes:
        baseline: what all is compared with.
        objective, constraints: as of a `Result`.
        vary: settings that may vary, by name; empty for the usual ones.
        seed: of what is proposed, and of the order of the readings.
        budget_s: how long it takes, 5 seconds to a day.
        labels: what is true of the photos, by their names.
        command: how it is run again, for the result.

    Raises:
        SettingsError: a value is outside its range, or labels are needed.
    """

    baseline: Configuration
    objective: Objective = "latency"
    constraints: Constraints = field(default_factory=Constraints)
    vary: tuple[str, ...] = ()
    seed: int = 1
    budget_s: float = 300.0
    labels: Mapping[str, PersonLabel] = field(default_factory=dict)
    command: str = ""
    max_pixels: int = DEFAULT_MAX_PIXELS

    def __post_init__(self) -> None:
        if not MIN_BUDGET_S <= self.budget_s <= MAX_BUDGET_S:
            raise SettingsError(
                "The time must be {least:g} to {most:g} seconds, not {value:g}.",
                least=MIN_BUDGET_S,
                most=MAX_BUDGET_S,
                value=self.budget_s,
            )
        asks = self.objective == "accuracy" or self.constraints.min_accuracy_percent is not None
        if asks and not self.labels:
            raise SettingsError("Accuracy needs labels: give what is true of the photos.")
        _check_constraints(self.constraints)

    @property
    def cores(self) -> int:
        """Processors that all is measured on."""
        here = usable_cores()
        return min(self.constraints.cores or here, here)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a search is.

    Attributes:
        phase: what it is doing, in words.
        spent_s, budget_s: of this run.
        tried: candidates that were begun.
        best: the best so far in words; "" before there is one.
    """

    phase: str
    spent_s: float
    budget_s: float
    tried: int = 0
    best: str = ""


def _check_constraints(limits: Constraints) -> None:
    for name in ("max_latency_ms", "max_memory_mb", "cores"):
        value = getattr(limits, name)
        if value is not None and value <= 0:
            raise SettingsError(
                "The constraint {name} must be above 0, not {value:g}.", name=name, value=value
            )
    for name in ("min_agreement_percent", "min_accuracy_percent"):
        value = getattr(limits, name)
        if value is not None and not 1 < value <= 100:
            raise SettingsError(
                "The constraint {name} is in percent, above 1 and at most 100, such as "
                "99, not {value:g}.",
                name=name,
                value=value,
            )
