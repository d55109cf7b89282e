"""A face in full: its crop, what is true of it where that is known, and all that was read."""

from __future__ import annotations

import html

import streamlit as st

from facecore.results import AgeGroupPrediction, Face, GenderPrediction
from facecore.sources.photo import Person
from facecore.ui.charts import STAGE_COLOURS
from facecore.wording import Text, _

_CROP_WIDTH_PX = 112
_BAR_COLOUR = STAGE_COLOURS["detect"]


def face_card(
    number: int, face: Face, crop_jpeg: bytes, limit: float, person: Person | None
) -> None:
    """Draw a card.

    Args:
        number: of the face on its photo.
        face: what was read.
        crop_jpeg: the face as the networks were given it.
        limit: an answer whose probability is below is marked unsure.
        person: who it is, where that is known.
    """
    with st.container(border=True):
        row = st.container(horizontal=True, vertical_alignment="center")
        row.image(crop_jpeg, width=_CROP_WIDTH_PX, alt=_("Face {number}", number=number))
        gender, age = face.gender, face.age_group
        years, expected = "", _("Expected age {age:.0f}", age=age.expected_age)
        if age.years is not None:
            years, expected = _("{years:.0f} years", years=age.years) + ", ", ""
        lines = [
            _("**Face {number}**", number=number),
            _gender(gender) + _unsure(gender, limit),
            _(
                "Age {years}{label}, {probability:.0%}{unsure}",
                years=years,
                label=age.label,
                probability=age.probability,
                unsure=_unsure(age, limit),
            ),
            expected,
            _("Face found with {confidence:.0%}", confidence=face.confidence),
            _("**True:** {person}", person=person.in_words) if person else "",
        ]
        row.markdown("  \n".join(filter(None, lines)))
        st.html(
            _probability_bars(_("Probability of each gender"), gender.as_dict())
            + '<div style="height:.5rem"></div>'
            + _probability_bars(_("Probability of each age group"), age.as_dict())
        )


def _gender(answer: GenderPrediction) -> str:
    return _("{label}, {probability:.0%}", label=Text(answer.label), probability=answer.probability)


def _unsure(answer: GenderPrediction | AgeGroupPrediction, limit: float) -> str:
    return f" :orange-badge[{_('unsure')}]" if answer.probability < limit else ""


def _probability_bars(what: str, probabilities: dict[str, float]) -> str:
    best = max(probabilities.values())
    rows = "".join(
        '<div style="display:flex;align-items:center;gap:.5rem;line-height:1.35">'
        f'<span style="flex:0 0 4.6rem">{html.escape(_(label))}</span>'
        '<span style="flex:1;background:rgba(128,128,128,.18);border-radius:3px;height:.7rem">'
        f'<span style="display:block;height:100%;width:{100 * probability:.1f}%;'
        f"background:{_BAR_COLOUR};opacity:{1 if probability == best else 0.55};"
        'border-radius:3px"></span></span>'
        f'<span style="flex:0 0 2.6rem;text-align:right">{probability:.0%}</span></div>'
        for label, probability in probabilities.items()
    )
    said = _(", ").join(f"{_(label)} {share:.0%}" for label, share in probabilities.items())
    return (
        f'<div role="img" aria-label="{what}: {html.escape(said)}" '
        f'style="font-size:.85rem">{rows}</div>'
    )
