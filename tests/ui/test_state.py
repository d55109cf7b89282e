"""What a session remembers of its visitor's own photos, and what it forgets."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def _choosing() -> None:
    import streamlit as st

    from facecore.sources.photo import Photo
    from facecore.ui import state

    def mine(key: str) -> Photo:
        return Photo(key=key, name=key, read=lambda: b"")

    st.json([list(state.own_photos()), state.shows_own_photos()])
    state.keep_own_photos([mine("a"), mine("b")])
    st.json([[photo.key for photo in state.own_photos()], state.shows_own_photos()])
    state.shows_own_photos.keep(False)
    st.json([[photo.key for photo in state.own_photos()], state.shows_own_photos()])
    state.keep_own_photos([mine("c")])
    st.json([[photo.key for photo in state.own_photos()], state.shows_own_photos()])
    state.keep_own_photos([])
    st.json([list(state.own_photos()), state.shows_own_photos()])


def _letting_go() -> None:
    import streamlit as st

    from facecore.sources.photo import Photo
    from facecore.ui import state

    for key in ("a", "b"):
        state.compared_photos()[key * 64] = Photo(key=key, name=key, read=lambda: b"")
    state.keep_only_photos({"b"})
    st.json([photo.key for photo in state.compared_photos().values()])


def test_compared_photos_go_with_the_others() -> None:
    """A photo that was removed is not kept for the sake of an experiment that it was in."""
    import json

    app = AppTest.from_function(_letting_go).run()
    assert [json.loads(element.value) for element in app.json] == [["b"]]


def test_own_photos_are_kept_and_shown() -> None:
    """New photos replace those before and are shown; a sample hides them; none brings it back."""
    import json

    app = AppTest.from_function(_choosing).run()
    assert app.exception.values == []
    assert [json.loads(element.value) for element in app.json] == [
        [[], False],
        [["a", "b"], True],
        [["a", "b"], False],
        [["c"], True],
        [[], False],
    ]
