"""The other paths, and what all answers of the api have in common."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.testclient import TestClient

from facecore.http import api as api_module
from facecore.http.api import HttpApi
from facecore.models.catalogue import network_specs
from facecore.serving.service import FaceService
from facecore.settings import MODELS_DIR_VARIABLE, AnalysisSettings, RuntimeOptions
from tests.conftest import REPOSITORY
from tests.http.conftest import ServedApi

PATHS = {
    "/predict": "POST",
    "/images/x": "GET",
    "/healthz": "GET",
    "/metrics": "GET",
    "/openapi.json": "GET",
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE"])
def test_other_methods_are_405(api: ServedApi, path: str, method: str) -> None:
    """A method that a path does not take is refused with the ones it does."""
    takes = {"POST": {"POST"}, "GET": {"GET", "HEAD"}}[PATHS[path]]
    response = api.client.request(method, path)
    assert (response.status_code == 405) == (method not in takes)
    if response.status_code == 405:
        assert set(response.headers["allow"].split(", ")) == takes | {"OPTIONS"}
        assert method == "HEAD" or "error" in response.json()


@pytest.mark.parametrize("path", PATHS)
def test_no_other_site_may_read(api: ServedApi, path: str) -> None:
    """To another site's page nothing is opened: neither asked beforehand nor afterwards."""
    origin = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}
    asked = api.client.options(path, headers=origin)
    assert asked.status_code == 204
    answered = api.client.request(PATHS[path], path, headers=origin)
    for response in (asked, answered):
        assert not [name for name in response.headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
def test_every_answer_has_the_safe_headers(api: ServedApi, path: str, method: str) -> None:
    """Good or bad, no answer is guessed at, framed, or kept by anybody on the way."""
    headers = api.client.request(method, path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    "name", ["x", "..", "%2e%2e", "..%2f..%2fetc%2fpasswd", "a%00b", "%ff", "x" * 5000]
)
def test_an_unknown_picture_is_404(api: ServedApi, name: str) -> None:
    """A name that was never given, whatever it looks like, gives no picture and no file."""
    response = api.client.get(f"/images/{name}")
    assert response.status_code == 404
    assert "image/" not in response.headers["content-type"]
    assert "root:" not in response.text


def test_a_picture_goes_after_its_time(
    api: ServedApi, astronaut_file: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the time is over, a link that worked says so."""
    link = api.predict(astronaut_file).json()["output_image"]
    assert api.client.get(link).status_code == 200
    monkeypatch.setattr(api.pictures, "max_age_s", 0.0)
    response = api.client.get(api.predict(astronaut_file).json()["output_image"])
    assert response.status_code == 404
    assert "send the photo again" in response.json()["error"]


def test_health_needs_no_loading(api: ServedApi) -> None:
    """Before the first photo the files are looked at, and nothing is loaded for it."""
    assert api.client.get("/healthz").json() == {"status": "ok", "networks_loaded": False}
    assert api.service.loaded(RuntimeOptions()) == ()


def test_health_knows_loaded_networks(api: ServedApi, astronaut_file: bytes) -> None:
    """After the first photo the networks are there."""
    api.predict(astronaut_file)
    assert api.client.get("/healthz").json() == {"status": "ok", "networks_loaded": True}


def test_health_is_503_while_files_are_wrong(
    api: ServedApi,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A wrong file makes the server unhealthy until it is mended; the log names it."""
    monkeypatch.setattr(api_module, "_FILES_CHECKED_FOR_S", 0)
    monkeypatch.setenv(MODELS_DIR_VARIABLE, str(tmp_path))
    wrong = tmp_path / network_specs()[0].files[0].name
    wrong.write_bytes(b"other")
    response = api.client.get("/healthz")
    assert response.status_code == 503
    assert str(tmp_path) not in response.text
    assert any(str(wrong) in record.getMessage() for record in caplog.records)
    wrong.unlink()
    assert api.client.get("/healthz").status_code == 200


def test_warming_up_loads_the_networks(api: ServedApi, service: FaceService) -> None:
    """With the start of the server the networks are loaded, and a failure is only logged."""
    HttpApi(service).warm_up()
    assert api.client.get("/healthz").json()["networks_loaded"]


def test_a_start_without_files_goes_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A server without its files starts, so that the dashboard can say what is missing."""
    monkeypatch.setenv(MODELS_DIR_VARIABLE, str(tmp_path / "nowhere"))
    HttpApi(FaceService()).warm_up()
    assert any("nowhere" in record.getMessage() for record in caplog.records)


def test_files_are_looked_at_once_by_all_who_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for health while the files are hashed takes that answer over."""
    looks: list[int] = []
    second = threading.Event()

    def look(_: str) -> list[Any]:
        looks.append(1)
        if len(looks) > 1:
            second.set()
        second.wait(0.3)
        return []

    monkeypatch.setattr(api_module, "all_file_statuses", look)
    api = HttpApi(FaceService())
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: api._files_are_right(), range(2)))
    assert answers == [True, True]
    assert len(looks) == 1


