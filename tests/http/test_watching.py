"""What a server tells those who watch it: its log in JSON, its traces, its metrics."""

from __future__ import annotations

import importlib
import json
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests
import yaml
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from prometheus_client.parser import text_string_to_metric_families

from facecore.http.site_guard import LOOPBACK_HOSTS
from facecore.results import STAGES
from tests.conftest import REPOSITORY
from tests.server import server_process

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
GRPC, GRPC_TRACE = "inference.GRPCInferenceService/ModelInfer", "1" * 32
SECRET_NAME = "grandmother.jpg"
TIMEOUT_S = 60


class _Collector(ThreadingHTTPServer):
    """Takes spans as OTLP over HTTP sends them."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.services: set[str] = set()
        super().__init__(("127.0.0.1", 0), _Receive)


class _Receive(BaseHTTPRequestHandler):
    server: _Collector

    def do_POST(self) -> None:
        """Take one batch of spans."""
        sent = ExportTraceServiceRequest()
        sent.ParseFromString(self.rfile.read(int(self.headers["Content-Length"])))
        for resource in sent.resource_spans:
            named = {one.key: one.value.string_value for one in resource.resource.attributes}
            self.server.services.add(named["service.name"])
            for scope in resource.scope_spans:
                self.server.spans.extend(scope.spans)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


class Watched(NamedTuple):
    """What is left of a server: its log's lines, its spans, its last metrics, its answers."""

    lines: list[dict[str, Any]]
    spans: list[Span]
    services: set[str]
    metrics: str
    statuses: list[int]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, hopper_file: bytes) -> Iterator[Watched]:
    """A server that read a photo and no photo, was sent no form, and ended."""
    collector = _Collector()
    threading.Thread(target=collector.serve_forever, daemon=True).start()
    folder = tmp_path_factory.mktemp("watched")
    environment = {
        "FACECORE_LOG": "json",
        "FACECORE_HISTORY": "off",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}",
    }
    parent = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
    statuses = []
    with server_process(folder / "log", environment=environment) as server:
        for photo in (hopper_file, b"junk"):
            given = {"image": (SECRET_NAME, photo)}
            place = f"{server.address}/predict"
            answer = requests.post(place, files=given, headers=parent, timeout=TIMEOUT_S)
            statuses.append(answer.status_code)
        statuses.append(requests.post(place, data=b"x", timeout=TIMEOUT_S).status_code)
        if server.grpc_port:
            _ask_over_grpc(server.grpc_port, hopper_file)
        metrics = requests.get(f"{server.address}/metrics", timeout=TIMEOUT_S).text
    collector.shutdown()
    lines = [json.loads(line) for line in (folder / "log").read_text().splitlines()]
    yield Watched(lines, collector.spans, collector.services, metrics, statuses)
    collector.server_close()


def _ask_over_grpc(port: int, photo: bytes) -> None:
    grpc = importlib.import_module("grpc")
    pb = importlib.import_module("facecore.open_inference.open_inference_pb2")
    tensor = pb.ModelInferRequest.InferInputTensor(name="image", datatype="BYTES", shape=[1])
    raw = len(photo).to_bytes(4, "little") + photo
    asked = {"inputs": [tensor], "raw_input_contents": [raw]}
    parent = (("traceparent", f"00-{GRPC_TRACE}-{CALLER}-01"),)
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        infer = channel.unary_unary(f"/{GRPC}", pb.ModelInferRequest.SerializeToString)
        infer(pb.ModelInferRequest(model_name="article", **asked), TIMEOUT_S, parent)
        with pytest.raises(grpc.RpcError):
            infer(pb.ModelInferRequest(model_name="none", **asked), TIMEOUT_S, parent)


@pytest.mark.slow
def test_each_run_is_a_line_of_json(watched: Watched) -> None:
    """Every line is JSON; a run's has its trace, engine, stages, faces and status, and no name."""
    assert watched.statuses == [200, 415, 400]
    assert all({"time", "level", "logger", "message"} <= line.keys() for line in watched.lines)
    runs = [line for line in watched.lines if line["logger"] == "facecore.runs"]
    good, bad = (line for line in runs if line["origin"] == "http")
    assert (good["status"], good["faces"], good["origin"]) == ("ok", 1, "http")
    assert (good["model_set"], tuple(good["stages_ms"])) == ("article", STAGES)
    assert good["engine"] and good["total_ms"] >= sum(good["stages_ms"].values()) - 0.01
    assert bad["status"] == "UnsupportedImageError"
    assert [good["trace_id"], bad["trace_id"]] == [TRACE, TRACE]
    (refused,) = (line for line in watched.lines if "no photo in it" in line["message"])
    assert len(refused["trace_id"]) == 32
    assert refused["trace_id"] != TRACE
    assert SECRET_NAME not in str(watched.lines)


