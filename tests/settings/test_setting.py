"""A declaration of a setting is all there is to know of it, and adding one adds it everywhere."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from facecore.errors import SettingsError
from facecore.settings import AnalysisSettings, ProcessOptions, RuntimeOptions
from facecore.settings.setting import (
    GROUPS,
    Setting,
    declared,
    differences,
    differences_in_words,
    from_values,
)
from tests.conftest import REPOSITORY

KNOWN = {**declared(AnalysisSettings), **declared(RuntimeOptions), **declared(ProcessOptions)}


def test_nothing_differs_from_itself() -> None:
    """Equal settings have no differences, and no words for them."""
    assert differences({}, {}) == {}
    assert differences({"careful": True}, {"careful": True}) == {}
    assert differences_in_words({}, {}, KNOWN) == ""


def test_what_differs_is_named_with_both_values() -> None:
    """Each setting that differs is there with both values; what one side lacks is None."""
    ours, theirs = {"careful": True, "max_side_px": None, "cores": 1}, {"max_side_px": 800}
    expected = {"careful": (True, None), "max_side_px": (None, 800), "cores": (1, None)}
    assert differences(ours, theirs) == expected
    assert differences_in_words(ours, theirs, KNOWN) == (
        "careful on (not none), longest side for detection none (not 800 px), cores 1 (not all)"
    )


@pytest.mark.parametrize("setting", KNOWN.values(), ids=list(KNOWN))
def test_each_declaration_is_whole(setting: Setting) -> None:
    """A setting has a label, sentences of help, a group on the page, and allows its default."""
    assert setting.label
    assert setting.help.endswith(".")
    assert setting.group in GROUPS
    setting.check(setting.default)
    for value in (*setting.choices, *setting.offered):
        setting.check(value)
    with pytest.raises(SettingsError, match=f'^The setting "{setting.label}" must be .*\\.$'):
        setting.check(object())


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("cpu_features_off", (), "none"),
        ("cpu_features_off", ["AVX2", "FP16"], "AVX2 FP16"),
        ("max_side_px", None, "none"),
        ("max_side_px", 800, "800 px"),
        ("threads", None, "auto"),
        ("threads", 1, "1"),
        ("cores", None, "all"),
        ("careful", True, "on"),
        ("careful", False, "off"),
        ("confidence", 0.7, "0.7"),
        ("min_interval_ms", 500.0, "500 ms"),
        ("min_interval_ms", 12.5, "12.5 ms"),
        ("min_interval_ms", 0.0, "none"),
        ("crop_shape", "square", "square"),
    ],
)
def test_values_in_words(name: str, value: Any, words: str) -> None:
    """On, off, the word for nothing, or the value itself without needless digits."""
    assert KNOWN[name].in_words(value) == words


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("max_side_px", "none", None),
        ("max_side_px", "NONE", None),
        ("max_side_px", "640", 640),
        ("confidence", "0.5", 0.5),
        ("threads", "auto", None),
        ("engine", "opencv", "opencv"),
        ("min_interval_ms", "none", 0.0),
    ],
)
def test_texts_are_read(name: str, text: str, value: object) -> None:
    """A number, a name, or the word for nothing."""
    assert KNOWN[name].parse(text) == value


@pytest.mark.parametrize(
    ("name", "text"), [("max_side_px", "all"), ("max_side_px", "1.5"), ("confidence", "high")]
)
def test_texts_that_say_no_value_are_refused(name: str, text: str) -> None:
    """The sentence says what is meant, and what was given."""
    with pytest.raises(SettingsError, match=rf"must be a .*number from .*, not '{text}'\.$"):
        KNOWN[name].parse(text)


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        (AnalysisSettings, {}, AnalysisSettings()),
        (AnalysisSettings, {"max_side_px": "none"}, AnalysisSettings(max_side_px=None)),
        (ProcessOptions, {"cores": "all"}, ProcessOptions()),
        (
            ProcessOptions,
            {"cpu_features_off": ["AVX2"]},
            ProcessOptions(cpu_features_off=("AVX2",)),
        ),
    ],
)
def test_plain_values_make_settings(kind: type, values: Any, expected: object) -> None:
    """What a file says is taken, lists and words for nothing too; the rest is the default."""
    assert from_values(kind, values) == expected


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([], "wrong kind"),
        ({"colour": 1}, "no setting called colour"),
        ({1: 1}, "no setting called 1"),
        ({"x\x1b[2J\n": 1}, "no setting called"),
        ({"confidence": "high"}, '"confidence" must be a number from 0 to 1'),
        ({"max_side_px": []}, '"longest side for detection" must be a whole number'),
    ],
)
def test_plain_values_that_make_none(values: Any, says: str) -> None:
    """One sentence, which cannot steer a terminal, says what is wrong."""
    with pytest.raises(SettingsError) as told:
        from_values(AnalysisSettings, values)
    assert says in str(told.value)
    assert str(told.value).isprintable()


ONE_MORE = """
    glow_ratio: float = setting(
        0.25, "glow", READING, limits=(0.0, 1.0), step=0.05, help="How much a face glows."
    )

    def __post_init__"""
# What a program finds where a setting was added to the one file that declares them.
LOOK = """
import argparse, json
from streamlit.testing.v1 import AppTest
from facecore.cli.options import add_settings_options, settings_from
from facecore.experiment.variants import Variant, differences_in_words, variant_from_settings

def form():
    from facecore.experiment.variants import variant_from_settings
    from facecore.ui.compare.form import variant_form
    variant_form(variant_from_settings({"name": "a", "glow_ratio": 0.35}), 0)

def sidebar():
    import streamlit as st
    from facecore.ui.sidebar import settings_sidebar
    st.json({"glow": settings_sidebar()[0].glow_ratio})

parser = argparse.ArgumentParser()
add_settings_options(parser)
app = AppTest.from_function(sidebar, default_timeout=60)
app.query_params["glow"] = "0.75"
app.run()
in_file = variant_from_settings({"name": "a", "glow_ratio": 0.5})
try:
    variant_from_settings({"name": "a", "glow_ratio": 2})
except Exception as error:
    refused = str(error)
print(json.dumps({
    "command": settings_from(parser.parse_args(["--glow", "0.1"])).glow_ratio,
    "help": "How much a face glows." in " ".join(parser.format_help().split()),
    "file": in_file.settings.glow_ratio,
    "words": differences_in_words(in_file, Variant(name="b")),
    "refused": refused,
    "sidebar": app.sidebar.slider(key="glow").label,
    "link": json.loads(app.json[0].value)["glow"],
    "form": AppTest.from_function(form, default_timeout=60).run().slider(key="glow_ratio_0").value,
}))
"""


@pytest.mark.slow
def test_a_setting_is_added_in_one_place(tmp_path: Path) -> None:
    """Declared in one file, it is in sidebar, link, form, command, files, words and errors."""
    shutil.copytree(REPOSITORY / "facecore", tmp_path / "facecore")
    home = tmp_path / "facecore" / "settings" / "analysis.py"
    code = home.read_text(encoding="utf-8")
    home.write_text(code.replace("\n    def __post_init__", ONE_MORE, 1), encoding="utf-8")
    script = tmp_path / "look.py"
    script.write_text(LOOK, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, capture_output=True, check=False, text=True
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "command": 0.1,
        "help": True,
        "file": 0.5,
        "words": "glow 0.5 (not 0.25)",
        "refused": "Variant 'a': The setting \"glow\" must be a number from 0 to 1, not 2.",
        "sidebar": "Glow",
        "link": 0.75,
        "form": 0.35,
    }