def _samples(api: ServedApi) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    response = api.client.get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = list(text_string_to_metric_families(response.text))
    assert all(family.documentation for family in families)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def _value(samples: dict[Any, float], name: str, **labels: str) -> float:
    return samples[name, frozenset(labels.items())]


def test_metrics_begin_at_zero(api: ServedApi) -> None:
    """Before any photo there are the gauges, and no run is counted."""
    samples = _samples(api)
    assert _value(samples, "facecore_queue_running") == 0
    assert _value(samples, "facecore_queue_visits_total", end="admitted") == 0
    assert _value(samples, "facecore_network_sets") == 0
    assert _value(samples, "facecore_resident_memory_bytes") > 50e6
    assert not [name for name, _ in samples if name == "facecore_runs_total"]


def test_metrics_count_what_happened(api: ServedApi, astronaut_file: bytes) -> None:
    """Photos, errors by kind, refusals, stages and answers are counted, of other apis as well."""
    for photo in (astronaut_file, astronaut_file, b"junk"):
        api.predict(photo)
    with api.service.queue.enter("somebody else"):
        api.predict(astronaut_file)
    with api.service.turn("a session", RuntimeOptions()) as turn:
        photo_again = turn.analyzer.memory(astronaut_file)
        for _ in range(2):
            turn.read(photo_again, AnalysisSettings(), preview_side_px=100)
    samples = _samples(api)
    value = partial(_value, samples)
    ran = turn.analyzer.engine
    assert value("facecore_runs_total", origin="http", engine=ran) == 2
    assert value("facecore_runs_total", origin="dashboard", engine=ran) == 2
    assert value("facecore_run_errors_total", origin="http", kind="UnsupportedImageError") == 1
    assert value("facecore_queue_visits_total", end="refused") == 1
    assert value("facecore_wait_seconds_count") == 5
    assert value("facecore_stage_seconds_count", stage="total") == 4
    # The second reading of the open photo decoded and detected nothing.
    assert value("facecore_stage_seconds_count", stage="decode") == 3
    assert value("facecore_stage_seconds_sum", stage="detect") > 0
    assert value("facecore_network_sets") == 1
    assert value("facecore_http_held_bytes", what="pictures") == api.pictures.used_bytes() > 0
    for status, count in (("200", 2), ("415", 1), ("429", 1)):
        assert value("facecore_http_responses_total", path="/predict", status=status) == count


def test_two_doors_count_apart(service: FaceService) -> None:
    """Each api has its own registry, so that a second one is no error."""
    apis = [HttpApi(service), HttpApi(service)]
    clients = [TestClient(Starlette(routes=each.routes())) for each in apis]
    clients[0].get("/healthz")
    texts = [client.get("/metrics").text for client in clients]
    assert ['path="/healthz"' in text for text in texts] == [True, False]


