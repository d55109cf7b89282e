"""Text of any script as pixels."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import features

from facecore.imaging.lettering import LINE_EM, text_mask, text_width_em

MISSING = "\U0010fffe"


@pytest.mark.parametrize(
    "text",
    ["Žena é (25-32)", "Đỗ Nguyễn", "Ελλάδα", "Жен. до", "女性 25-32岁", "おんな", "أنثى", "אישה"],
)
def test_every_letter_is_drawn(text: str) -> None:
    """Each letter has ink of its own, and none is the sign for a missing one."""
    missing = text_mask(MISSING, 40)
    assert missing.any()
    for letter in set(text) - {" "}:
        drawn = text_mask(letter, 40)
        assert drawn.max() > 200
        assert drawn.shape != missing.shape or (drawn != missing).any()
        bottom_and_top = drawn[[0, -1]]
        assert bottom_and_top.max() < 255  # nothing is cut off


@pytest.mark.parametrize("size_px", [12, 28, 90])
@pytest.mark.parametrize("text", ["1 Female (25-32)", "1 女 (25-32)", "1 أنثى (25-32)"])
def test_text_is_as_wide_as_told(text: str, size_px: int) -> None:
    """A text takes the room that was counted on for it, at every size."""
    mask = text_mask(text, size_px)
    width = text_width_em(text) * size_px
    assert mask.shape[0] == round(LINE_EM * size_px)
    assert width <= mask.shape[1] < width + 1
    ink = np.flatnonzero(mask.any(axis=0))
    assert ink[0] < 0.3 * size_px
    assert ink[-1] > width - 0.3 * size_px


def test_words_are_laid_as_one_text() -> None:
    """Words that were kept and laid side by side look as if drawn at once."""
    from facecore.imaging.lettering import _piece_mask

    at_once = _piece_mask("12 Female (25-32)", 40).astype(int)
    laid = text_mask("12 Female (25-32)", 40).astype(int)
    assert laid.shape == at_once.shape
    assert np.abs(laid.sum(axis=0) - at_once.sum(axis=0)).mean() < 0.1 * at_once.sum(axis=0).mean()


@pytest.mark.skipif(
    not features.check("fribidi"), reason="without the system's FriBiDi Pillow joins no letters"
)
def test_arabic_is_joined_and_runs_from_the_right() -> None:
    """Joined letters are narrower than lone ones, and the first one lies at the right."""
    word = "ببب"
    joined, alone = text_width_em(word), 3 * text_width_em("ب")
    assert joined < 0.8 * alone
    mask = text_mask("ا ببب", 60)
    ink = np.flatnonzero(mask.any(axis=0))
    tall = np.flatnonzero(mask[:30].any(axis=0))  # of the alif alone
    assert tall.min() > ink.mean()
