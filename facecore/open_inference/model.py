"""The one model that a server has: its tensors, and how a request's become an answer's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from facecore.errors import UnsupportedImageError
from facecore.http.api import Caller, HttpApi, Reading
from facecore.http.problems import RequestError
from facecore.results import Analysis

SERVER = "facecore"
PLATFORM = "facecore_pipeline"
VERSION = "1"
"""Of every model: changes when a tensor of the same name means something else."""

MOST_BESIDE_BYTES = 65_536
"""A request may have so much beside its photo: short fields take many times their bytes."""

EXTENSIONS = ("binary_tensor_data", "parameters")
PHOTO = "image"

Parameters = Mapping[str, bool | int | float | str]

_NUMPY = {"FP32": "<f4", "INT32": "<i4"}
_LENGTH_BYTES = 4
_ANSWERED_OTHERWISE = "binary_data_output"  # a parameter of how, not of what


class Shape(NamedTuple):
    """A tensor as metadata tell of it; a dimension of -1 is as long as there are faces."""

    name: str
    datatype: str
    shape: tuple[int, ...]


class Output(NamedTuple):
    """A tensor of the answer, and how it is taken from an analysis."""

    told: Shape
    about: str
    values: Callable[[Analysis], Sequence[Any]]


class Tensor(NamedTuple):
    """A tensor that is answered: its values as they are, nested as its shape says."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    values: Sequence[Any]

    def raw(self) -> bytes:
        """Return the values little-endian, row by row; each text after its length in 4 bytes."""
        if self.datatype == "BYTES":
            return b"".join(
                len(data).to_bytes(_LENGTH_BYTES, "little") + data
                for data in (text.encode() for text in self.values)
            )
        return np.array(self.values, _NUMPY[self.datatype]).tobytes()


class Given(NamedTuple):
    """A tensor of a request, without its content."""

    name: str
    datatype: str
    shape: Sequence[int]


def _of_faces(name: str, datatype: str, about: str, value: Callable[[Any], Any]) -> Output:
    told = Shape(name, datatype, (-1,))
    return Output(told, about, lambda analysis: [value(face) for face in analysis.faces])


INPUT = Shape(PHOTO, "BYTES", (1,))
OUTPUTS = {
    output.told.name: output
    for output in (
        Output(
            Shape("boxes", "INT32", (-1, 4)),
            "x1, y1, x2, y2 in pixels of the upright photo; x2 and y2 are one past the last.",
            lambda analysis: [list(face.box.xyxy) for face in analysis.faces],
        ),
        _of_faces("confidence", "FP32", "The detector's, 0 to 1.", lambda face: face.confidence),
        _of_faces("gender", "BYTES", "Male or Female.", lambda face: face.gender.label),
        _of_faces("gender_probability", "FP32", "Of it.", lambda face: face.gender.probability),
        _of_faces("age_group", "BYTES", "Such as (25-32).", lambda face: face.age_group.label),
        _of_faces(
            "age_group_probability", "FP32", "Of it.", lambda face: face.age_group.probability
        ),
        _of_faces(
            "age_years",
            "FP32",
            "The network's, else the mean of the groups' middles by their probabilities.",
            lambda face: face.age_group.expected_age,
        ),
        _of_faces(
            "turned_degrees",
            "INT32",
            "By how much the photo was turned clockwise to read it.",
            lambda face: face.detection.turned_degrees,
        ),
        Output(
            Shape("image_size", "INT32", (2,)),
            "Width and height of the upright photo in pixels.",
            lambda analysis: list(analysis.size_wh),
        ),
    )
}
"""What can be asked for, by name; a face has the same place in each, the surest first."""


class Asked(NamedTuple):
    """A request for inference, whoever carried it."""

    photo: bytes
    parameters: Parameters = MappingProxyType({})
    outputs: Sequence[str] = ()


