"""What a page says and does while others hold the queue."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from facecore.serving.queue import InferenceQueue, Waiting
from facecore.serving.service import process_service
from facecore.settings import RuntimeOptions
from facecore.settings.server import ServerSettings
from facecore.sources.samples import samples
from facecore.ui import networks
from facecore.ui.models import measured
from facecore.ui.networks import waiting_in_words
from tests.pages.conftest import PAGES, expect_no_error, go_to, metrics, upload, visit


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Iterator[InferenceQueue]:
    """The server's queue, with a line of length zero and the networks loaded."""
    networks.analyzer(RuntimeOptions())
    queue = process_service().queue
    monkeypatch.setattr(queue, "settings", ServerSettings(queue_limit=0))
    yield queue
    assert (queue.stats().running, queue.stats().waiting) == (0, 0)


def test_a_busy_server_is_a_sentence_and_a_way_to_try_again(queue: InferenceQueue) -> None:
    """The page says that the server is busy; once it is not, one click gives the answer."""
    with queue.enter("somebody else"):
        app = visit()
        (sentence,) = app.warning.values
        assert sentence.startswith("The server is busy, ")
        assert app.info.values == ["Not read yet."]
        expect_no_error(app)
        app.button(key="try_again").click().run()
        assert len(app.warning) == 1
    app.button(key="try_again").click().run()
    assert metrics(app)["Faces"] == "8"
    assert app.warning.values == []
    assert "Run 1 of this session, by ONNX Runtime." in app.caption.values
    assert not [button for button in app.button if button.key == "try_again"]


def test_what_was_known_stays_known(queue: InferenceQueue) -> None:
    """A setting that finds the server busy costs nothing: going back shows the earlier answer."""
    app = visit()
    with queue.enter("somebody else"):
        app.sidebar.slider(key="confidence").set_value(0.99).run()
        assert len(app.warning) == 1
        app.sidebar.slider(key="confidence").set_value(0.7).run()
        assert app.warning.values == []
        assert metrics(app)["Faces"] == "8"
        assert "Run 1 of this session, by ONNX Runtime." in app.caption.values
    app.sidebar.slider(key="confidence").set_value(0.99).run()
    # The detection of the first run served again.
    assert (
        "Run 2 of this session, against run 1 of this photo, by ONNX Runtime."
        not in app.caption.values
    )
    assert any("Taken over from an earlier run" in text for text in app.caption.values)
    assert metrics(app)["Faces"] == "3"


def test_of_many_photos_none_waits_behind_a_refused_one(
    queue: InferenceQueue, astronaut_file: bytes
) -> None:
    """One sentence and one button stand for all photos, and one click reads those that are left."""
    files = {f"{number}.png": astronaut_file for number in range(5)}
    with queue.enter("somebody else"):
        refused = queue.stats().refused
        app = upload(visit(), files)
        assert queue.stats().refused == refused + 2  # the sample, and the first of the five
        assert len(app.warning) == 1
        assert app.info.values == ["5 photos are not read yet."]
    app.button(key="try_again").click().run()
    assert "**5 of 5 photos could be read**" in app.markdown.values
    expect_no_error(app)


@pytest.mark.usefixtures("queue")
@pytest.mark.parametrize("address", PAGES)
def test_every_page_opens_while_the_server_is_busy(address: str, queue: InferenceQueue) -> None:
    """No page breaks; those that need a turn at once say that there is none."""
    measured.profiles.clear()
    with queue.enter("somebody else"):
        app = visit(address)
    assert app.title.values == [PAGES[address]]
    assert app.exception.values == []
    said = [*app.warning.values, *app.error.values]
    assert all(sentence.startswith("The server is busy, ") for sentence in said)
    quiet = ("live", "monitor", "compare", "optimise", "batch", "engines")
    assert len(said) == (0 if address in quiet else 1)


def test_tune_page_says_it_too(queue: InferenceQueue) -> None:
    """The Tune page reads photos as well, and asks to try again likewise."""
    with queue.enter("somebody else"):
        app = visit("tune")
        assert len(app.warning) == 1
    app.button(key="try_again").click().run()
    assert app.warning.values == []
    assert metrics(app)["Faces in 1 photo"] == "8"


def test_waiting_is_recorded(queue: InferenceQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that waited says how long, here and on the Monitor page."""
    monkeypatch.setattr(queue, "settings", ServerSettings())
    free = threading.Event()
    holds = threading.Event()

    def hold() -> None:
        with queue.enter("somebody else"):
            holds.set()
            # Until the page stands in the line, however long it takes to get there.
            while not queue.stats().waiting and not free.wait(0.01):
                pass
            free.wait(0.05)

    holder = threading.Thread(target=hold)
    holder.start()
    assert holds.wait(30)
    app = visit()
    free.set()
    holder.join()
    (caption,) = [text for text in app.caption.values if text.startswith("Run 1 of this")]
    waited_ms = int(caption.removesuffix(" ms for its turn.").rsplit(" ", 1)[1])
    assert waited_ms > 0
    assert not any(text.startswith("The server is busy") for text in app.caption.values)
    row = go_to(app, "Monitor").dataframe[0].value.iloc[0]
    assert round(row["waited_ms"]) == waited_ms


def test_a_session_waits_under_its_own_name(
    queue: InferenceQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two visitors are two sessions at the queue, and each stays the same one."""
    seen: list[str] = []
    enter = queue.enter

    def noting(session_key: str, **how: object) -> object:
        seen.append(session_key)
        return enter(session_key, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(queue, "enter", noting)
    app, other = visit(), visit()
    app.sidebar.slider(key="confidence").set_value(0.9).run()
    other.sidebar.slider(key="confidence").set_value(0.9).run()
    first, second, third, fourth = seen
    assert (first, second) == (third, fourth)
    assert first != second


def test_a_photo_is_decoded_again_only_at_the_gate(
    queue: InferenceQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tune draws a photo that is still decoded without a turn, and takes one to decode it, once."""
    app = visit("tune")
    admitted = queue.stats().admitted
    app.slider(key="tune_threshold").set_value(0.5).run()
    assert queue.stats().admitted == admitted
    monkeypatch.setattr("facecore.ui.photos.BUDGET.limit", 0)
    admitted = queue.stats().admitted
    app = visit("tune", sample=samples()[2].title)
    assert queue.stats().admitted == admitted + 2  # to read it, and to draw it
    app.slider(key="tune_threshold").set_value(0.6).run()
    assert queue.stats().admitted == admitted + 2
    expect_no_error(app)


def test_words_for_waiting() -> None:
    """The note says how many go first and how long it has been."""
    assert waiting_in_words(Waiting(0, 1.4)) == (
        "The server is busy: this one is next, waiting for 1 s."
    )
    assert waiting_in_words(Waiting(7, 12.0)) == (
        "The server is busy: 7 before this one, waiting for 12 s."
    )
