"""``facecore settings show`` and ``--settings``: what holds, and who says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from facecore.settings import AnalysisSettings
from facecore.settings.setting import declared
from tests.cli.conftest import in_process


@pytest.fixture
def lobby(tmp_path: Path) -> Path:
    """A profile."""
    path = tmp_path / "lobby.toml"
    path.write_text('preset = "Crowd"\nconfidence = 0.55\n[server]\nqueue_limit = 5\n')
    return path


def test_each_value_has_its_origin(lobby: Path) -> None:
    """Every setting is printed with its value and who said it, for people and as JSON."""
    environment = {"FACECORE_SETTINGS": str(lobby), "FACECORE_THREADS": "1"}
    done = in_process("settings", "show", "--queue-limit", "7", "--json", env=environment)
    shown = json.loads(done.stdout)["settings"]
    assert declared(AnalysisSettings).keys() < shown.keys()
    assert shown["confidence"] == {"value": 0.55, "from": f"{lobby}, line 2"}
    assert shown["input_size_px"] == {"value": 900, "from": "preset Crowd"}
    assert shown["threads"] == {"value": 1, "from": "FACECORE_THREADS"}
    assert shown["queue_limit"] == {"value": 7, "from": "flag"}
    assert shown["rescue"] == {"value": True, "from": "default"}
    assert shown["engine"]["effective"]
    lines = in_process("settings", "show", "--settings", lobby).stdout.splitlines()
    (confidence,) = [line.split() for line in lines if line.startswith("confidence")]
    assert confidence == ["confidence", "0.55", f"{lobby},", "line", "2"]


@pytest.mark.parametrize("command", ["analyze", "evaluate", "compare", "serve", "dashboard"])
def test_a_wrong_file_ends_every_command_at_once(command: str, lobby: Path) -> None:
    """One sentence with the line, before anything is read or started."""
    lobby.write_text("preset = 'Crowd'\nconfidence = 55\n")
    done = in_process(
        command, *(() if command in ("serve", "dashboard") else (".",)), "--settings", lobby
    )
    assert done.returncode == 2
    assert done.stderr == (
        f'error: {lobby}, line 2: The setting "confidence" must be a number from 0 to 1, not 55.\n'
    )


def test_profiles_are_variants(lobby: Path) -> None:
    """Each that is named is one more of what is compared; one alone has the defaults beside it."""
    nine: list[str | Path] = ["--settings", lobby] * 9
    done = in_process("compare", lobby, *nine)
    assert (done.returncode, done.stderr) == (2, "error: Compare 2 to 8 variants, not 9.\n")
    done = in_process("compare", lobby)
    assert done.stderr.startswith("error: Nothing is to be compared: give --variants, --claim")
    # A folder without photos, which is what comes next.
    assert "no photo to measure with" in in_process("compare", lobby.parent, *nine[:2]).stderr
