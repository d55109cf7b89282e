"""What a search found, as JSON and back."""

from __future__ import annotations

import pytest

from facecore.optimise.record import (
    Result,
    ResultFileError,
    result_from_json,
    result_to_json,
)
from facecore.profiles.profile import profile_from_bytes


def test_a_result_comes_back_as_it_was(result: Result) -> None:
    """A result that was written is read back equal, and anything else is refused in a sentence."""
    assert result_from_json(result_to_json(result)) == result
    for wrong in (b"", b"{}", result_to_json(result).replace(b'"version": 1', b'"version": 2')):
        with pytest.raises(ResultFileError, match=r"\.$"):
            result_from_json(wrong)


def test_a_point_is_a_profile(result: Result) -> None:
    """What a point was measured with stands in its profile's file, under its name."""
    point = result.recommended_point
    assert point is not None
    read = profile_from_bytes(point.profile_text("Door").encode(), "door.toml")
    assert (read.name, read.values["engine"], read.values["threads"]) == ("Door", "onnxruntime", 1)
    assert result.front == (point,)
