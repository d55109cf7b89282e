"""What README's "Layout" says of where to add something, tried in a copy of the project."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY, SAMPLES

# Each is a process that loads the networks.
pytestmark = pytest.mark.slow

PHOTO = SAMPLES / "grace_hopper.jpg"


_DUMMY_ENGINE = """
from facecore.engines.opencv import ENGINE as OPENCV


class Dummy:
    name, title, knobs, facts, build = "dummy", "Dummy", (), OPENCV.facts, OPENCV.build

    def available(self):
        return True


ENGINE = Dummy()
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The product's code in a folder of its own, to be added to."""
    for name in ("facecore", "pages", "streamlit_app.py"):
        source = REPOSITORY / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, tmp_path / name, ignore=ignored)
        else:
            shutil.copy(source, tmp_path)
    return tmp_path


def _add(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def _run(copy: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-P", *words],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_engine_is_one_file(copy: Path) -> None:
    """A file with an ENGINE in engines/ reads photos by its name, and is in the table."""
    _add(copy / "facecore/engines/dummy.py", _DUMMY_ENGINE)
    program = f"""
import facecore
options = facecore.RuntimeOptions(engine="dummy")
photo = open({str(PHOTO)!r}, "rb").read()
print(len(facecore.FaceAnalyzer.load(options).analyze(photo).faces))
"""
    assert _run(copy, "-c", program) == "1\n"
    words = ("--json", "--engine", "dummy", "--rounds", "1", "--faces", "4")
    table = json.loads(_run(copy, "-m", "facecore", "engines", *words))["engines"]
    (row,) = [row for row in table if row["name"] == "dummy"]
    assert (row["title"], row["installed"], row["agreement"]) == ("Dummy", True, 1.0)
    assert row["max_difference"] == row["box_difference_px"] == 0
    for name in ("import_ms", "load_ms", "first_ms", "face_ms", "face_ms_of_8", "detector_ms_all"):
        assert row[name] > 0
    assert all(row["installed"] or row["install"] for row in table)


def test_an_export_format_is_one_file(copy: Path) -> None:
    """A file with a FORMAT in formats/ is a form in which ``analyze --out`` writes."""
    _add(
        copy / "facecore/batch/formats/dummy.py",
        """
class Dummy:
    suffix, title, symbol, mime = ".txt", "Text", "article", "text/plain"

    def write(self, rows, file, settings):
        file.writelines(f"{row.path}: {len(row.faces)}".encode() for row in rows)


FORMAT = Dummy()
""",
    )
    _run(copy, "-m", "facecore", "analyze", str(PHOTO), "--out", "out.txt")
    assert (copy / "out.txt").read_text() == f"{PHOTO}: 1"


def test_a_page_is_its_file_and_its_body(copy: Path) -> None:
    """A file in pages/ and a body in a folder of ui/ are a page in the navigation."""
    _add(
        copy / "facecore/ui/dummy/page.py",
        """
import streamlit as st


def dummy_page():
    st.title("A dummy")
""",
    )
    _add(
        copy / "pages/dummy.py",
        """
from facecore.ui.dummy.page import dummy_page
from facecore.ui.streamlit_internals import run_through_entry

run_through_entry()
dummy_page()
""",
    )
    program = """
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash
app = AppTest.from_file("streamlit_app.py", default_timeout=120)
app._page_hash = calc_hash("dummy")
app.run()
print(app.title.values, [error.value for error in app.error], len(app.exception))
"""
    assert _run(copy, "-c", program).splitlines()[-1] == "['A dummy'] [] 0"


def test_an_attribute_network_is_told_where_its_files_are_and_how_it_is_read(copy: Path) -> None:
    """A network in the catalogue and in the model set's readers gives faces one more attribute."""
    catalogue = copy / "facecore/models/article.toml"
    networks = catalogue.read_text().split("[[network]]\n")
    (gender,) = (table for table in networks if 'role = "gender"' in table)
    _add(catalogue, "\n[[network]]\n" + gender.replace('role = "gender"', 'role = "dummy"'))
    sets = copy / "facecore/models/sets.py"
    text = sets.read_text()
    old = '"gender": ("gender", GenderPrediction),'
    assert text.count(old) == 1
    sets.write_text(text.replace(old, f'{old} "dummy": ("dummy", GenderPrediction),'))
    program = f"""
import facecore
photo = open({str(PHOTO)!r}, "rb").read()
plain = facecore.AnalysisSettings(calibrated=False)
face, = facecore.FaceAnalyzer.load().analyze(photo, plain).faces
print(sorted(face.attributes), face.attributes["dummy"] == face.gender)
"""
    assert _run(copy, "-c", program) == "['age_group', 'dummy', 'gender'] True\n"
