"""The real server on one port: the article's client, many clients, hostile files, the dashboard."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.imaging.decoding import decode_image, encode_jpeg
from tests.server import Server

pytestmark = pytest.mark.slow

TIMEOUT_S = 60
CLIENTS = 32
PHOTOS = 12
PATIENCE_S = 180


@pytest.fixture(scope="module")
def server(held_server: Server) -> Iterator[str]:
    """The address of the server, whose log tells of nothing unexpected afterwards."""
    begins_at = held_server.log.stat().st_size
    yield held_server.address
    assert b"Traceback" not in held_server.log.read_bytes()[begins_at:]


def _different_photos(portrait: bytes) -> list[bytes]:
    """Return photos that each have their face at another place."""
    face = decode_image(portrait)
    photos = []
    for number in range(PHOTOS):
        canvas = np.full((700, 900, 3), 90, np.uint8)
        x, y = 30 * number, 180 - 15 * number
        canvas[y : y + 512, x : x + 512] = face
        photos.append(encode_jpeg(canvas, 95))
    return photos


def test_the_articles_client_works(server: str, astronaut_file: bytes, tmp_path: Path) -> None:
    """A client written from the article's words gets what they promise, and the drawn photo."""
    path = tmp_path / "photo.png"
    path.write_bytes(astronaut_file)
    with path.open("rb") as file:
        response = requests.post(f"{server}/predict", files={"image": file}, timeout=TIMEOUT_S)
    assert response.status_code == 200
    answer = response.json()
    (face,) = answer["results"]
    assert len(face["bbox"]) == 4
    assert face["gender"] in ("Male", "Female")
    assert face["age"].startswith("(")
    assert 0.7 <= face["confidence"] <= 1
    assert set(answer["resource_usage"]) == {"cpu_percent", "memory_mb", "timestamp"}
    drawn = requests.get(server + answer["output_image"], timeout=TIMEOUT_S)
    assert decode_image(drawn.content).shape == (512, 512, 3)


def test_each_of_many_clients_gets_its_own_answer(
    server: str, held_server: Server, analyzer: FaceAnalyzer, astronaut_file: bytes
) -> None:
    """Of 32 clients with a photo each, all get their own answer, the refused ones later."""
    photos = _different_photos(astronaut_file)
    expected = [
        [[*face.box.xyxy, face.gender.label, face.age_group.label] for face in found.faces]
        for found in (analyzer.analyze(photo, annotate=False) for photo in photos)
    ]
    assert len({str(faces) for faces in expected}) == PHOTOS
    deadline = time.monotonic() + PATIENCE_S
    refused = threading.Event()

    def ask(client: int) -> list[int]:
        """Send a photo; gives the statuses of those attempts that were sent away."""
        sent_away = []
        number = client % PHOTOS
        with requests.Session() as session:
            while True:
                response = session.post(
                    f"{server}/predict", files={"image": photos[number]}, timeout=PATIENCE_S
                )
                if response.status_code == 200:
                    break
                assert time.monotonic() < deadline, "it was sent away for ever"
                sent_away.append(response.status_code)
                seconds = int(response.headers["Retry-After"])
                assert 1 <= seconds <= 60
                refused.set()
                time.sleep(seconds)
        results = response.json()["results"]
        assert [[*f["bbox"], f["gender"], f["age"]] for f in results] == expected[number]
        return sent_away

    with ThreadPoolExecutor(CLIENTS) as pool:
        with held_server.held("queue"):
            asked = [pool.submit(ask, client) for client in range(CLIENTS)]
            assert refused.wait(PATIENCE_S)
        sent_away = [status for one in asked for status in one.result()]
    assert set(sent_away) == {429}
    samples = _samples(server)
    assert samples["facecore_queue_running"] == samples["facecore_queue_waiting"] == 0
    assert samples["facecore_http_held_bytes"] == 0


def _samples(server: str) -> dict[str, float]:
    """Return the first sample of each name."""
    text = requests.get(f"{server}/metrics", timeout=TIMEOUT_S).text
    samples: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            samples.setdefault(sample.name, sample.value)
    return samples


def test_hostile_files_are_answered_in_words(server: str, shared_data: Path) -> None:
    """A broken, odd or lying file gets faces or a sentence, and the server lives on.

    What each of them decodes to is held by the tests of decoding; here is every sixth.
    """
    files = [p for p in sorted((shared_data / "hostile").iterdir()) if p.suffix != ".csv"][::6]
    assert files
    statuses: dict[int, int] = {}
    for path in files:
        response = requests.post(
            f"{server}/predict", files={"image": (path.name, path.read_bytes())}, timeout=TIMEOUT_S
        )
        body: dict[str, Any] = response.json()
        assert ("results" in body) == (response.status_code == 200)
        assert ("error" in body) != (response.status_code == 200)
        assert response.status_code in (200, 400, 413, 415), (path.name, body)
        statuses[response.status_code] = statuses.get(response.status_code, 0) + 1
    assert set(statuses) == {200, 400, 413, 415}
    assert requests.get(f"{server}/healthz", timeout=TIMEOUT_S).status_code == 200


def test_an_endless_upload_is_refused(server: str) -> None:
    """A body in pieces that never ends is refused while it comes, without being kept."""
    head = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'

    def pour() -> Iterator[bytes]:
        yield head
        for _ in range(70):
            yield bytes(1024 * 1024)

    response = requests.post(
        f"{server}/predict",
        data=pour(),
        headers={"Content-Type": "multipart/form-data; boundary=b"},
        timeout=TIMEOUT_S,
    )
    assert response.status_code == 413
    assert "50 MB" in response.json()["error"]
    assert _samples(server)["facecore_http_held_bytes"] == 0


def test_clients_that_fall_silent_keep_nobody_out(server: str, astronaut_file: bytes) -> None:
    """While connections hang in the middle of a request, others are answered."""
    port = int(server.rsplit(":", 1)[1])
    request = b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=b"
    request += b"\r\nContent-Length: 5000\r\n\r\n--b\r\n"
    hanging = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
    try:
        for connection in hanging:
            connection.sendall(request)
        response = requests.post(
            f"{server}/predict", files={"image": astronaut_file}, timeout=TIMEOUT_S
        )
        assert response.status_code == 200
    finally:
        for connection in hanging:
            connection.close()


def test_the_dashboard_is_on_the_same_port(server: str) -> None:
    """The page, its health and its websocket are served beside the api."""
    page = requests.get(f"{server}/tune", timeout=TIMEOUT_S)
    assert page.headers["content-type"].startswith("text/html")
    assert requests.get(f"{server}/_stcore/health", timeout=TIMEOUT_S).text == "ok"
    address = server.replace("http:", "ws:") + "/_stcore/stream"
    with connect(
        address, origin=Origin(server), subprotocols=[Subprotocol("streamlit")]
    ) as websocket:
        assert websocket.protocol.state.name == "OPEN"


def test_uploads_of_the_page_still_need_their_token(server: str) -> None:
    """Only the api takes photos without the dashboard's protection against other sites."""
    response = requests.put(
        f"{server}/_stcore/upload_file/session/file", files={"a": b"x"}, timeout=TIMEOUT_S
    )
    assert response.status_code in (400, 403)
