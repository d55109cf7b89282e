"""Profiles: the file is read as it is meant, and what is wrong with it has its line."""

from __future__ import annotations

import shlex
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path

import pytest

from facecore.cli.options import add_settings_options, configuration_from
from facecore.engines import ENGINE_VARIABLE
from facecore.errors import SettingsError
from facecore.profiles.configuration import (
    PRESET_VARIABLE,
    SETTINGS_VARIABLE,
    Configuration,
    configuration,
)
from facecore.profiles.profile import MAX_LINES, profile_from_bytes, read_profile
from facecore.profiles.toml_text import key_lines
from facecore.profiles.writing import flags_of, profile_text
from facecore.settings import RuntimeOptions
from facecore.settings.presets import PRESETS, preset_options
from facecore.settings.server import ServerSettings

LOBBY = """\
# the camera at the door
version = 1
name = "Lobby é"
preset = "crowd"
confidence = 0.55
max_side_px = 1600
engine = "opencv"

[runtime]
threads = 2
winograd = false

[server]
replicas = 2
max_megapixels = 24
overrides = [
  "confidence",  # and no more
]
"""
AS_READ = Configuration(
    name="Lobby é",
    preset="Crowd",
    settings=replace(PRESETS["Crowd"], confidence=0.55, max_side_px=1600),
    options=RuntimeOptions(engine="opencv", threads=2, engine_options=(("winograd", False),)),
    server=ServerSettings(replicas=2, concurrency=2, overrides=("confidence",)),
    max_megapixels=24,
)


def _read(text: str) -> Configuration:
    profile = profile_from_bytes(text.encode(), "a.toml")
    return configuration(profile=profile, environment={})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_profile_is_read(encoding: str) -> None:
    """Preset, settings, networks, queue and limits are what it says, as any editor saves it."""
    data = LOBBY.replace("\n", "\r\n").encode(encoding)
    assert configuration(profile=profile_from_bytes(data, "a"), environment={}) == AS_READ
    assert _read("") == Configuration()


@pytest.mark.parametrize(
    "given",
    [
        Configuration(),
        AS_READ,
        *(
            Configuration(preset=name, settings=settings, options=preset_options(name))
            for name, settings in PRESETS.items()
        ),
        Configuration(
            preset="Article",
            settings=replace(PRESETS["Article"], max_side_px=None, confidence=1 / 3, rescue=True),
        ),
        Configuration(options=RuntimeOptions(model_set="modern", engine="onnxruntime")),
    ],
)
def test_what_is_written_is_read_again(
    given: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    """File and options both say what the configuration was, to the last digit."""
    for variable in (ENGINE_VARIABLE, "FACECORE_HISTORY"):
        monkeypatch.delenv(variable, raising=False)
    text = profile_text(given)
    assert _read(text) == given
    assert max(map(len, text.split("\n"))) <= 100
    parser = ArgumentParser()
    add_settings_options(parser)
    words = shlex.split(shlex.join(flags_of(given)))
    same = replace(given, name="", server=ServerSettings(), max_megapixels=None)
    assert configuration_from(parser.parse_args(words)) == same


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("confidense = 0.5", "a.toml, line 1: There is no setting called confidense: did you mean"),
        ("\n#\nqqq = 1", "a.toml, line 3: There is no setting called qqq: use version, name, pre"),
        ("preset = 'Crowd'\nconfidence = 1.5", 'line 2: The setting "confidence" must be a number'),
        ("confidence = true", "line 1: .* must be a number from 0 to 1, not True"),
        ("careful = 1", "line 1: .* must be one of True, False, not 1"),
        ("name = 'x'\npreset = 'Best'", "line 2: There is no preset 'Best'"),
        ("version = 2", "line 1: This is a file of version 2, and facecore here knows version 1"),
        ('name = "a\\nb"', "line 1: A profile needs a name of 1 to 60 letters"),
        ("threads = 2", "line 1: threads belongs in the table .runtime."),
        ("[server]\nconfidence = 0.5", "line 2: confidence belongs above all tables"),
        (
            "[runtime]\n[server]\n\noverrides = ['replicas']",
            "line 4: A request cannot set repl",
        ),
        ("[server]\nqueue_limit = [\n1,\n2]\n", "line 2: .* must be a whole number from 0 to 1000"),
        ("server.queue_limit = -1", "line 1: .* must be a whole number"),
        ("server = 3", "line 1: There is no setting called server"),
        ("engine = 'torchh'", "line 1: There is no engine called torchh"),
        ("model_set = 'none'", "line 1: There is no model set called none"),
        ("engine = 'onnxruntime'\n[runtime]\nwinograd = true", "line 3: winograd is no option of"),
        (
            "preset = 'Article'\nmodel_set = 'modern'",
            "a.toml: The preset .Article. is for the",
        ),
        (
            "[server]\nreplicas = 2\nconcurrency = 1",
            "a.toml: 2 sets of networks for 1 run",
        ),
        ("confidence = 0,5", r"a.toml is no TOML: .*line 1"),
        ("x = " + "[" * 5000, "a.toml is no TOML"),
        ("\n" * (MAX_LINES + 1), "a.toml is too long for a file of settings"),
    ],
)
def test_what_is_wrong_is_one_sentence_with_its_line(text: str, sentence: str) -> None:
    """Whatever cannot be used is told with the file, the line and what to do."""
    with pytest.raises(SettingsError, match=sentence) as caught:
        _read(text)
    assert "\n" not in str(caught.value)
    assert str(caught.value)[-1] in ".?"


