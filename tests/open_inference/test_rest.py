"""The REST form, by hand: JSON and bytes, what is asked for, and what is wrong with a request."""

from __future__ import annotations

import base64
import json
from typing import Any

import jsonschema
import numpy as np
import pytest
from starlette.testclient import TestClient

from facecore.imaging.decoding import BgrImage, encode_jpeg
from facecore.open_inference.rest import HEADER
from facecore.serving.service import FaceService

INFER = "/v2/models/article/infer"


def _tensor(photo: bytes, **other: Any) -> dict[str, Any]:
    data = [base64.b64encode(photo).decode()]
    return {"name": "image", "datatype": "BYTES", "shape": [1], "data": data} | other


def _values(answer: Any) -> dict[str, Any]:
    return {output["name"]: output["data"] for output in answer.json()["outputs"]}


def _with_bytes(client: TestClient, photo: bytes, **request: Any) -> Any:
    """Send a photo as tritonclient does: behind the JSON."""
    behind = len(photo).to_bytes(4, "little") + photo
    tensor: dict[str, Any] = {"name": "image", "datatype": "BYTES", "shape": [1]}
    tensor["parameters"] = {"binary_data_size": len(behind)}
    head = json.dumps({"inputs": [tensor]} | request).encode()
    return client.post(INFER, content=head + behind, headers={HEADER: str(len(head))})


def test_no_face_is_empty_tensors(client: TestClient) -> None:
    """A photo without a face gives every tensor of faces with no row, and the photo's size."""
    grey = encode_jpeg(np.full((48, 64, 3), 90, np.uint8))
    answer = client.post(INFER, json={"inputs": [_tensor(grey)]})
    shapes = {output["name"]: output["shape"] for output in answer.json()["outputs"]}
    assert shapes.pop("boxes") == [0, 4]
    assert shapes.pop("image_size") == [2]
    assert set(map(tuple, shapes.values())) == {(0,)}
    assert _values(answer)["image_size"] == [64, 48]


def test_the_answer_is_that_of_predict(client: TestClient, couple: BgrImage) -> None:
    """However a photo comes, its faces are those of /predict, in the same order."""
    photo = encode_jpeg(couple)
    faces = client.post("/predict", files={"image": photo}).json()["results"]
    assert len(faces) == 2
    answers = [
        client.post(INFER, json={"inputs": [_tensor(photo)], "id": "a7"}),
        client.post("/v2/models/article/versions/1/infer", json={"inputs": [_tensor(photo)]}),
        _with_bytes(client, photo),
        client.post(INFER, content=photo, headers={HEADER: "0"}),
    ]
    for answer in answers:
        values = _values(answer)
        assert values["boxes"] == [face["bbox"] for face in faces]
        assert values["gender"] == [face["gender"] for face in faces]
        assert values["age_group"] == [face["age"] for face in faces]
        assert np.round(values["confidence"], 4).tolist() == [face["confidence"] for face in faces]
    assert answers[0].json()["id"] == "a7"
    assert answers[0].json()["parameters"]["engine"]


def test_what_is_asked_for_is_answered_as_it_was_asked(
    client: TestClient, astronaut_file: bytes
) -> None:
    """Only the outputs that are named come, in that order, each as JSON or as bytes behind it."""
    outputs = [
        {"name": "gender", "parameters": {"binary_data": True}},
        {"name": "image_size"},
        {"name": "boxes", "parameters": {"binary_data": True}},
    ]
    answer = _with_bytes(client, astronaut_file, outputs=outputs)
    end = int(answer.headers[HEADER])
    gender, size, boxes = json.loads(answer.content[:end])["outputs"]
    assert [gender["name"], size["name"], boxes["name"]] == ["gender", "image_size", "boxes"]
    assert size["data"] == [512, 512]
    behind = answer.content[end:]
    length = gender["parameters"]["binary_data_size"]
    assert behind[:length] in (b"\x04\0\0\0Male", b"\x06\0\0\0Female")
    assert boxes["parameters"]["binary_data_size"] == len(behind) - length == 16
    told = _values(client.post(INFER, json={"inputs": [_tensor(astronaut_file)]}))["boxes"]
    assert np.frombuffer(behind[length:], "<i4").tolist() == told[0]


def test_parameters_are_the_settings_that_a_request_may_bring(
    client: TestClient, couple: BgrImage
) -> None:
    """Numbers and switches set what /predict's fields do; what may not be set is refused."""
    photo = encode_jpeg(couple)

    def ask(**parameters: Any) -> Any:
        return client.post(INFER, json={"inputs": [_tensor(photo)], "parameters": parameters})

    assert len(_values(ask(confidence=0.5, careful=True))["boxes"]) == 2
    assert _values(ask(confidence=1.0))["boxes"] == []
    assert "not rescue" in ask(rescue=False).json()["error"]
    assert ask(confidence=7).status_code == 400


