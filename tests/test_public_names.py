"""What ``import facecore`` gives, and what it costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import facecore
from tests.conftest import REPOSITORY

NAMES = {
    *("FaceAnalyzer", "AnalysisSettings", "RuntimeOptions", "PRESETS", "preset", "preset_options"),
    *("Analysis", "Face", "Box", "Detection"),
    *("FacecoreError", "ImageError", "ModelError", "SettingsError"),
    "__version__",
}


def test_these_are_the_public_names() -> None:
    """No name comes or goes unnoticed, and each is there, its home's own."""
    assert set(facecore.__all__) == NAMES
    assert set(dir(facecore)) >= NAMES
    for name in NAMES - {"PRESETS", "__version__"}:
        assert getattr(facecore, name).__name__ == name
    assert facecore.PRESETS["Recommended"] == facecore.AnalysisSettings()


def test_another_name_is_told_as_usual() -> None:
    """What is not there raises what Python raises."""
    with pytest.raises(AttributeError, match="no attribute 'FaceAnalyser'"):
        _ = facecore.FaceAnalyser  # type: ignore[attr-defined]


def test_the_import_loads_nothing_heavy() -> None:
    """The import loads no other module of ours, and asking for settings loads no OpenCV."""
    program = """
import sys
before = set(sys.modules)
import facecore
print(sorted(name for name in set(sys.modules) - before if name.startswith("facecore")))
facecore.AnalysisSettings(), facecore.FacecoreError
heavy = {"streamlit", "pandas", "pyarrow", "plotly", "cv2", "numpy", "PIL"}
print(sorted(heavy & set(sys.modules)))
facecore.FaceAnalyzer
print(sorted((heavy - {"cv2", "numpy", "PIL"}) & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["['facecore']", "[]", "[]"]