def test_the_line_is_that_on_which_the_key_begins() -> None:
    """Comments, lists over several lines, texts that look like keys, and dotted keys do no harm."""
    text = 'a = """\nb = 1\n[c]\n"""\n\n[server]  # b = 2\nb = [\n 1,\n]\nc.d = 1\n'
    expected = {("a",): 1, ("server",): 6, ("server", "b"): 7}
    found = key_lines(text)
    assert expected.items() <= found.items()
    assert found["server", "c", "d"] == 10
    assert ("b",) not in found


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    """The name is told, and that it is the name to look at."""
    with pytest.raises(SettingsError, match=r"not_there\.toml cannot be read .*: check the name"):
        read_profile(tmp_path / "not_there.toml")
    with pytest.raises(SettingsError, match="cannot be read"):
        configuration(environment={SETTINGS_VARIABLE: str(tmp_path)})


def test_each_outranks_the_next(tmp_path: Path) -> None:
    """A flag outranks the environment, that the file, that its preset; each says it was it."""
    path = tmp_path / "lobby.toml"
    path.write_text(LOBBY, encoding="utf-8")
    environment = {
        SETTINGS_VARIABLE: str(path),
        "FACECORE_MAX_SIDE": "none",
        "FACECORE_CONFIDENCE": "0.4",
        "FACECORE_CAREFUL": "on",
        "FACECORE_QUEUE": "5",
    }
    given = configuration({"confidence": 0.3}, environment=environment)
    assert given.settings == replace(
        PRESETS["Crowd"], confidence=0.3, max_side_px=None, careful=True
    )
    assert given.server == replace(AS_READ.server, queue_limit=5)
    assert {
        name: given.origins[name].replace(str(path), "FILE")
        for name in ("confidence", "max_side_px", "input_size_px", "careful", "threads")
    } == {
        "confidence": "flag",
        "max_side_px": "FACECORE_MAX_SIDE",
        "input_size_px": "preset Crowd",
        "careful": "FACECORE_CAREFUL",
        "threads": "FILE, line 10",
    }
    assert "rescue" not in given.origins
    other = configuration(environment=environment | {PRESET_VARIABLE: "careful"})
    assert (other.preset, other.settings.input_size_px, other.settings.max_side_px) == (
        "Careful",
        300,
        None,
    )


def test_another_engine_takes_its_own_options_only(tmp_path: Path) -> None:
    """Options of the file's engine say nothing once another is named; an option brings its own."""
    profile = profile_from_bytes(LOBBY.encode(), "a.toml")
    named = configuration({"engine": "onnxruntime"}, profile, {})
    assert named.options == RuntimeOptions(engine="onnxruntime", threads=2)
    assert "winograd" not in named.origins
    environment = {ENGINE_VARIABLE: "onnxruntime"}
    # Left open, so that whoever asks for the automatic engine has the same networks.
    assert configuration(None, profile, environment).options == RuntimeOptions(threads=2)
    assert configuration({"fusion": False}, None, environment).options == RuntimeOptions(
        engine="opencv", engine_options=(("fusion", False),)
    )
    automatic = configuration({"engine": None}, None, {ENGINE_VARIABLE: "opencv"})
    assert automatic.options.engine == "onnxruntime"
