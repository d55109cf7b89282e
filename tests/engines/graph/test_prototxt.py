"""The text format of Caffe's descriptions."""

from __future__ import annotations

import pytest

from facecore.engines.graph.prototxt import parse


def test_an_empty_text_is_an_empty_message() -> None:
    """Nothing but blanks and comments has no fields."""
    message = parse("  # nothing\n")
    assert message.texts("name") == []
    assert message.message("layer").whole("pad", 3) == 3


def test_fields_repeat_and_nest() -> None:
    """Values keep their order and kind, whether a bracket has a colon or not."""
    message = parse(
        'input: "data" dim: 1 dim: 3 # two\n p { bias_term: false type: MAX } p: { lr_mult: 0.5 }'
    )
    assert message.text("input") == "data"
    assert message.numbers("dim") == [1, 3]
    first, second = message.messages("p")
    assert not first.flag("bias_term", True)
    assert first.text("type") == "MAX"
    assert second.number("lr_mult", 0) == 0.5


@pytest.mark.parametrize("broken", ["layer {", "}", "a: }", 'a: "open', "a", "{ }", "a :: 1"])
def test_what_is_no_description_is_refused(broken: str) -> None:
    """Brackets without a partner, values without a name and texts without an end."""
    with pytest.raises(ValueError):
        parse(broken)