WRONG: dict[str, dict[str, Any]] = {
    "There are 0 inputs": {"inputs": []},
    "There are 2 inputs": {"inputs": [_tensor(b"a"), _tensor(b"a")]},
    "'photo' (BYTES [1])": {"inputs": [_tensor(b"a", name="photo")]},
    "'image' (FP32 [1])": {"inputs": [_tensor(b"a", datatype="FP32", data=[1.0])]},
    "'image' (BYTES [1, 1])": {"inputs": [_tensor(b"a", shape=[1, 1])]},
    "has not one photo in base64": {"inputs": [_tensor(b"a", data=["no base64!"])]},
    "has no data": {"inputs": [{k: v for k, v in _tensor(b"a").items() if k != "data"}]},
    "binary_data_size is 9": {"inputs": [_tensor(b"a", parameters={"binary_data_size": 9})]},
    "no output 'faces'": {"inputs": [_tensor(b"a")], "outputs": [{"name": "faces"}]},
    "asked for twice": {"inputs": [_tensor(b"a")], "outputs": [{"name": "boxes"}] * 2},
    "'shared_memory_region' is not": {
        "inputs": [_tensor(b"a", parameters={"shared_memory_region": "x"})]
    },
    "no inference request in JSON": {"inputs": 1},
}


@pytest.mark.parametrize("words", WRONG)
def test_a_wrong_request_is_400_in_words(client: TestClient, words: str) -> None:
    """What is not one photo as it should come is told, and nothing of the server breaks."""
    answer = client.post(INFER, json=WRONG[words])
    assert answer.status_code == 400, answer.text
    assert words in answer.json()["error"]


def test_a_body_that_is_not_what_it_says_is_refused(
    client: TestClient, astronaut_file: bytes
) -> None:
    """JSON that ends elsewhere, nests without end, or bytes that are not one element are 400."""
    nested = b'{"inputs":[{"name":"image","datatype":"BYTES","shape":[1],"data":' + b"[" * 100_000
    bodies = [
        ("9999", b"{}", 400),
        ("9" * 5000, b"{}", 400),
        ("-1", b"{}", 400),
        ("2", b"{}", 400),
        (None, nested, 400),
        ("0", b"", 400),
        ("0", b"junk", 400),
        ("0", bytes(9_000_000), 413),
    ]
    for told, body, status in bodies:
        headers = {} if told is None else {HEADER: told}
        answer = client.post(INFER, content=body, headers=headers)
        assert answer.status_code == status, (told, answer.text)
        assert answer.json()["error"]
    zipped = client.post(INFER, content=b"x", headers={"Content-Encoding": "gzip"})
    assert zipped.status_code == 415
    foreign = client.post(INFER, content=b"x", headers={"Sec-Fetch-Site": "cross-site"})
    assert foreign.status_code == 403


def test_much_json_beside_the_photo_is_refused_unread(
    client: TestClient, astronaut_file: bytes
) -> None:
    """However large the photo is, what is asked of it is short; in base64, too."""
    request: dict[str, Any] = {"inputs": [_tensor(astronaut_file)]}
    assert client.post(INFER, json=request).status_code == 200
    short = {str(number): 1 for number in range(9000)}
    much: list[dict[str, Any]] = [{"outputs": [{}] * 30_000}, {"parameters": short}]
    for many in much:
        answer = client.post(INFER, json=request | many)
        assert (answer.status_code, answer.json()["error"][:17]) == (400, "There is too much")


def test_only_the_served_model_is_there(client: TestClient, astronaut_file: bytes) -> None:
    """Another model, or another version, is 404 at each of its paths; the answer names ours."""
    for model in ("modern", "article/versions/2"):
        for answer in (
            client.get(f"/v2/models/{model}"),
            client.get(f"/v2/models/{model}/ready"),
            client.post(f"/v2/models/{model}/infer", content=astronaut_file, headers={HEADER: "0"}),
        ):
            assert answer.status_code == 404
            assert "'article'" in answer.json()["error"]


def test_a_busy_server_says_when_to_come_back(
    client: TestClient, service: FaceService, astronaut_file: bytes
) -> None:
    """Behind the same queue as everything, who finds it full is told for how long."""
    with service.queue.enter("somebody else"):
        answer = client.post(INFER, content=astronaut_file, headers={HEADER: "0"})
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1


def test_the_document_tells_of_the_protocol(client: TestClient, astronaut_file: bytes) -> None:
    """The OpenAPI document has every path of it, and the answers are what it says."""
    document = client.get("/openapi.json").json()
    photo = {"inputs": [_tensor(astronaut_file)]}
    answers = {
        "/v2": client.get("/v2"),
        "/v2/health/live": client.get("/v2/health/live"),
        "/v2/health/ready": client.get("/v2/health/ready"),
        "/v2/models/{model}": client.get("/v2/models/article"),
        "/v2/models/{model}/ready": client.get("/v2/models/article/ready"),
        "/v2/models/{model}/infer": client.post(INFER, json=photo),
    }
    described = {path for path in document["paths"] if path.startswith("/v2")}
    versioned = [path for path in answers if "{model}" in path]
    assert described == {
        *answers,
        *(path.replace("{model}", "{model}/versions/{version}") for path in versioned),
    }
    for path, answer in answers.items():
        (method,) = document["paths"][path].keys() - {"parameters"}
        schema = document["paths"][path][method]["responses"]["200"]["content"]["application/json"]
        components = {"components": document["components"]}
        jsonschema.validate(answer.json(), schema["schema"] | components)
    body = document["paths"]["/v2/models/{model}/infer"]["post"]["requestBody"]["content"]
    jsonschema.validate(photo, body["application/json"]["schema"])