WITHOUT_PROMETHEUS = """
import sys
sys.modules["prometheus_client"] = None
from starlette.applications import Starlette
from starlette.testclient import TestClient
from facecore.http.api import HttpApi
from facecore.serving.service import FaceService
client = TestClient(Starlette(routes=HttpApi(FaceService()).routes()))
response = client.get("/metrics")
print(response.status_code, response.json()["error"], client.get("/healthz").status_code)
assert "streamlit" not in sys.modules
"""


@pytest.mark.slow
def test_without_prometheus_metrics_say_so() -> None:
    """Where the library is missing, /metrics says what to install, and all else works."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_PROMETHEUS],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == (
        "501 There are no metrics: run 'pip install prometheus-client' and start again. 200\n"
    ), done.stderr


def test_a_base_path_goes_before_everything(service: FaceService, astronaut_file: bytes) -> None:
    """Behind a prefix all paths begin with it, the link to the picture too."""
    client = TestClient(Starlette(routes=HttpApi(service, base_path="/faces").routes()))
    answer = client.post("/faces/predict", files={"image": astronaut_file}).json()
    assert answer["output_image"].startswith("/faces/images/")
    assert client.get(answer["output_image"]).status_code == 200
    assert client.post("/predict", files={"image": astronaut_file}).status_code == 404
    document = client.get("/faces/openapi.json").json()
    assert all(path.startswith("/faces/") for path in document["paths"])


def _check_answer(document: dict[str, Any], path: str, method: str, response: Any) -> None:
    """Hold an answer against what the document says of it."""
    described = document["paths"][path][method]["responses"][str(response.status_code)]
    kind = response.headers["content-type"].partition(";")[0]
    (expected_kind,) = described["content"]
    assert kind == expected_kind
    schema = described["content"][kind].get("schema")
    if schema:
        jsonschema.Draft202012Validator(
            schema | {"components": document["components"]},
            format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER,
        ).validate(response.json())
    for name in described.get("headers", {}):
        assert response.headers[name]


def test_the_document_is_true(
    api: ServedApi, astronaut_file: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every answer that the document promises for a photo is given, and is as it says."""
    document = api.client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert set(document["paths"]) == {path.replace("/x", "/{id}") for path in PATHS}
    answers = [api.predict(astronaut_file), api.predict(b""), api.predict(b"junk")]
    answers += [api.predict(bytes(9_000_000)), api.client.get("/predict")]
    answers.append(api.client.post("/predict", headers={"Sec-Fetch-Site": "cross-site"}))
    with api.service.queue.enter("somebody else"):
        answers.append(api.predict(astronaut_file))
    for response in answers:
        _check_answer(document, "/predict", "post", response)
    assert [response.status_code for response in answers] == [200, 400, 415, 413, 405, 403, 429]
    link = answers[0].json()["output_image"]
    for path, asked in (
        ("/images/{id}", link),
        ("/images/{id}", "/images/none"),
        ("/healthz", "/healthz"),
        ("/metrics", "/metrics"),
        ("/openapi.json", "/openapi.json"),
    ):
        _check_answer(document, path, "get", api.client.get(asked))


def test_the_document_notices_a_wrong_answer(api: ServedApi, astronaut_file: bytes) -> None:
    """An answer with one field more, less, or of another kind is not what was promised."""
    document = api.client.get("/openapi.json").json()
    schema = {"$ref": "#/components/schemas/Prediction", "components": document["components"]}
    validator = jsonschema.Draft202012Validator(schema)
    answer = api.predict(astronaut_file).json()
    assert validator.is_valid(answer)
    for wrong in (
        answer | {"more": 1},
        {key: value for key, value in answer.items() if key != "results"},
        answer | {"output_image": None},
        answer | {"results": [answer["results"][0] | {"bbox": [1, 2, 3]}]},
        answer | {"results": [answer["results"][0] | {"age": "25"}]},
    ):
        assert not validator.is_valid(wrong)
