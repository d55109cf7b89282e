"""Where the networks' files are looked for, and that only the known ones count."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import sys
from pathlib import Path

import pytest

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.errors import ModelError, ModelHashError, ModelMissingError
from facecore.models import catalogue as registry
from facecore.models import files
from facecore.models.files import ModelFile
from facecore.settings import MODELS_DIR_VARIABLE

# Read before any test moves the folder in which models.toml lies.
GENDER = registry.network_spec("gender")
CONTENT = b"layer { name: 'tiny' }"
CARRIER = "carrier_that_breaks_when_imported"
FILE = ModelFile(
    kind="weights",
    name="tiny.caffemodel",
    size_bytes=len(CONTENT),
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    carrier=CARRIER,
    carrier_path="data/tiny.caffemodel",
)


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Empty stand-ins of the three places; gives the file's path in each by kind of place."""
    user, models, site = tmp_path / "mine", tmp_path / "models", tmp_path / "site"
    carried = site / CARRIER / "data"
    for folder in (user, models, carried):
        folder.mkdir(parents=True)
    (site / CARRIER / "__init__.py").write_text("raise RuntimeError('a carrier was imported')\n")
    monkeypatch.setenv(MODELS_DIR_VARIABLE, str(user))
    monkeypatch.setattr(files, "REPOSITORY_MODELS_DIR", models)
    monkeypatch.syspath_prepend(site)
    return {
        "your folder": user / FILE.name,
        "models/": models / FILE.name,
        CARRIER: carried / FILE.name,
    }


@pytest.mark.parametrize(
    ("filled", "winner"),
    [
        pytest.param(["your folder", "models/", CARRIER], "your folder", id="all"),
        pytest.param(["models/", CARRIER], "models/", id="not in the user's"),
        pytest.param(["your folder", CARRIER], "your folder", id="not in the repository's"),
        pytest.param([CARRIER], CARRIER, id="only the carrier's"),
    ],
)
def test_the_first_place_that_has_the_file_counts(
    places: dict[str, Path], filled: list[str], winner: str
) -> None:
    """The user's folder goes before models/, and that before the carrier, which is not imported."""
    for place in filled:
        places[place].write_bytes(CONTENT)
    assert files.locate(FILE) == (places[winner], winner)
    assert files.verified_path(FILE) == places[winner]
    assert CARRIER not in sys.modules


