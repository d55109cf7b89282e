"""What the HTTP API takes and gives, as an OpenAPI 3.1 document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from facecore.http.answers import Error, Health, Prediction
from facecore.http.uploads import FIELD, UploadLimits
from facecore.imaging.kinds import PHOTO_FORMATS
from facecore.settings.setting import Setting

_WHAT_FAILED = {
    400: "There is no photo in the request, it is damaged, or a field cannot be used.",
    403: "The request comes from another site's page in a browser.",
    404: "There is no such picture, or none any more; or no such model.",
    405: "The path does not take this method; Allow says which it takes.",
    408: "The photo came too slowly.",
    413: "The file is too large, or the photo has too many pixels.",
    415: "The file is not a picture of a format that is read, or the body is compressed.",
    429: "The server is busy; Retry-After says in how many seconds to try again.",
    500: "Something unexpected went wrong; the server's log says more.",
    501: "The server has no metrics, as prometheus-client is not installed.",
    503: "The networks cannot be loaded, or the memory is used up.",
}


_INFO = {
    "title": "Face reading on the CPU",
    "version": "1",
    "description": "Finds faces in a photo and guesses gender and age group. The answers "
    "are often wrong: they must decide nothing about a person.",
}

_IMAGE_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}

_, _SCHEMAS = msgspec.json.schema_components(
    (Prediction, Health, Error), ref_template="#/components/schemas/{name}"
)


def openapi_document(
    base_path: str, limits: UploadLimits, picture_age_s: float, overrides: Mapping[str, Setting]
) -> dict[str, Any]:
    """Return the document; all paths begin with ``base_path``, which is empty or "/name".

    The defaults of ``overrides``, which a request may set, are the server's values.
    """
    return {
        "openapi": "3.1.0",
        "info": _INFO,
        "paths": {
            f"{base_path}/predict": {"post": _predict(limits, overrides)},
            f"{base_path}/images/{{id}}": getting(
                "image",
                f"Fetch a photo with its faces drawn, for {picture_age_s / 60:g} minutes at most.",
                {"description": "The photo.", "content": {"image/jpeg": {}}},
                404,
                parameters=[_IMAGE_ID],
            ),
            f"{base_path}/healthz": getting(
                "healthz",
                "Ask whether photos can be read.",
                in_json("The networks are loaded, or their files are there.", component("Health")),
                503,
            ),
            f"{base_path}/metrics": getting(
                "metrics",
                "Fetch the server's figures in Prometheus's text format.",
                {"description": "The figures.", "content": {"text/plain": {}}},
                501,
            ),
            f"{base_path}/openapi.json": getting(
                "openapi",
                "Fetch this document.",
                in_json("This document.", {"type": "object"}),
            ),
        },
        "components": {"schemas": _SCHEMAS},
    }


def _predict(limits: UploadLimits, overrides: Mapping[str, Setting]) -> dict[str, Any]:
    return {
        "operationId": "predict",
        "summary": "Read the faces of one photo.",
        "requestBody": _form(limits, overrides),
        "responses": {
            "200": in_json("The faces, surest first.", component("Prediction")),
            **failures(400, 403, 405, 408, 413, 415, 429, 500, 503),
        },
    }


def _form(limits: UploadLimits, overrides: Mapping[str, Setting]) -> dict[str, Any]:
    file = {
        "type": "string",
        "contentMediaType": "application/octet-stream",
        "minLength": 1,
        "description": f"The file of a photo, up to {limits.max_bytes / 1024**2:g} MB: "
        f"{', '.join(PHOTO_FORMATS)}.",
    }
    form = {
        "type": "object",
        "properties": {
            FIELD: file,
            **{name: setting_schema(one) for name, one in overrides.items()},
        },
        "required": [FIELD],
        "additionalProperties": False,
    }
    return {"required": True, "content": {"multipart/form-data": {"schema": form}}}


def setting_schema(setting: Setting) -> dict[str, Any]:
    """Return the schema of what may be written for a setting."""
    kinds: dict[type, str] = {bool: "boolean", int: "integer", float: "number", str: "string"}
    value: dict[str, Any] = {"type": kinds[setting.kind]}
    if setting.limits:
        value |= dict(zip(("minimum", "maximum"), setting.limits, strict=True))
    if setting.choices:
        value["enum"] = list(setting.choices)
    about = {"description": setting.help, "default": setting.default}
    if setting.none:
        about["default"] = setting.none if setting.default is None else setting.default
        return {"anyOf": [value, {"const": setting.none}], **about}
    return value | about


def getting(
    name: str, summary: str, answer: dict[str, Any], *statuses: int, **more: Any
) -> dict[str, Any]:
    """Return what is told of a path that only gives something, with how it may fail."""
    responses = {"200": answer, **failures(*sorted({405, *statuses}))}
    return {"get": {"operationId": name, "summary": summary, "responses": responses, **more}}


def component(name: str) -> dict[str, Any]:
    """Return a schema that is one of the document's components."""
    return {"$ref": f"#/components/schemas/{name}"}


def in_json(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return what is told of an answer in JSON."""
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def failures(*statuses: int) -> dict[str, Any]:
    """Return what is told of answers that are errors, by their status."""
    answers = {
        str(status): in_json(_WHAT_FAILED[status], component("Error")) for status in statuses
    }
    if "429" in answers:
        seconds = {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}
        answers["429"]["headers"] = {"Retry-After": seconds}
    if "405" in answers:
        answers["405"]["headers"] = {"Allow": {"schema": {"type": "string"}}}
    return answers