@pytest.mark.slow
def test_a_request_is_one_trace_with_a_span_for_each_stage(watched: Watched) -> None:
    """HTTP, run, queue and six stages, in order, in the trace and below the span of the caller."""
    trace = [span for span in watched.spans if span.trace_id.hex() == TRACE]
    (first,) = (
        span for span in trace if span.name == "POST /predict" and _attributes(span)[_STATUS] == 200
    )
    assert first.parent_span_id.hex() == CALLER
    assert first.kind == Span.SPAN_KIND_SERVER
    (run,) = (span for span in trace if span.parent_span_id == first.span_id)
    inside = sorted(
        (span for span in trace if span.parent_span_id == run.span_id),
        key=lambda span: span.start_time_unix_nano,
    )
    assert [run.name, *(span.name for span in inside)] == ["run", "queue", *STAGES]
    for outer, inner in ((first, run), *((run, span) for span in inside)):
        assert outer.start_time_unix_nano <= inner.start_time_unix_nano + 1_000_000
        assert inner.end_time_unix_nano <= outer.end_time_unix_nano + 1_000_000
    failed = [span for span in trace if span.name == "run" and span is not run]
    assert [_attributes(span)["error.type"] for span in failed] == ["UnsupportedImageError"]
    assert watched.services == {"facecore"}


@pytest.mark.slow
@pytest.mark.skipif(find_spec("grpc") is None, reason="needs requirements-grpc.txt")
def test_a_call_over_grpc_is_one_trace_as_well(watched: Watched) -> None:
    """The caller's trace goes on; a call that the client got wrong is no error of the server's."""
    trace = [span for span in watched.spans if span.trace_id.hex() == GRPC_TRACE]
    read, refused = (span for span in trace if span.name == GRPC)
    assert {read.parent_span_id.hex(), refused.parent_span_id.hex()} == {CALLER}
    (run,) = (span for span in trace if span.name == "run")
    assert run.parent_span_id == read.span_id
    assert {span.name for span in trace if span.parent_span_id == run.span_id} == {"queue", *STAGES}
    assert (_attributes(read)[_STATUS], _attributes(refused)[_STATUS]) == (200, 404)
    assert refused.status.code != Status.STATUS_CODE_ERROR


_STATUS = "http.response.status_code"


def _attributes(span: Span) -> dict[str, Any]:
    return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


_LIBRARY = """
import sys
sys.path.insert(0, "")
from facecore.serving.traces import traces_from_environment
print(type(traces_from_environment()).__name__, "opentelemetry" in sys.modules)
sys.modules["opentelemetry"] = None
import os
os.environ["OTEL_TRACES_EXPORTER"] = "otlp"
print(type(traces_from_environment()).__name__)
"""


@pytest.mark.slow
def test_opentelemetry_is_imported_only_where_it_is_asked_for() -> None:
    """No variable, no import; where it is asked for and missing, the log says what to install."""
    command = [sys.executable, "-c", _LIBRARY]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["Traces", "False", "Traces"], done.stderr
    assert "OTEL_TRACES_EXPORTER asks for traces" in done.stderr
    assert "facecore-dashboard[otel]" in done.stderr


DEPLOY = REPOSITORY / "deploy"
DASHBOARD = json.loads((DEPLOY / "grafana/dashboards/facecore.json").read_text(encoding="utf-8"))
ALERTS = DEPLOY / "prometheus" / "alerts.yml"
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]

_METRIC = re.compile(r"\b((?:facecore|process)_\w+)(?:{(.*?)})?")
_MATCHER = re.compile(r'(\w+)\s*([!=]~?)\s*"(.*?)"')
_OF_PROMETHEUS = {"instance", "job"}
_OF_WHAT_HAPPENS = {"status", "kind"}
"""Their values are not all seen in one scrape."""


