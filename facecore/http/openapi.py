"""What the HTTP API takes and gives, as an OpenAPI 3.1 document."""

from __future__ import annotations

from typing import Any

import msgspec

from facecore.http.answers import Error, Health, Prediction
from facecore.http.uploads import FIELD, UploadLimits
from facecore.imaging.kinds import PHOTO_FORMATS

_WHAT_FAILED = {
    400: "There is no photo in the request, or it is damaged.",
    403: "The request comes from another site's page in a browser.",
    404: "There is no such picture, or none any more.",
    405: "The path does not take this method; Allow says which it takes.",
    408: "The photo came too slowly.",
    413: "The file is too large, or the photo has too many pixels.",
    415: "The file is not a picture of a format that is read.",
    429: "The server is busy; Retry-After says in how many seconds to try again.",
    500: "Something unexpected went wrong; the server's log says more.",
    501: "The server has no metrics, as prometheus-client is not installed.",
    503: "The networks cannot be loaded, or the memory is used up.",
}


def openapi_document(base_path: str, limits: UploadLimits, picture_age_s: float) -> dict[str, Any]:
    """Return the document.

    Args:
        base_path: what all paths begin with; empty or "/name".
        limits: what is taken from clients.
        picture_age_s: how long a picture can be fetched.
    """
    _, schemas = msgspec.json.schema_components(
        (Prediction, Health, Error), ref_template="#/components/schemas/{name}"
    )
    minutes = f"{picture_age_s / 60:g} minutes"
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Face reading on the CPU",
            "version": "1",
            "description": "Finds faces in a photo and guesses gender and age group. The answers "
            "are often wrong: they must decide nothing about a person.",
        },
        "paths": {
            f"{base_path}/predict": {"post": _predict(limits)},
            f"{base_path}/images/{{id}}": {"get": _image(minutes)},
            f"{base_path}/healthz": {"get": _healthz()},
            f"{base_path}/metrics": {"get": _metrics()},
            f"{base_path}/openapi.json": {"get": _document()},
        },
        "components": {"schemas": schemas},
    }


def _predict(limits: UploadLimits) -> dict[str, Any]:
    formats = ", ".join(PHOTO_FORMATS)
    file = {
        "type": "string",
        "contentMediaType": "application/octet-stream",
        "minLength": 1,
        "description": f"The file of a photo, up to {limits.max_bytes / 1024**2:g} MB: {formats}.",
    }
    form = {
        "type": "object",
        "properties": {FIELD: file},
        "required": [FIELD],
        "additionalProperties": False,
    }
    return {
        "operationId": "predict",
        "summary": "Read the faces of one photo.",
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": form}}},
        "responses": {
            "200": _json("The faces, surest first.", "Prediction"),
            **_failures(400, 403, 405, 408, 413, 415, 429, 500, 503),
        },
    }


def _image(minutes: str) -> dict[str, Any]:
    name = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    return {
        "operationId": "image",
        "summary": f"Fetch a photo with its faces drawn, for {minutes} at most.",
        "parameters": [name],
        "responses": {
            "200": {"description": "The photo.", "content": {"image/jpeg": {}}},
            **_failures(404, 405),
        },
    }


def _healthz() -> dict[str, Any]:
    return {
        "operationId": "healthz",
        "summary": "Ask whether photos can be read.",
        "responses": {
            "200": _json("The networks are loaded, or their files are there.", "Health"),
            **_failures(405, 503),
        },
    }


def _metrics() -> dict[str, Any]:
    return {
        "operationId": "metrics",
        "summary": "Fetch the server's figures in Prometheus's text format.",
        "responses": {
            "200": {"description": "The figures.", "content": {"text/plain": {}}},
            **_failures(405, 501),
        },
    }


def _document() -> dict[str, Any]:
    content = {"application/json": {"schema": {"type": "object"}}}
    return {
        "operationId": "openapi",
        "summary": "Fetch this document.",
        "responses": {
            "200": {"description": "This document.", "content": content},
            **_failures(405),
        },
    }


def _json(description: str, schema: str) -> dict[str, Any]:
    reference = {"$ref": f"#/components/schemas/{schema}"}
    return {"description": description, "content": {"application/json": {"schema": reference}}}


def _failures(*statuses: int) -> dict[str, Any]:
    answers = {str(status): _json(_WHAT_FAILED[status], "Error") for status in statuses}
    if "429" in answers:
        seconds = {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}
        answers["429"]["headers"] = {"Retry-After": seconds}
    if "405" in answers:
        answers["405"]["headers"] = {"Allow": {"schema": {"type": "string"}}}
    return answers
