"""What a session remembers of its visitor's own photos, and what it forgets."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from facecore.ui import state


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


def _remembering() -> None:
    import streamlit as st

    from facecore.ui import state

    lasting = state.Remembered[list[int]]("test_lasting", list, lasts=True)
    passing = state.Remembered[list[int]]("test_passing", list)
    for one in (lasting, passing):
        one().append(len(one()))
    st.json([lasting(), passing()])


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Sessions that have a page open; what is called is said by `_open`."""
    open_now: set[str] = set()
    monkeypatch.setattr(state, "is_connected", open_now.__contains__)
    return open_now


def _open(monkeypatch: pytest.MonkeyPatch, secret: str, session: str) -> AppTest:
    """Open a page in a browser with a secret, as a session of its own."""
    monkeypatch.setattr(state, "visitor_of", lambda _: secret)
    monkeypatch.setattr(state, "session_id", lambda: session)
    return AppTest.from_function(_remembering).run()


def _remembered(app: AppTest) -> list[list[int]]:
    import json

    assert app.exception.values == []
    return list(json.loads(app.json[0].value))


def test_a_lost_page_is_found_again_by_its_browser_alone(
    monkeypatch: pytest.MonkeyPatch, connected: set[str]
) -> None:
    """A reload has what lasts, and begins anew with the rest; a stranger's page has neither."""
    first = _open(monkeypatch, "mine", "1")
    assert _remembered(first) == [[0], [0]]
    connected.add("1")
    # Another tab of the same browser beside the first is on its own.
    tab = _open(monkeypatch, "mine", "2")
    assert _remembered(tab) == [[0], [0]]
    connected.add("2")
    connected.remove("1")
    for secret in ("another", "", ""):
        assert _remembered(_open(monkeypatch, secret, secret)) == [[0], [0]]
    assert _remembered(_open(monkeypatch, "mine", "3")) == [[0, 1], [0]]


def test_what_nobody_holds_is_gone(monkeypatch: pytest.MonkeyPatch, connected: set[str]) -> None:
    """Once a lost session is closed, a later page of its browser begins anew."""
    import gc

    app = _open(monkeypatch, "closed", "1")
    assert _remembered(app) == [[0], [0]]
    del app
    gc.collect()
    assert connected == set()
    assert _remembered(_open(monkeypatch, "closed", "2")) == [[0], [0]]