def _expressions() -> list[str]:
    rules = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"][0]["rules"]
    shown = [target["expr"] for panel in PANELS for target in panel["targets"]]
    variables = [one["query"]["query"] for one in DASHBOARD["templating"]["list"][1:]]
    return [*shown, *variables, *(rule["expr"] for rule in rules)]


@pytest.mark.slow
def test_what_is_drawn_and_watched_is_in_a_scrape(watched: Watched) -> None:
    """Each metric, label and fixed value in the dashboard and the alerts is a real server's."""
    scraped: dict[str, list[dict[str, str]]] = {}
    for family in text_string_to_metric_families(watched.metrics):
        for sample in family.samples:
            scraped.setdefault(sample.name, []).append(sample.labels)
    used = set()
    for expression in _expressions():
        names = {label for group in _GROUPED.findall(expression) for label in group.split(", ")}
        for metric, matchers in _METRIC.findall(expression):
            used.add(metric)
            if metric.startswith("facecore_grpc_") and find_spec("grpc") is None:
                continue
            assert metric in scraped, (metric, expression)
            labels = {label for labels in scraped[metric] for label in labels} | _OF_PROMETHEUS
            assert names <= labels, expression
            for label, sign, value in _MATCHER.findall(matchers):
                assert label in labels, expression
                if label in _OF_PROMETHEUS | _OF_WHAT_HAPPENS:
                    continue
                seen = {one[label] for one in scraped[metric]}
                assert set(value.split("|") if "~" in sign else [value]) <= seen, expression
    told = {name for name in scraped if name.startswith("facecore_")}
    kinds = ("_created", "_bucket", "_sum", "_count")
    assert told - used - {name for name in told if name.endswith(kinds)} == set()


_GROUPED = re.compile(r"\bby \((.*?)\)")


def test_the_dashboard_is_where_grafana_looks() -> None:
    """Panels fill their rows without covering another, and the mounted folders are provisioned."""
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        x, y, width, height = (panel["gridPos"][name] for name in "xywh")
        cells = {(x + column, y + row) for column in range(width) for row in range(height)}
        assert not cells & taken, panel["title"]
        assert x + width <= 24
        taken |= cells
    assert len(taken) == 24 * (1 + max(row for _, row in taken))
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    services = yaml.safe_load((DEPLOY / "watching.yml").read_text(encoding="utf-8"))["services"]
    mounts = [mount.split(":") for mount in services["grafana"]["volumes"]]
    folders = {inside: REPOSITORY / outside for outside, inside, *_ in mounts if "/" in outside}
    provisioning = folders["/etc/grafana/provisioning"]
    (provider,) = _yaml(provisioning / "dashboards/facecore.yml")["providers"]
    assert list(folders[provider["options"]["path"]].glob("*.json"))
    (source,) = _yaml(provisioning / "datasources/prometheus.yml")["datasources"]
    scraping = _yaml(DEPLOY / "prometheus/prometheus.yml")
    assert source["url"] == "http://prometheus:9090"
    assert "prometheus" in services
    assert (DEPLOY / "prometheus" / scraping["rule_files"][0]) == ALERTS
    # The server answers to the name that it is scraped by.
    (target,) = scraping["scrape_configs"][0]["static_configs"][0]["targets"]
    host = target.partition(":")[0]
    allowed = services["facecore"]["environment"]["FACECORE_ALLOWED_HOSTS"]
    assert host not in LOOPBACK_HOSTS
    assert host in allowed.rstrip("}").split(",")


def _yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (of Prometheus) is missing")
def test_alerts_fire_when_they_should() -> None:
    """Prometheus takes the rules, and each fires at figures that are bad for long enough."""
    rules = Path(__file__).with_name("alerts_test.yml")
    names = {rule["alert"] for rule in _yaml(ALERTS)["groups"][0]["rules"]}
    tested = [one for test in _yaml(rules)["tests"] for one in test["alert_rule_test"]]
    assert {one["alertname"] for one in tested if one["exp_alerts"]} == names
    subprocess.run(["promtool", "check", "rules", str(ALERTS)], check=True, capture_output=True)
    subprocess.run(["promtool", "test", "rules", str(rules)], check=True, capture_output=True)
