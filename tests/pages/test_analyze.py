"""The Analyze page: samples, uploads, what moving a setting runs again."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from streamlit.testing.v1 import AppTest

from facecore.engines.base import Blob
from facecore.models.network import Network
from facecore.settings import RuntimeOptions
from facecore.sources.photo import Photo
from facecore.sources.samples import samples
from facecore.ui import networks
from facecore.ui.components import as_text
from tests.pages.conftest import expect_no_error, forget_service, go_to, metrics, upload, visit

BROKEN = b"not a picture"
ODD_NAMES = [
    "<img src=x onerror=alert(1)>.png",
    "**bold** [link](javascript:alert(1)).png",
    ":material/home: :red[x] $x^2$.png",
    "élève 東京.png",
]


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[int]]:
    """Note how many pictures each pass of the server's own networks gets, by network."""
    noted: dict[str, list[int]] = {}
    for network in networks.analyzer(RuntimeOptions()).networks:
        noted[network.spec.role] = []
        monkeypatch.setattr(network, "run", _noting(network, noted[network.spec.role]))
    return noted


def _noting(
    network: Network, noted: list[int]
) -> Callable[[Blob], tuple[NDArray[np.float32], ...]]:
    run = network.run

    def noted_run(blob: Blob) -> tuple[NDArray[np.float32], ...]:
        noted.append(len(blob))
        return run(blob)

    return noted_run


def _move(app: AppTest, confidence: float) -> None:
    app.sidebar.slider(key="confidence").set_value(confidence).run()


def test_first_opening_shows_an_analysed_sample() -> None:
    """A newcomer sees eight faces and what they cost before touching anything."""
    app = visit()
    shown = metrics(app)
    assert list(shown) == ["Latency", "CPU", "Memory, peak", "Faces"]
    assert shown["Faces"] == "8"
    units = {"Latency": " ms", "CPU": " %", "Memory, peak": " MB"}
    for label, unit in units.items():
        assert float(shown[label].removesuffix(unit)) > 0
    assert app.dataframe[0].value["no"].tolist() == list(range(1, 9))
    assert len(app.get("plotly_chart")) == 1
    assert [button.label for button in app.main.download_button] == [
        "Annotated PNG",
        "Crops ZIP",
        "Faces CSV",
        "JSON",
    ]
    expect_no_error(app)


@pytest.mark.parametrize("sample", samples()[2:], ids=lambda sample: sample.key)
def test_sample_can_be_chosen_by_link(sample: Photo) -> None:
    """A link opens its sample, with whose photo it is and what is true."""
    app = visit(sample=sample.title)
    assert metrics(app)["Faces"] == "1"
    assert f"Photo: {sample.credit}." in app.caption.values
    (card,) = [text for text in app.markdown.values if text.startswith("**Face 1**")]
    assert card.endswith(f"**True:** {sample.people[0].in_words}")


def test_no_face_is_said_in_words() -> None:
    """Where no face reaches the confidence, the page says so and what to do; it is no error."""
    app = visit(confidence="1.0")
    assert metrics(app)["Faces"] == "0"
    assert app.info[0].value.startswith("No face reaches this confidence.")
    expect_no_error(app)


@pytest.mark.usefixtures("modern")
def test_the_other_set_is_beside_a_photo_without_a_face() -> None:
    """Where neither set finds a face both say so, and what to try is offered once."""
    app = visit(confidence="1.0")
    app.toggle(key="beside").set_value(True).run()
    expect_no_error(app)
    assert [text.split(",")[0] for text in app.caption.values].count("no face") == 2
    assert len([info for info in app.info if info.value.startswith("No face")]) == 1


def test_uploaded_photo_takes_the_samples_place(astronaut_file: bytes) -> None:
    """One good upload is read and shown; taking it away brings the sample back."""
    app = upload(visit(), {"mine.png": astronaut_file})
    assert metrics(app)["Faces"] == "1"
    assert not any("**True:**" in text for text in app.markdown.values)
    expect_no_error(app)
    app.file_uploader(key="uploads").set_value(None)
    assert metrics(app.run())["Faces"] == "8"


def test_one_broken_upload_is_a_sentence_with_its_name() -> None:
    """A file that is no picture gives its name and why, and nothing else goes wrong."""
    app = upload(visit(), {"bad.png": BROKEN})
    assert app.text.values == ["bad.png"]
    (sentence,) = app.error.values
    assert sentence.startswith("This is not a picture that can be read")
    assert app.exception.values == []


