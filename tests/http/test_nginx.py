"""The documented way behind nginx, with a real nginx: page, websocket, upload and API."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.conftest import REPOSITORY
from tests.load.page_session import PageSession
from tests.server import free_port, server_process

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(NGINX is None, reason="needs nginx, which is not installed"),
]


def _documented_location(upstream: str) -> str:
    text = (REPOSITORY / "docs" / "deployment.md").read_text(encoding="utf-8")
    (location,) = re.findall(r"```nginx\n(.*?)```", text, re.DOTALL)
    # The test's port is not the usual one.
    return str(location).replace("http://127.0.0.1:8501", upstream).replace("$host", "$http_host")


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the dashboard behind nginx, and the server's own behind a space."""
    folder = tmp_path_factory.mktemp("nginx")
    port = free_port()
    told = {"STREAMLIT_SERVER_BASE_URL_PATH": "lab", "FORWARDED_ALLOW_IPS": "127.0.0.1"}
    with server_process(folder / "server.log", environment=told) as upstream:
        # Root's worker would be nobody, who cannot enter a test's folder.
        user = "user root;" if os.getuid() == 0 else ""
        configuration = folder / "nginx.conf"
        configuration.write_text(
            f"{user} daemon off; pid {folder}/pid; error_log {folder}/error.log;\n"
            "events {}\n"
            f"http {{ access_log off; client_body_temp_path {folder}/body;\n"
            f"server {{ listen 127.0.0.1:{port};\n{_documented_location(upstream.address)} }} }}\n",
            encoding="utf-8",
        )
        assert NGINX is not None
        nginx = subprocess.Popen([NGINX, "-p", str(folder), "-c", str(configuration)])
        try:
            _wait_for(f"http://127.0.0.1:{port}/lab/_stcore/health", nginx, folder)
            yield f"http://127.0.0.1:{port}/lab"
        finally:
            nginx.terminate()
            nginx.wait()


def _wait_for(address: str, nginx: subprocess.Popen[bytes], folder: Path) -> None:
    while nginx.poll() is None:
        try:
            answer = requests.get(address, timeout=60)
            # The server behind it is up: whatever it says, it says now.
            assert answer.ok, (answer.status_code, answer.text)
        except requests.ConnectionError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError((folder / "error.log").read_text())


def test_the_api_answers_under_its_path(proxied: str, hopper_file: bytes) -> None:
    """A photo is read, and its drawn copy is where the answer says."""
    answer = requests.post(f"{proxied}/predict", files={"image": hopper_file}, timeout=120)
    assert (answer.status_code, len(answer.json()["results"])) == (200, 1)
    place = answer.json()["output_image"]
    assert place.startswith("/lab/images/")
    drawn = requests.get(proxied.removesuffix("/lab") + place, timeout=60)
    assert drawn.headers["content-type"] == "image/jpeg"


def test_the_page_and_its_uploads_work_under_their_path(proxied: str, hopper_file: bytes) -> None:
    """The websocket opens, a file arrives, and the page shows one face in it."""
    with PageSession(proxied) as session:
        assert session.upload("hopper.jpg", hopper_file) == 204
        view = session.show()
        assert not view.errors
        assert view.metrics["Faces"] == "1"
    assert "<title>" in requests.get(f"{proxied}/", timeout=60).text


def test_another_sites_page_is_refused_behind_the_proxy(proxied: str, hopper_file: bytes) -> None:
    """What the proxy passes on still says who asks."""
    answer = requests.post(
        f"{proxied}/predict",
        files={"image": hopper_file},
        headers={"Origin": "https://evil.example"},
        timeout=60,
    )
    assert answer.status_code == 403
