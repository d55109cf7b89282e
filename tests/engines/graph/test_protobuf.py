"""The wire format, against examples of its own documentation."""

from __future__ import annotations

import pytest

from facecore.engines.graph.protobuf import field, fields, varints


def test_an_empty_message_has_no_fields() -> None:
    """No bytes are a message without fields."""
    assert list(fields(memoryview(b""))) == []


def test_fields_are_written_as_the_documentation_says() -> None:
    """150 as field 1 is 08 96 01, "testing" as field 2 is 12 07 and its letters."""
    assert field(1, 150) == b"\x08\x96\x01"
    assert field(2, "testing") == b"\x12\x07testing"


@pytest.mark.parametrize("number", [0, 127, 128, 300, 2**63 - 1])
def test_what_is_written_is_read(number: int) -> None:
    """Numbers and bytes come back in order, under their field's number."""
    message = field(1, number) + field(200, b"\x00\xff")
    first, second = fields(memoryview(message))
    assert first == (1, number)
    assert second[0] == 200
    assert isinstance(second[1], memoryview)
    assert bytes(second[1]) == b"\x00\xff"


def test_packed_numbers_are_read() -> None:
    """3, 270 and 86942 packed are 03 8E 02 9E A7 05."""
    assert varints(memoryview(b"\x03\x8e\x02\x9e\xa7\x05")) == (3, 270, 86942)


@pytest.mark.parametrize("broken", [b"\x08", b"\x12\x07test", b"\x0b", b"\x08" + b"\xff" * 12])
def test_what_is_no_message_is_refused(broken: bytes) -> None:
    """A number without an end, a field that is too long, a wire type nobody knows."""
    with pytest.raises(ValueError):
        list(fields(memoryview(broken)))
