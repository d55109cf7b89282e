"""Pieces of a page that need no photo: errors as sentences."""

from __future__ import annotations

import logging

import pytest
from streamlit.testing.v1 import AppTest


def _nothing_wrong() -> None:
    import streamlit as st

    from facecore.ui.components import friendly_errors

    with friendly_errors():
        st.write("fine")


def _unexpected() -> None:
    import streamlit as st

    from facecore.ui.components import friendly_errors

    with friendly_errors():
        st.write("before")
        raise RuntimeError("secret-of-the-server")
    st.write("after")


def _known() -> None:
    from facecore.errors import ModelMissingError
    from facecore.ui.components import friendly_errors

    with friendly_errors():
        raise ModelMissingError("age_net is missing: install it.")


def _no_memory() -> None:
    from facecore.ui.components import friendly_errors

    with friendly_errors():
        raise MemoryError


def _stopped() -> None:
    import streamlit as st

    from facecore.ui.components import friendly_errors

    with friendly_errors():
        st.stop()


@pytest.mark.parametrize("script", [_nothing_wrong, _stopped])
def test_nothing_wrong_shows_no_error(script: object) -> None:
    """A page that ends well, or stops itself, has no error on it."""
    app = AppTest.from_function(script).run()  # type: ignore[arg-type]
    assert app.error.values == []
    assert app.exception.values == []


def test_unexpected_error_is_a_sentence_without_its_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What nobody foresaw is told in general words, and its traceback goes to the log alone."""
    with caplog.at_level(logging.ERROR):
        app = AppTest.from_function(_unexpected).run()
    (sentence,) = app.error.values
    assert sentence.startswith("Something unexpected went wrong")
    assert app.exception.values == []
    assert app.markdown.values == ["before", "after"]
    assert "secret-of-the-server" not in sentence
    assert "secret-of-the-server" in caplog.text


def test_known_error_is_its_own_sentence() -> None:
    """An error that facecore raises on purpose is shown as it is written."""
    app = AppTest.from_function(_known).run()
    assert app.error.values == ["age_net is missing: install it."]
    assert app.exception.values == []


def test_lack_of_memory_says_what_to_do() -> None:
    """Where memory ran out, the sentence names a way on."""
    app = AppTest.from_function(_no_memory).run()
    assert app.error.values == ["There is not enough memory for this: try a smaller photo."]


def _gallery() -> None:
    import streamlit as st

    from facecore.sources.samples import samples
    from facecore.ui.components import Tile, gallery
    from facecore.ui.state import Remembered

    opened = Remembered("opened_in_test", str)
    gallery("empty", [], opened.keep)
    photo = samples()[0].read()
    tiles = [Tile(key=key, picture=photo, name=f"*{key}*.png", note=f"{key} faces") for key in "ab"]
    st.text(opened())
    gallery("photos", tiles, opened.keep, opened())


def test_click_in_a_gallery_opens_its_picture() -> None:
    """The page hears of the click before it is drawn, and names are no Markdown."""
    app = AppTest.from_function(_gallery).run()
    assert [button.label for button in app.button] == ["\\*a\\*\\.png", "\\*b\\*\\.png"]
    assert app.caption.values == ["a faces", "b faces"]
    app.button(key="photos_b").click().run()
    assert app.text.values == ["b"]
    assert app.exception.values == []
