"""Many photos of the visitor's own: a gallery that opens, odd files, more than are taken."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from facecore.imaging.decoding import BgrImage, decode_image
from facecore.sources.samples import samples
from facecore.ui import inputs
from facecore.ui.photos import SessionPhotos
from tests.batch.conftest import grey_png
from tests.pages.conftest import expect_no_error, metrics, upload, visit
from tests.sources.odd_files import read_files, refused_files


def _key(app: AppTest, name: str) -> str:
    (key,) = [p.key for p in app.session_state["facecore.own_photos"] if p.name == name]
    return str(key)


def _thumbnail(app: AppTest, name: str) -> BgrImage:
    photos: SessionPhotos = app.session_state["facecore.photos"]
    reading = photos.reading(_key(app, name))
    assert reading is not None
    return decode_image(reading.thumbnail_jpeg)


def _tiles(app: AppTest) -> list[str]:
    return [b.label.replace("\\", "") for b in app.button if str(b.key).startswith("photos_")]


def _click(app: AppTest, label: str) -> AppTest:
    (button,) = [button for button in app.button if button.label == label]
    return button.click().run()


def test_newest_is_in_full_and_a_click_opens_another(
    astronaut_file: bytes, hopper_file: bytes
) -> None:
    """The last photo that came is shown in full; a click in the gallery opens its photo instead."""
    app = upload(visit(), {"faces.png": samples()[0].read(), "one.png": astronaut_file})
    assert metrics(app)["Faces"] == "1"
    assert "one.png" in app.text.values
    app.button(key=f"photos_{_key(app, 'faces.png')}").click().run()
    assert metrics(app)["Faces"] == "8"
    assert "faces.png" in app.text.values
    green = (_thumbnail(app, "faces.png").astype(int) @ [-1, 2, -1]).max(axis=-1) > 200
    assert green.any(), "the thumbnail has no boxes"
    upload(app, {"a.png": astronaut_file, "b.jpg": hopper_file})
    assert "b.jpg" in app.text.values
    expect_no_error(app)


def test_all_photos_go_at_once_with_their_uploader(
    astronaut_file: bytes, hopper_file: bytes
) -> None:
    """One button removes what is in the uploader, which is empty and takes photos again."""
    app = upload(visit(), {"a.png": astronaut_file, "b.jpg": hopper_file})
    _click(app, "Remove my 2 photos")
    assert metrics(app)["Faces"] == "8"
    assert app.session_state["facecore.own_photos"] == ()
    (again,) = [one for one in app.file_uploader if str(one.key).startswith("uploads")]
    assert again.key != "uploads"
    again.set_value([("c.png", astronaut_file, "image/png")])
    app.run()
    assert metrics(app)["Faces"] == "1"
    assert "Remove my photo" in [button.label for button in app.button]


def test_more_photos_than_are_read_lead_to_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page says how many are read, with the way to where all of them are."""
    monkeypatch.setattr(inputs, "MAX_PHOTOS", 2)
    app = upload(visit(), {f"{number}.png": grey_png(8, number) for number in range(3)})
    assert app.warning.values == ["2 of 3 photos are read here. Batch takes 1,000 at once."]
    (link,) = app.get("page_link")
    assert link.proto.page == "batch"
    assert _tiles(app) == ["0.png", "1.png"]
    expect_no_error(app)


def test_odd_files_each_have_an_answer() -> None:
    """Whatever is dropped is either read or named beside the sentence that says why not."""
    refused = refused_files()
    app = upload(visit(), read_files() | {name: data for name, (data, _) in refused.items()})
    (told,) = app.error.values
    blocks = [block.replace("\\", "") for block in told.split("  \n")]
    for name, (_, part) in refused.items():
        (block,) = [
            block for block in blocks if name in block.split(":**")[0].strip("*").split(", ")
        ]
        assert part in block
    assert _tiles(app) == list(read_files())
    assert "**9 of 18 photos could be read**" in app.markdown.values
    assert app.exception.values == []


def test_photo_from_a_phone_is_upright_and_right_in_colour() -> None:
    """A HEIC that lies on its side looks as the photo that it was made of."""
    portrait = Image.open(io.BytesIO(samples()[-1].read())).convert("RGB")
    app = upload(visit(), {"phone.heic": read_files()["phone.heic"]})
    assert metrics(app)["Faces"] == "1"
    seen = _thumbnail(app, "phone.heic")[..., ::-1].astype(float)
    small = portrait.resize((seen.shape[1], seen.shape[0]), Image.Resampling.BOX)
    assert np.median(np.abs(seen - np.asarray(small, float))) < 5
    expect_no_error(app)


@pytest.mark.parametrize(
    ("page", "key", "name", "data", "words"),
    [
        ("tune", "truth_files", "a.png", grey_png(), "no table of text but a PNG file"),
        ("compare", "experiment_files", "a.png", grey_png(), "a.png: "),
        ("compare", "experiment_files", "empty.json", b"", "empty.json: "),
    ],
)
def test_tables_of_a_wrong_kind_are_answered(
    page: str, key: str, name: str, data: bytes, words: str
) -> None:
    """Any file may come to any uploader, and gets a sentence there."""
    app = visit(page)
    app.file_uploader(key=key).set_value([(name, data, "image/png")])
    app.run()
    assert [text for text in app.text.values if words in text]
    assert app.exception.values == []
