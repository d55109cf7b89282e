"""The catalogues of other languages: in step with the sources, and whole where they are offered."""

from __future__ import annotations

import re

import pytest

from facecore.wording import ENGLISH, OFFERED, name_of
from tests.translations import LOCALES, catalogue, messages

_PLACES = re.compile(r"\{\w*(?:![rsa])?(?::[^}]*)?\}")


def test_a_language_is_its_file() -> None:
    """Whoever has a catalogue is offered, by the name that it calls itself."""
    assert {path.name for path in LOCALES.iterdir()} | {ENGLISH} == set(OFFERED)
    assert [name_of(code) for code in ("en", "zh", "fr")] == ["English", "中文", "Français"]


@pytest.mark.parametrize("code", [code for code in OFFERED if code != ENGLISH])
def test_translations_have_the_places_of_their_messages(code: str) -> None:
    """What fills a sentence fills its translation; a plural may leave its number out of one."""
    for message in catalogue(code):
        said = [message.string] if isinstance(message.string, str) else message.string
        meant = message.id if isinstance(message.id, str) else message.id[-1]
        for text in filter(None, (said or ()) if message.id else ()):
            assert set(_PLACES.findall(text)) == set(_PLACES.findall(meant)), meant


@pytest.mark.parametrize("code", [code for code in OFFERED if code != ENGLISH])
def test_an_offered_catalogue_is_whole_and_in_step(code: str) -> None:
    """Each message of the sources has a translation, and each translation a message."""
    known = {message.id: message.string for message in catalogue(code) if message.id}
    wanted = set(messages())
    assert set(known) == wanted, "run 'make messages'"
    assert [one for one, said in known.items() if not said or not all(said)] == []
