"""The container image, as far as it can be checked where no container engine runs."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY, SAMPLES
from tests.limits.dockerfile import copied, environment, instructions
from tests.load.clients import ANSWERED, Client, HttpClient, PageClient
from tests.load.uploads import Upload
from tests.server import free_port, wait_until_healthy

COMPOSE = REPOSITORY / "docker-compose.yml"
NOBODY = 65534


def test_everything_that_is_copied_exists_and_is_sent() -> None:
    """Each source is in the repository, and .dockerignore lets it through."""
    ignore = (REPOSITORY / ".dockerignore").read_text().splitlines()
    assert "*" in ignore
    sources = [source for stage in instructions() for source, _ in copied(stage)]
    assert "facecore" in sources
    for source in sources:
        assert (REPOSITORY / source).exists(), source
        assert f"!{source.split('/')[0]}" in ignore, source


def test_packages_come_before_the_code() -> None:
    """A change of the code does not install the packages again."""
    packages, _ = instructions()
    texts = [one.text for one in packages]
    installed = next(i for i, text in enumerate(texts) if "pip install" in text)
    assert {source for source, _ in copied(packages[:installed])} == {
        "constraints.txt",
        "requirements.txt",
        "requirements-serve.txt",
        "requirements-otel.txt",
    }
    assert not any("pip install" in text for text in texts[installed + 1 :])


def test_server_runs_without_rights_and_tools() -> None:
    """The last stage ends as a user who is not root, after pip has gone."""
    _, last = instructions()
    names = [one.name for one in last]
    (user,) = [one.text for one in last if one.name == "USER"]
    assert int(user) > 0
    assert names.index("USER") < names.index("CMD")
    uninstalled = [one.text for stage in instructions() for one in stage if "uninstall" in one.text]
    assert len(uninstalled) == 2
    assert all(re.search(r"uninstall --yes .*\bpip\b", text) for text in uninstalled)
    assert not any(one.name == "ADD" for one in last)


@pytest.mark.parametrize(
    "line",
    [
        "cpus: 1.0",
        "mem_limit: 1g",
        "memswap_limit: 1g",
        "read_only: true",
        "- /tmp:size=16m,mode=1777,noexec,nosuid,nodev",
        "cap_drop:\n      - ALL",
        "- no-new-privileges:true",
    ],
)
def test_compose_sets_the_limits(line: str) -> None:
    """The article's limits, and no rights beyond reading."""
    assert re.search(rf"^ +{re.escape(line)}$", COMPOSE.read_text(), re.MULTILINE)


def test_compose_reaches_the_port_of_the_image() -> None:
    """The published port leads to the one that the image serves."""
    _, last = instructions()
    port = environment(last)["PORT"]
    assert f':{port}"' in COMPOSE.read_text()
    assert [one.text for one in last if one.name == "EXPOSE"] == [port]


@pytest.fixture
def image_folder(tmp_path: Path) -> Iterator[Path]:
    """What the image has in /app, for reading only."""
    _, last = instructions()
    app = tmp_path / "app"
    for source, place in copied(last):
        target = app / place
        target.parent.mkdir(parents=True, exist_ok=True)
        if (REPOSITORY / source).is_dir():
            leave = shutil.ignore_patterns("__pycache__", "*.pyc")
            shutil.copytree(REPOSITORY / source, target, ignore=leave)
        else:
            shutil.copy(REPOSITORY / source, target)
    paths = [app, *app.rglob("*")]
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    # Another user must get here; the folders above are pytest's.
    above = [folder for folder in app.parents if folder.stat().st_uid == os.getuid()]
    modes = {folder: stat.S_IMODE(folder.stat().st_mode) for folder in above}
    for folder, mode in modes.items():
        folder.chmod(mode | 0o011)
    yield app
    for folder, mode in modes.items():
        folder.chmod(mode)
    for path in paths:
        path.chmod(0o755 if path.is_dir() else 0o644)


def _without_rights() -> list[str]:
    """Return what turns a command into one of a user without rights."""
    bounds = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    bounds += ["--no-new-privs"]
    python = Path(sys.executable).resolve()
    reachable = all(folder.stat().st_mode & stat.S_IXOTH for folder in python.parents)
    # Where this Python lies in somebody's own folder, the one right to look there is left.
    rights = "-all" if reachable else "-all,+dac_read_search"
    bounds += [f"--bounding-set={rights}", f"--inh-caps={rights}", f"--ambient-caps={rights}"]
    return [*bounds, "--"]


@pytest.mark.slow
@pytest.mark.skipif(
    os.getuid() != 0 or shutil.which("setpriv") is None,
    reason="only root can become a user without rights, with setpriv",
)
def test_commands_work_without_rights(image_folder: Path, tmp_path: Path) -> None:
    """The image's own commands serve a photo from a tree that is only read, without a home."""
    _, last = instructions()
    (serve,) = [one.command() for one in last if one.name == "CMD"]
    (healthy,) = [one.command() for one in last if one.name == "HEALTHCHECK"]
    port = str(free_port())
    given = {**environment(last), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    given |= {"PORT": port, "TMPDIR": str(image_folder / "models")}  # where nothing can be written
    bounds = _without_rights()
    log = tmp_path / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [*bounds, *serve], cwd=image_folder, env=given, stdout=output, stderr=output
        )
    try:
        address = f"http://127.0.0.1:{port}"
        wait_until_healthy(address, server, log)
        subprocess.run([*bounds, *healthy], env=given, capture_output=True, check=True)
        photo = Upload("portrait", "a.jpg", (SAMPLES / "grace_hopper.jpg").read_bytes())
        clients: list[Client] = [PageClient(address), HttpClient(address)]
        for client in clients:
            assert client.hand_in(photo).answer == ANSWERED, log.read_text()
            client.close()
    finally:
        server.terminate()
        status = server.wait(timeout=30)
    # The shell has made way: the signal reached the server, which ended in good order.
    assert status in (0, -15), log.read_text()
    assert "Traceback" not in log.read_text()
