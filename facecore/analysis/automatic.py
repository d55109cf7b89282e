"""Which engine runs where nobody named one that can: checked against OpenCV once, then kept."""

from __future__ import annotations

import functools
import hashlib
import logging
import os
import signal
import subprocess
import sys
from dataclasses import replace

from facecore import engines
from facecore.engines.graph.conversion import converter
from facecore.errors import EngineError, ModelError
from facecore.machine.data_folder import made_once
from facecore.models.catalogue import network_specs
from facecore.models.files import locate
from facecore.settings import DEFAULT_MODEL_SET, RuntimeOptions
from facecore.wording import Text

_LOGGER = logging.getLogger(__name__)

_AGREES, _DIFFERS = "agrees", "differs"
_TIMEOUT_S = 120

NOT_TOLD, REFUSED = 3, 4
"""Exit statuses of the trial where OpenCV itself, or the engine, could not read the samples."""


class _UnfinishedError(Exception):
    """The trial did not end by itself, which says nothing about the engine."""


def settled(options: RuntimeOptions) -> RuntimeOptions:
    """Return these options with the name of an engine that can be used.

    It must be installed, recent enough, and have agreed with OpenCV about the samples.
    Else it is OpenCV, which a warning tells once.

    Raises:
        SettingsError: there is no engine or set of that name, or it has no such options.
    """
    chosen, reference = engines.engine_for(options), engines.reference()
    try:
        usable = chosen is reference or _can_be_used(chosen.name, options.model_set)
    except ModelError:
        usable = True  # nothing is known yet; who loads the networks says what is wrong with them
    if usable:
        return replace(options, engine=chosen.name)
    return replace(options, engine=reference.name, engine_options=())


@functools.cache
def _can_be_used(name: str, model_set: str) -> bool:
    reference = engines.reference()
    why = _problem(name)
    if why is None:
        why = disagreement(name, model_set)
    if why is not None:
        _LOGGER.warning("%s %s reads instead.", why, reference.title)
    return why is None


def _problem(name: str) -> str | None:
    chosen = engines.engine(name)
    try:
        chosen.facts(RuntimeOptions(engine=name))
    except EngineError as error:
        return error.text
    if chosen.available():
        return None
    return Text("{engine} cannot be used here.", engine=chosen.title)


def disagreement(name: str, model_set: str = DEFAULT_MODEL_SET) -> str | None:
    """Return why an engine does not read the samples as OpenCV does; None where it does.

    That is found out once for each version and processor, in a process of its own, which
    takes its memory along, and may crash.

    Raises:
        ModelError: a file is missing, or OpenCV cannot read either.
    """
    for spec in network_specs(model_set):
        for file in spec.files:
            locate(file)
    facts = {
        one: engines.engine(one).facts(RuntimeOptions(engine=one))
        for one in (name, engines.reference().name)
    }
    versions = [f"{one}-{facts[one].version}" for one in facts]
    # A container's image or a home that lies elsewhere goes from one processor to another.
    processor = " ".join(facts[name].cpu_features).encode()
    sources = [spec.fingerprint[:8] for spec in network_specs(model_set)]
    here = hashlib.sha256(processor).hexdigest()[:8]
    key = "-".join(["agreement", *versions, *sources, converter(), here]).replace("+", "_")
    chosen, reference = engines.engine(name).title, engines.reference().title
    try:
        kept = made_once(key, ".txt", lambda: _tried(name, model_set).encode())
    except _UnfinishedError as error:
        return Text(
            "Whether {engine} agrees with {reference} was not found out ({reason}).",
            engine=chosen,
            reference=reference,
            reason=error.args[0],
        )
    verdict = (kept if isinstance(kept, bytes) else kept.read_bytes()).decode()
    if verdict == _DIFFERS:
        return Text(
            "{engine} does not agree with {reference} here.", engine=chosen, reference=reference
        )
    return None if verdict == _AGREES else verdict


def _tried(name: str, model_set: str) -> str:
    """Return the verdict, or what the engine says against these networks."""
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "facecore.analysis.agreement", name, model_set],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise _UnfinishedError(Text("it took more than {seconds} s", seconds=_TIMEOUT_S)) from error
    except OSError as error:
        raise _UnfinishedError(error.strerror or str(error)) from error
    if done.returncode == -signal.SIGKILL:
        raise _UnfinishedError(Text("its process was killed: is there too little memory?"))
    if done.returncode == NOT_TOLD:
        raise ModelError("OpenCV cannot read the samples: run 'python -m facecore models'.")
    # Some engines print, too.
    said = done.stdout.strip().splitlines()[-1:] if done.returncode == REFUSED else []
    return _AGREES if done.returncode == 0 else (said or [_DIFFERS])[0]