class Model:
    """The model set that a server reads with, under its name."""

    def __init__(self, api: HttpApi) -> None:
        self.api = api

    @property
    def name(self) -> str:
        """Its key in settings and files, such as "article"."""
        return self.api.service.options.model_set

    def check(self, name: str, version: str = "") -> None:
        """Raise 404 as a RequestError where this is not the model that is asked for."""
        if name != self.name:
            raise RequestError(
                404,
                "There is no model {asked} here: this server reads with '{name}'.",
                asked=ascii(name)[:60],
                name=self.name,
            )
        if version not in ("", VERSION):
            raise RequestError(
                404,
                "There is no version {asked} of '{name}': leave it out, or ask for '{version}'.",
                asked=ascii(version)[:60],
                name=name,
                version=VERSION,
            )

    async def infer(self, asked: Asked, caller: Caller) -> tuple[Reading, list[Tensor]]:
        """Return what was read of the photo, and the tensors that were asked for, in that order.

        Raises:
            FacecoreError: as `HttpApi.read` does; RequestError 400, no such output, or one twice.
        """
        unknown = [name for name in asked.outputs if name not in OUTPUTS]
        if unknown:
            raise RequestError(
                400,
                "There is no output {asked}: ask for {names}.",
                asked=ascii(unknown[0])[:60],
                names=", ".join(OUTPUTS),
            )
        if len(set(asked.outputs)) < len(asked.outputs):
            # A request has room for the names of millions.
            raise RequestError(400, "An output is asked for twice: name each once.")
        try:
            read = await self.api.read(asked.photo, _fields(asked.parameters), caller)
        except UnsupportedImageError as error:
            # 415 would speak of the request's own type.
            raise RequestError(400, error.text) from None
        return read, [_answered(OUTPUTS[name], read.analysis) for name in asked.outputs or OUTPUTS]


def told_of(read: Reading) -> dict[str, str | float]:
    """Return an answer's parameters: what ran the networks, and the wait for a turn."""
    return {"engine": read.analysis.engine, "waited_ms": round(read.waited_ms, 3)}


def check_beside(length: int) -> None:
    """Raise 400 as a RequestError where a request has more bytes beside its photo than it may."""
    if length > MOST_BESIDE_BYTES:
        raise RequestError(
            400,
            "There is too much beside the photo: name only the outputs and parameters that you "
            "want.",
        )


def check_inputs(inputs: Sequence[Given]) -> None:
    """Raise 400 as a RequestError unless one photo, and nothing else, is given."""
    for given in inputs:
        if (given.name, given.datatype, tuple(given.shape)) != INPUT:
            raise RequestError(
                400,
                "The input {asked} ({datatype} {shape}) is not what is read: send one "
                "photo as '{photo}' (BYTES [1]).",
                asked=ascii(given.name)[:60],
                datatype=given.datatype[:20],
                shape=list(given.shape[:8]),
                photo=PHOTO,
            )
    if len(inputs) != 1:
        raise RequestError(
            400,
            "There are {n} inputs: send one photo as '{photo}' (BYTES [1]).",
            n=len(inputs),
            photo=PHOTO,
        )


def check_known(parameters: Iterable[str], *known: str) -> None:
    """Raise 400 as a RequestError where a tensor has a parameter that would do nothing."""
    for name in parameters:
        if name not in known:
            raise RequestError(
                400,
                "A tensor's parameter {asked} is not supported: leave it out.",
                asked=ascii(name)[:60],
            )


def one_element(raw: bytes | memoryview) -> bytes:
    """Return the one element of a BYTES tensor from its binary form.

    Raises:
        RequestError: 400, it is none, or several.
    """
    length = int.from_bytes(raw[:_LENGTH_BYTES], "little")
    if len(raw) != _LENGTH_BYTES + length:
        raise RequestError(
            400,
            "'{photo}' is not one element: send the photo's length in 4 bytes, "
            "little-endian, and then its file.",
            photo=PHOTO,
        )
    return bytes(raw[_LENGTH_BYTES:])


def _fields(parameters: Parameters) -> dict[str, str]:
    """Return parameters that are settings, as texts like those of a form."""
    return {name: str(value) for name, value in parameters.items() if name != _ANSWERED_OTHERWISE}


def _answered(output: Output, analysis: Analysis) -> Tensor:
    name, datatype, shape = output.told
    values = output.values(analysis)
    return Tensor(name, datatype, (len(values), *shape[1:]), values)
