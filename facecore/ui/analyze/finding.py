"""What the Analyze page says of the looks that were taken, and what to try where few faces are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby

import streamlit as st

from facecore.models.catalogue import set_specs
from facecore.results import Analysis, Look
from facecore.settings import DEFAULT_MODEL_SET, AnalysisSettings
from facecore.settings.presets import CROWD, PRESETS
from facecore.ui import state
from facecore.ui.readings import SHOWN_FROM
from facecore.ui.sidebar import slider_step, use_confidence, use_preset
from facecore.wording import Text, _, counted

_ALL_SMALL_RATIO = 1 / 16  # where the largest face is less, of the longer side
_ASKED = Text("as the settings ask for it")


def looks_taken(analysis: Analysis) -> None:
    """Say which looks the detector took and why, what each found, and what it cost."""
    st.caption(
        _(
            "Looks of the detector: {looks}.",
            looks=looks_in_words(analysis.looks, analysis.settings),
        )
    )


def looks_in_words(looks: Sequence[Look], settings: AnalysisSettings) -> str:
    """Return which looks were taken, why, how many sure faces each saw and how long it took."""
    return _("; ").join(_told(looks, settings))


def turned(analysis: Analysis) -> None:
    """Say by how much the photo was turned to be read, where it was."""
    degrees = analysis.faces[0].detection.turned_degrees if analysis.faces else 0
    if degrees:
        st.info(
            _(
                "Read turned by {degrees}° clockwise, as its surest face lies like that. "
                "Boxes are those of the photo as it lies, crops are upright.",
                degrees=degrees,
            ),
            icon=":material/rotate_right:",
        )


def what_to_try(analysis: Analysis, model_set: str) -> None:
    """Say where no face, or none but small ones, was found, and offer what may find more."""
    offers = [*_closer(analysis, model_set)]
    if not analysis.faces:
        offers += _other_ways(analysis)
        words = _("No face reaches this confidence. Try this:")
        if not offers:
            words = _(
                "No face reaches this confidence. Try a photo where faces are larger or sharper."
            )
        st.info(words, icon=":material/search_off:")
    elif not (offers and _all_are_small(analysis)):
        return
    else:
        found = counted(len(analysis.faces), "face")
        st.info(
            _(
                "{found} found, all small: there may be more. A closer look takes longer.",
                found=found,
            ),
            icon=":material/groups:",
        )
    row = st.container(horizontal=True)
    for number, (label, symbol, take) in enumerate(offers):
        row.button(
            label,
            icon=f":material/{symbol}:",
            on_click=take,
            type="secondary" if number else "primary",
        )


def _closer(analysis: Analysis, model_set: str) -> Iterator[tuple[str, str, partial[None]]]:
    """Yield what leads to small faces in one click, the best first.

    On team photos of twenty faces that are 1.1 to 2 % as high as the photo is wide, the crowd
    preset finds 16 to 20 with the modern set, 0 to 17 with the article's.
    """
    modern = next(
        (name for name, one in set_specs().items() if name != DEFAULT_MODEL_SET and one.is_there),
        None,
    )
    crowd, ours = PRESETS[CROWD], analysis.settings
    is_crowd = (ours.input_size_px, ours.max_side_px) == (crowd.input_size_px, crowd.max_side_px)
    sets, plain = set_specs(), _("Look for small faces")

    def with_set(name: str) -> str:
        return _("Look for small faces with {title}", title=Text(sets[name].title))

    if modern and not (is_crowd and model_set == modern):
        words = plain if model_set == modern else with_set(modern)
        yield words, "zoom_in", partial(use_preset, CROWD, model_set=modern)
    if model_set != modern and not (is_crowd and ours.closer_look == "always"):
        words = with_set(model_set) if modern else plain
        yield words, "zoom_in", partial(use_preset, CROWD, closer_look="always")
    if model_set == modern and is_crowd and not analysis.faces and ours.closer_look != "always":
        yield _("Look closer still"), "zoom_in", partial(_always, "closer_look")


def _other_ways(analysis: Analysis) -> Iterator[tuple[str, str, partial[None]]]:
    below = [one.confidence for one in analysis.candidates if one.confidence >= SHOWN_FROM]
    if below:
        lower = slider_step(below[0])
        faces = counted(sum(one >= lower for one in below), "face")
        yield (
            _("Confidence {lower:.2f}: {faces}", lower=lower, faces=faces),
            "tune",
            partial(use_confidence, lower),
        )
    if analysis.settings.orientation == "never":
        yield _("Look in all four directions"), "rotate_right", partial(_always, "orientation")


def _all_are_small(analysis: Analysis) -> bool:
    """Return whether the largest face is so small that a look at the whole photo misses others."""
    limit_px = _ALL_SMALL_RATIO * max(analysis.size_wh)
    return all(face.box.height < limit_px for face in analysis.faces)


def _always(setting: str) -> None:
    state.set_widget_values({setting: "always"})


def _told(looks: Sequence[Look], settings: AnalysisSettings) -> Iterator[str]:
    found = closer = 0
    for kind, group in groupby(looks, key=lambda look: look.kind):
        for many in [[*group]] if kind == "turned" else [[one] for one in group]:
            seen, time_ms = max(look.faces for look in many), sum(look.time_ms for look in many)
            closer += kind == "closer"
            words = _in_words(many, settings, found=found, again=closer > 1)
            yield _(
                "{words} ({faces}, {time_ms:.0f} ms)",
                words=words,
                faces=counted(seen, "face"),
                time_ms=time_ms,
            )
            found = max(found, seen)


def _in_words(looks: list[Look], settings: AnalysisSettings, *, found: int, again: bool) -> str:
    look = looks[0]
    if look.kind == "turned":
        why = _("as the surest face may not be upright") if found else _("as no face was sure")
        by = _(", ").join(f"{one.turned_degrees}°" for one in looks)
        return _(
            "turned by {by}, {why}",
            by=by,
            why=_ASKED if settings.orientation == "always" else why,
        )
    if look.kind == "closer":
        if again:
            return _("{parts} more parts closer, as the first showed faces", parts=look.parts)
        why = _ASKED if settings.closer_look == "always" else _("for signs of small faces")
        return _("{parts} parts closer, {why}", parts=look.parts, why=why)
    if look.kind == "strips":
        return _("{parts} strips, as the photo is long", parts=look.parts)
    return _("the whole photo")