def test_broken_upload_costs_only_itself(astronaut_file: bytes, hopper_file: bytes) -> None:
    """Among several photos the broken one has its sentence, and the others their faces."""
    files = {"a.png": astronaut_file, "bad.png": BROKEN, "b.jpg": hopper_file, "empty.png": b""}
    app = upload(visit(), files)
    assert "**2 of 4 photos could be read**" in app.markdown.values
    assert app.text.values == ["b.jpg"]
    (told,) = app.error.values
    assert [as_text(name) in told for name in files] == [False, True, False, True]
    assert sum(text.startswith("1 face, ") for text in app.caption.values) == 2
    assert app.exception.values == []


@pytest.mark.parametrize("name", ODD_NAMES)
def test_name_is_shown_as_plain_text(name: str, astronaut_file: bytes) -> None:
    """A stranger's file name is never taken for HTML or Markdown."""
    app = upload(visit(), {name: BROKEN, f"good {name}": astronaut_file})
    assert app.text.values == [f"good {name}"]
    interpreted = [*app.markdown.values, *app.caption.values, *app.error.values]
    interpreted += [element.value for element in app.html]
    assert not any(name in text for text in interpreted)
    assert app.exception.values == []


def test_same_settings_run_nothing_again(batches: dict[str, list[int]]) -> None:
    """Running the page again without a change costs no pass and is no run."""
    app = visit()
    before = {role: list(noted) for role, noted in batches.items()}
    assert before == {"detector": [1], "gender": [8], "age": [8]}
    app.run()
    assert batches == before
    assert "Run 1 of this session, by ONNX Runtime." in app.caption.values


def test_confidence_classifies_only_faces_never_seen(batches: dict[str, list[int]]) -> None:
    """Lowering the confidence reads the new faces alone; nothing is ever detected again."""
    app = visit(confidence="0.99")
    assert batches == {"detector": [1], "gender": [3], "age": [3]}
    _move(app, 0.7)
    assert metrics(app)["Faces"] == "8"
    assert batches == {"detector": [1], "gender": [3, 5], "age": [3, 5]}
    for confidence in (0.95, 0.8, 0.7):
        _move(app, confidence)
    assert batches == {"detector": [1], "gender": [3, 5], "age": [3, 5]}
    assert "Taken over from an earlier run: decode, resize, detect." in app.caption.values
    assert (
        "Run 5 of this session, against run 4 of this photo, by ONNX Runtime." in app.caption.values
    )


def test_longest_side_detects_again(batches: dict[str, list[int]]) -> None:
    """Another copy for the detector needs another pass of it."""
    app = visit()
    app.sidebar.select_slider(key="max_side").set_value("320").run()
    assert batches["detector"] == [1, 1]
    expect_no_error(app)


def test_crop_margin_reads_again_and_detects_nothing(batches: dict[str, list[int]]) -> None:
    """Other crops of the same faces go through the attribute networks alone."""
    app = visit()
    app.sidebar.slider(key="crop_margin").set_value(0.3).run()
    assert batches == {"detector": [1], "gender": [8, 8], "age": [8, 8]}


def test_faces_can_be_read_one_by_one(batches: dict[str, list[int]]) -> None:
    """The switch under Speed reads the same eight faces again, each in a pass of its own."""
    app = visit()
    app.sidebar.toggle(key="batch_faces").set_value(False).run()
    assert batches == {"detector": [1], "gender": [8] + [1] * 8, "age": [8] + [1] * 8}
    assert metrics(app)["Faces"] == "8"
    expect_no_error(app)


def test_runtime_option_loads_other_networks(batches: dict[str, list[int]]) -> None:
    """A change under Speed is run by networks that were built for it."""
    app = visit()
    before = {role: list(noted) for role, noted in batches.items()}
    app.sidebar.selectbox(key="threads").set_value("1").run()
    others = networks.analyzer(RuntimeOptions(threads=1)).networks
    assert all(network.options.threads == 1 for network in others)
    assert batches == before
    assert metrics(app)["Faces"] == "8"
    expect_no_error(app)


def test_networks_of_earlier_options_are_let_go() -> None:
    """However many options a session tries, no more sets stay in memory than are cached."""
    forget_service()
    app = visit()
    first = weakref.ref(networks.analyzer(RuntimeOptions()))
    for threads in ("1", "2"):
        app.sidebar.selectbox(key="threads").set_value(threads).run()
    expect_no_error(app)
    gc.collect()
    assert first() is None


def test_sessions_do_not_see_each_others_photos(astronaut_file: bytes) -> None:
    """What one visitor uploads and sets is not on another's page."""
    mine = upload(visit(confidence="0.9"), {"mine.png": astronaut_file})
    other = visit()
    assert metrics(other)["Faces"] == "8"
    assert "Run 1 of this session, by ONNX Runtime." in other.caption.values
    assert go_to(mine, "Monitor").dataframe[0].value["photo"].tolist() == [
        "mine.png",
        "figures.png",
    ]
