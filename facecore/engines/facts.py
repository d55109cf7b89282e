"""What an engine says of itself and of a network's time, whichever engine it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LayerTime:
    """One layer: name, type, and its share of one forward pass in milliseconds."""

    name: str
    kind: str
    time_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkProfile:
    """What one forward pass of a batch of one costs.

    Layers that fusion merged into an earlier one are left out. ``weights_bytes``
    and ``activations_bytes`` are the engine's own estimates. ``backend`` and
    ``target`` are the ones its layers really run on ("OpenCV" is its own code).
    """

    gflops: float
    weights_bytes: int
    activations_bytes: int
    forward_ms: float
    layers: tuple[LayerTime, ...]
    backend: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineFacts:
    """What of an engine and this process bears on speed.

    ``name`` is the engine's key; "" in files of the time when there was one.
    ``cpu_features`` are the vector instruction sets that the build has code for
    and this processor has; ``usable_targets`` where its own backend can run.
    """

    version: str
    threads: int
    cpus_seen: int
    optimised: bool
    parallel_framework: str
    cpu_features: tuple[str, ...]
    usable_targets: tuple[str, ...]
    name: str = ""
