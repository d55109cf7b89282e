"""The JSON of the protocol's REST form, and what the OpenAPI document tells of it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from facecore.http.answers import Error
from facecore.http.openapi import component, failures, getting, in_json
from facecore.open_inference.model import INPUT, OUTPUTS

Parameter = bool | int | float | str


class Live(Struct, frozen=True):
    """The server runs."""

    live: Literal[True] = True


class Ready(Struct, frozen=True):
    """Photos can be read."""

    ready: Literal[True] = True


class ModelReady(Struct, frozen=True):
    """Photos can be read with this model."""

    name: str
    ready: Literal[True] = True


class ServerMetadata(Struct, frozen=True):
    """What the server is, and which extensions of the protocol it speaks."""

    name: str
    version: str
    extensions: tuple[str, ...]


class TensorMetadata(Struct, frozen=True):
    """A tensor; a dimension of -1 is as long as there are faces."""

    name: str
    datatype: str
    shape: tuple[int, ...]


class ModelMetadata(Struct, frozen=True):
    """What goes into a model, and what can be asked for of what comes out."""

    name: str
    versions: tuple[str, ...]
    platform: str
    inputs: tuple[TensorMetadata, ...]
    outputs: tuple[TensorMetadata, ...]


class InputTensor(Struct, frozen=True):
    """A tensor that is sent: as ``data``, or behind the JSON in ``binary_data_size`` bytes."""

    name: str
    datatype: str
    shape: list[int]
    parameters: dict[str, Parameter] = {}
    data: Raw | UnsetType = UNSET


class RequestedOutput(Struct, frozen=True):
    """A tensor that is asked for; as bytes behind the JSON where ``binary_data`` says so."""

    name: str
    parameters: dict[str, Parameter] = {}


class InferenceRequest(Struct, frozen=True):
    """A photo, and what is asked of it; all outputs where none is named."""

    inputs: list[InputTensor]
    id: str | UnsetType = UNSET
    parameters: dict[str, Parameter] = {}
    outputs: list[RequestedOutput] = []


class OutputTensor(Struct, frozen=True, omit_defaults=True):
    """A tensor that is answered, likewise."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    parameters: dict[str, int] = {}
    data: list[Any] | UnsetType = UNSET


class InferenceResponse(Struct, frozen=True):
    """The faces of a photo, surest first: each has the same place in every tensor."""

    model_name: str
    model_version: str
    outputs: list[OutputTensor]
    parameters: Annotated[
        dict[str, float | str],
        Meta(description="engine, which ran the networks, and waited_ms, the wait for a turn."),
    ]
    id: str | UnsetType = UNSET


_, SCHEMAS = msgspec.json.schema_components(
    (Live, Ready, ModelReady, ServerMetadata, ModelMetadata, InferenceResponse, Error),
    ref_template="#/components/schemas/{name}",
)

_BYTES = "application/octet-stream"
_VERSIONED = "/versions/{version}"


def described(overrides: dict[str, Any]) -> dict[str, Any]:
    """Return what the OpenAPI document tells of each path.

    ``overrides`` are schemas of the settings that a request may bring as parameters.
    """
    paths = {
        "/v2": _get("server", "Ask what the server is.", "ServerMetadata"),
        "/v2/health/live": _get("live", "Ask whether the server runs.", "Live"),
        "/v2/health/ready": _get("ready", "Ask whether photos can be read.", "Ready", 503),
    }
    for version in ("", _VERSIONED):
        model, suffix = f"/v2/models/{{model}}{version}", "_version" if version else ""
        where = [_in_path("model")] + ([_in_path("version")] if version else [])
        paths[model] = _get("model" + suffix, "Ask for a model's tensors.", "ModelMetadata", 404)
        paths[f"{model}/ready"] = _get(
            "model_ready" + suffix, "Ask whether it reads photos.", "ModelReady", 404, 503
        )
        paths[f"{model}/infer"] = {"post": _infer("infer" + suffix, overrides)}
        for path in (model, f"{model}/ready", f"{model}/infer"):
            paths[path] |= {"parameters": where}
    return paths


def _get(name: str, summary: str, schema: str, *failing: int) -> dict[str, Any]:
    answer = in_json("It is so.", component(schema))
    return getting(f"v2_{name}", summary, answer, *failing)


def _in_path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _infer(name: str, overrides: dict[str, Any]) -> dict[str, Any]:
    answer = in_json("The faces, surest first.", component("InferenceResponse"))
    # JSON and bytes behind it; the header Inference-Header-Content-Length says where it ends.
    answer["content"][_BYTES] = {}
    return {
        "operationId": f"v2_{name}",
        "summary": "Read the faces of one photo (Open Inference Protocol).",
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _request(overrides)}, _BYTES: {}},
        },
        "responses": {
            "200": answer,
            **failures(400, 403, 404, 405, 408, 413, 415, 429, 500, 503),
        },
    }


def _request(overrides: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a request that has its photo as text."""
    photo = {"type": "string", "contentEncoding": "base64", "minLength": 1}
    told = "; ".join(f"{name}: {output.about}" for name, output in OUTPUTS.items())
    tensor = {
        "name": {"const": INPUT.name},
        "datatype": {"const": INPUT.datatype},
        "shape": {"const": list(INPUT.shape)},
        "data": {"type": "array", "prefixItems": [photo], "minItems": 1, "maxItems": 1},
    }
    asked = {"name": {"enum": list(OUTPUTS), "description": told}}
    return _object(
        {
            "id": {"type": "string"},
            "parameters": _object(overrides),
            "inputs": {
                "type": "array",
                "items": _object(tensor, *tensor),
                "minItems": 1,
                "maxItems": 1,
            },
            "outputs": {"type": "array", "items": _object(asked, "name")},
        },
        "inputs",
    )


def _object(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    kind = {"type": "object", "properties": properties, "additionalProperties": False}
    return kind | ({"required": list(required)} if required else {})