@pytest.mark.parametrize("value", [None, ""])
def test_without_the_variable_the_users_folder_is_left_out(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    """An unset or empty variable names no folder and is no error."""
    monkeypatch.delenv(MODELS_DIR_VARIABLE)
    if value is not None:
        monkeypatch.setenv(MODELS_DIR_VARIABLE, value)
    for path in places.values():
        path.write_bytes(CONTENT)
    assert files.locate(FILE) == (places["models/"], "models/")


def test_a_folder_of_the_files_name_is_passed_over(places: dict[str, Path]) -> None:
    """Only a file is a file, also where a folder has its name."""
    places["your folder"].mkdir()
    places["models/"].write_bytes(CONTENT)
    assert files.locate(FILE)[1] == "models/"


@pytest.mark.parametrize("carrier", [CARRIER, "no_such_package_anywhere"])
def test_a_missing_file_says_what_to_do(places: dict[str, Path], carrier: str) -> None:
    """Nowhere found, with or without its carrier, is an error that names file and remedy."""
    file = dataclasses.replace(FILE, carrier=carrier)
    for look_up in (files.locate, files.verified_path):
        with pytest.raises(ModelMissingError, match=r"tiny\.caffemodel.*pip install"):
            look_up(file)
    status = registry.file_status(GENDER, file)
    assert (status.path, status.found_in, status.size_bytes) == (None, "", None)
    assert not status.hash_ok
    assert "pip install" in status.advice


@pytest.mark.parametrize("content", [b"", CONTENT[:-1], CONTENT + b" "])
def test_a_file_with_another_hash_is_refused(places: dict[str, Path], content: bytes) -> None:
    """A wrong file in the first place is not passed over in silence for a good one further on."""
    places["your folder"].write_bytes(content)
    places[CARRIER].write_bytes(CONTENT)
    with pytest.raises(ModelHashError, match="SHA-256"):
        files.verified_path(FILE)
    status = registry.file_status(GENDER, FILE)
    assert (status.path, status.found_in) == (places["your folder"], "your folder")
    assert (status.hash_ok, status.size_bytes) == (False, len(content))
    assert str(places["your folder"]) in status.advice


def test_a_wrong_file_of_a_carrier_that_is_not_required_is_fetched_anew(
    places: dict[str, Path],
) -> None:
    """Where requirements.txt does not name the carrier, pip's requirements are no remedy."""
    places[CARRIER].write_bytes(CONTENT[:-1])
    file = dataclasses.replace(FILE, wheel="tiny==1")
    assert files.INSTALL in registry.file_status(GENDER, file).advice


def test_a_good_file_needs_no_advice(places: dict[str, Path]) -> None:
    """The status of a known file has its size and place and asks for nothing."""
    places["models/"].write_bytes(CONTENT)
    status = registry.file_status(GENDER, FILE)
    assert (status.found_in, status.size_bytes) == ("models/", len(CONTENT))
    assert (status.hash_ok, status.advice) == (True, "")


@pytest.mark.parametrize("kind", ["nothing", "file"])
def test_the_variable_must_name_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """A path that is no folder is an error, not a silent step to the next place."""
    path = tmp_path / "weights"
    if kind == "file":
        path.write_bytes(b"")
    monkeypatch.setenv(MODELS_DIR_VARIABLE, str(path))
    for file in registry.network_spec("detector").files:
        with pytest.raises(ModelError, match=r"not a folder.*correct it or unset it"):
            files.locate(file)


def test_a_name_too_long_for_a_folder_is_a_model_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the file system refuses to look up comes as an error of ours as well."""
    monkeypatch.setenv(MODELS_DIR_VARIABLE, "x" * 5000)
    with pytest.raises(ModelError, match=MODELS_DIR_VARIABLE):
        files.locate(FILE)


def test_a_folder_that_is_closed_to_us_is_a_model_error(places: dict[str, Path]) -> None:
    """A folder that may not be searched comes as an error of ours, not the system's."""
    folder = places["your folder"].parent
    folder.chmod(0)
    try:
        if os.access(folder, os.X_OK):
            pytest.skip("no folder is closed to this user")
        with pytest.raises(ModelError):
            files.locate(FILE)
    finally:
        folder.chmod(0o700)


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that cannot be read")
def test_a_file_that_cannot_be_read_is_a_model_error(places: dict[str, Path]) -> None:
    """Trouble with the disk comes as an error of ours that names the path."""
    # The start of a process's own memory is never mapped: reading it fails even for root.
    places["models/"].symlink_to("/proc/self/mem")
    with pytest.raises(ModelError, match="cannot be read"):
        files.verified_path(FILE)


def test_the_three_networks_are_described() -> None:
    """Roles, input sizes and means are those that the networks were trained with."""
    levi_hassner = (78.4263377603, 87.7689143744, 114.895847746)
    described = [(spec.role, spec.input_wh, spec.mean_bgr) for spec in registry.network_specs()]
    assert described == [
        ("detector", (300, 300), (104.0, 177.0, 123.0)),
        ("gender", (227, 227), levi_hassner),
        ("age", (227, 227), levi_hassner),
    ]
    for spec in registry.network_specs():
        assert registry.network_spec(spec.role) is spec
        assert [file.kind for file in spec.files] == ["architecture", "weights"]
        assert spec.file("weights") is spec.files[1]


def test_all_six_files_are_here_and_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed project finds every file, whole and with the right hash."""
    monkeypatch.delenv(MODELS_DIR_VARIABLE, raising=False)
    statuses = registry.all_file_statuses()
    assert len(statuses) == 6
    for status in statuses:
        assert (status.hash_ok, status.advice) == (True, "")
        assert status.size_bytes == status.file.size_bytes


def test_loading_imports_no_carrier(analyzer: FaceAnalyzer) -> None:
    """With the real networks loaded, the packages that carried their files are still not."""
    carriers = {file.carrier for spec in registry.network_specs() for file in spec.files}
    assert len(analyzer.networks) == 3
    assert len(carriers) == 2
    assert not carriers & set(sys.modules)
