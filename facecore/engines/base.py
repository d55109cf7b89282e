"""What every inference engine offers: its knobs, its facts, and sessions that run a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from facecore.engines.facts import EngineFacts, NetworkProfile
from facecore.errors import SettingsError
from facecore.settings import RuntimeOptions
from facecore.settings.setting import Setting

Blob = NDArray[np.float32]
"""A batch of images as a network takes it: shape (N, 3, height, width), float32."""

FileKind = Literal["architecture", "weights", "onnx"]


Knob = Setting
"""An option that only one engine has is declared as any setting is."""


class NetworkFiles(Protocol):
    """What an engine is told of a network."""

    @property
    def role(self) -> str:
        """What it is for, to be named in errors."""

    @property
    def fingerprint(self) -> str:
        """Letters and digits that are others as soon as one of its files is another."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of an ONNX file's outputs, as a pass returns them; empty for Caffe's files."""

    def path(self, kind: FileKind) -> Path:
        """Return the path of one of its files, whose hash was checked just now.

        Raises:
            ModelError: it is missing, wrong or cannot be read.
        """


class Session(Protocol):
    """A network that an engine has loaded.

    ``thread_safe`` tells whether several threads may run it at the same time; who
    uses it sees to it that only one does where they may not.
    """

    thread_safe: bool

    def run(self, blob: Blob) -> tuple[NDArray[np.float32], ...]:
        """Return the network's outputs, float32, copies that later passes leave alone.

        Raises:
            EngineError: the engine refuses the blob.
        """

    def layer_times(self, blob: Blob) -> NetworkProfile:
        """Run a few passes and return where the time of the median one went."""


class Engine(Protocol):
    """An inference engine; nothing of it is imported before it is asked for something.

    ``name`` is its key in settings and files, ``title`` what a page calls it.
    """

    name: str
    title: str

    @property
    def knobs(self) -> tuple[Knob, ...]:
        """The options that only this engine has, in the order in which they are shown."""

    def available(self) -> bool:
        """Return whether it is installed; imports nothing."""

    def facts(self, options: RuntimeOptions) -> EngineFacts:
        """Return what bears on speed, as it is while a network with these options runs.

        Raises:
            SettingsError: it has no such options.
        """

    def build(self, network: NetworkFiles, options: RuntimeOptions) -> Session:
        """Check and load a network's files; several threads may build at the same time.

        Raises:
            ModelError: a file is missing or wrong, or the engine cannot load it.
            SettingsError: it has no such options.
        """


def knob_values(knobs: Sequence[Knob], options: RuntimeOptions) -> dict[str, Any]:
    """Return the value of each of these knobs of an engine under these options, by name.

    Raises:
        SettingsError: the engine has no such knob, or the knob no such value.
    """
    return checked_knobs(knobs, dict(options.engine_options))


def checked_knobs(knobs: Sequence[Knob], given: Mapping[str, object]) -> dict[str, Any]:
    """Return the value of each knob by name: the given one, else the default.

    Raises:
        SettingsError: the engine has no such knob, or the knob no such value.
    """
    by_name = {knob.name: knob for knob in knobs}
    unknown = ", ".join(sorted(set(given) - set(by_name)))
    if unknown:
        raise SettingsError(
            "There is no setting called {name}: check the spelling.",
            name=ascii(unknown)[1:-1][:80],
        )
    for name, value in given.items():
        by_name[name].check(value)
    return {name: given.get(name, knob.default) for name, knob in by_name.items()}
