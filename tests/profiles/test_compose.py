"""The Compose file: what it says, and that the profile is found in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from facecore.machine.memory_plan import memory_for, plan_for
from facecore.profiles.configuration import configuration
from facecore.profiles.profile import read_profile
from tests.cli.conftest import in_process
from tests.conftest import REPOSITORY

yaml: Any = pytest.importorskip("yaml", reason="PyYAML is not installed (schemathesis brings it)")
GIB = 1 << 30
# Only this machine's own names, ports and places may differ from the repository's file.
OURS = {"build", "image", "environment", "volumes", "cpus", "mem_limit", "memswap_limit"}


def _written(folder: Path, profile: str, name: str = "lobby.toml") -> dict[str, Any]:
    (folder / name).write_text(profile)
    out = folder / "compose.yml"
    done = in_process("deploy", "compose", "--settings", folder / name, "--out", out)
    assert (done.returncode, done.stdout) == (0, "")
    service: dict[str, Any] = yaml.safe_load(out.read_text())["services"]["facecore"]
    return service


def test_it_is_as_tight_as_the_repository_s(tmp_path: Path) -> None:
    """An empty profile has the article's container: 1 CPU, 1 GiB, no rights."""
    known = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())["services"]["facecore"]
    service = _written(tmp_path, "")
    assert {k: v for k, v in service.items() if k not in OURS} == {
        k: v for k, v in known.items() if k not in OURS
    }
    assert (service["cpus"], service["mem_limit"], service["memswap_limit"]) == (
        1.0,
        "1024m",
        "1024m",
    )
    assert int(service["environment"]["FACECORE_MAX_MEGAPIXELS"]) == (
        plan_for(GIB).max_pixels // 1_000_000
    )


def test_limits_are_those_that_the_profile_needs(tmp_path: Path) -> None:
    """Processors for the threads of all sets, memory for all sets and photos at once."""
    profile = "[runtime]\nthreads = 2\n[server]\nreplicas = 2\nmax_megapixels = 48\n"
    service = _written(tmp_path, profile)
    assert service["cpus"] == 4.0
    expected = memory_for(48_000_000, sets=2, at_once=2)
    assert service["mem_limit"] == service["memswap_limit"] == f"{expected // 2**20}m"
    assert expected > GIB


def test_the_container_has_the_profile_s_settings(tmp_path: Path) -> None:
    """Its environment names the mounted file, whatever that is called, and means the same."""
    service = _written(tmp_path, 'preset = "Crowd"\nconfidence = 0.55\n', "a $HOME 'b'.toml")
    (mount,) = service["volumes"]
    assert mount["target"] == service["environment"]["FACECORE_SETTINGS"]
    source = tmp_path / mount["source"].replace("$$", "$")
    environment = {
        **{name: str(value) for name, value in service["environment"].items()},
        "FACECORE_SETTINGS": str(source),
    }
    inside = configuration(environment=environment)
    profile = configuration(profile=read_profile(source), environment={})
    assert (inside.settings, inside.options, inside.server) == (
        profile.settings,
        profile.options,
        profile.server,
    )
    assert inside.settings.confidence == 0.55


def test_a_file_that_is_there_is_kept(tmp_path: Path) -> None:
    """Nothing is overwritten, and without --out it is printed; a foreign engine is warned of."""
    (tmp_path / "a.toml").write_text('engine = "mnn"\n')
    (tmp_path / "compose.yml").write_text("mine")
    command = ("deploy", "compose", "--settings", tmp_path / "a.toml")
    done = in_process(*command, "--out", tmp_path / "compose.yml")
    assert done.returncode == 2
    assert "compose.yml cannot be written (File exists): name another file." in done.stderr
    assert (tmp_path / "compose.yml").read_text() == "mine"
    printed = in_process(*command)
    assert yaml.safe_load(printed.stdout)["services"]
    assert printed.stderr.startswith("warning: The image has no engine mnn")
