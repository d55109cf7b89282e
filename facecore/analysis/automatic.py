"""Which engine runs where nobody named one that can: checked against OpenCV once, then kept."""

from __future__ import annotations

import functools
import logging
import os
import subprocess
import sys
from dataclasses import replace

from facecore import engines
from facecore.engines.graph.conversion import converter
from facecore.errors import EngineError
from facecore.machine.data_folder import made_once
from facecore.models.catalogue import network_specs
from facecore.settings import RuntimeOptions

_LOGGER = logging.getLogger(__name__)

_AGREES, _DIFFERS = b"agrees", b"differs"
_TIMEOUT_S = 120


def settled(options: RuntimeOptions) -> RuntimeOptions:
    """Return these options with an engine that can be used, which a warning tells if it is another.

    It must be installed, recent enough, and have agreed with OpenCV about the samples.
    Else it is OpenCV.

    Raises:
        SettingsError: there is no engine of that name, or it has no such options.
    """
    chosen, reference = engines.engine_for(options), engines.reference()
    if chosen is reference:
        return options
    why = _problem(chosen.name)
    if why is None and not agrees(chosen.name):
        why = f"{chosen.title} does not agree with {reference.title} here."
    if why is None:
        return replace(options, engine=chosen.name)
    _LOGGER.warning("%s %s reads instead.", why, reference.title)
    return RuntimeOptions(engine=reference.name, threads=options.threads)


def _problem(name: str) -> str | None:
    chosen = engines.engine(name)
    try:
        chosen.facts(RuntimeOptions(engine=name))
    except EngineError as error:
        return str(error)
    return None if chosen.available() else f"{chosen.title} cannot be used here."


@functools.cache
def agrees(name: str) -> bool:
    """Return whether an engine reads the samples as OpenCV does; found out once a version.

    It is tried in a process of its own, which takes its memory along, and may crash.
    """
    versions = [
        f"{one}-{engines.engine(one).facts(RuntimeOptions(engine=one)).version}"
        for one in (name, engines.reference().name)
    ]
    sources = [spec.fingerprint[:8] for spec in network_specs()]
    key = "-".join(["agreement", *versions, *sources, converter()]).replace("+", "_")
    verdict = made_once(key, ".txt", lambda: _tried(name))
    return (verdict if isinstance(verdict, bytes) else verdict.read_bytes()) == _AGREES


def _tried(name: str) -> bytes:
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "facecore.analysis.agreement", name],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return _DIFFERS
    return _AGREES if done.returncode == 0 else _DIFFERS
