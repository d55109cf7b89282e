"""The faces on the Analyze page: cards or a table, and what leads to small ones."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.imaging.decoding import decode_image, encode_jpeg
from facecore.settings import AnalysisSettings, RuntimeOptions
from facecore.sources.samples import samples
from facecore.ui.photos import Reading
from facecore.ui.readings import crops_zip
from tests.crowd import crowd_photo
from tests.pages.conftest import expect_no_error, metrics, upload, visit


@pytest.fixture(scope="module")
def team() -> bytes:
    """Twenty faces of which each is a sixtieth as high as the photo is wide, on a plain wall."""
    wall = np.full((2600, 4000, 3), 130, np.uint8)
    wall[1000:1300, 1200:2700] = decode_image(crowd_photo())[:300]
    return encode_jpeg(wall)


def test_a_single_face_has_a_card_and_no_table() -> None:
    """Few faces are read at a glance: no table, and no number under another's name."""
    app = visit(sample=samples()[2].title)
    assert len(app.dataframe) == 0
    (card,) = [text for text in app.markdown.values if text.startswith("**Face 1**")]
    assert "Face found with 100%" in card
    assert "Confidence" not in card


def test_many_faces_are_a_table_that_can_be_filtered() -> None:
    """The filter leaves the women's rows, whose answers are there, and the first one's card."""
    app = visit()
    table = app.dataframe[0].value
    assert table["true"].str.len().min() > 0
    assert table["crop"].str.startswith("data:image/jpeg;base64,").all()
    women = table[table["gender"] == "Female"]
    app.pills(key="faces_filter").set_value(["Female"]).run()
    shown = app.dataframe[0].value
    assert shown["no"].tolist() == women["no"].tolist()
    assert 0 < len(women) < len(table)
    assert _card(app).startswith(f"**Face {women['no'].iloc[0]}**")
    expect_no_error(app)
    app.pills(key="faces_filter").set_value(["Female", "Unsure"]).run()
    assert len(app.dataframe[0].value) == (women["unsure"] != "").sum()


def test_the_chosen_face_stays_chosen_over_the_filter() -> None:
    """A face that was chosen has its card, and its row is marked wherever a filter moves it."""
    app = visit()
    app.session_state["facecore.chosen_face"] = (samples()[0].key, 6)
    app.run()
    assert _card(app).startswith("**Face 6**")
    assert _marked_row(app) == [5]
    app.pills(key="faces_filter").set_value(["Female"]).run()
    assert app.dataframe[0].value["no"].iloc[_marked_row(app)[0]] == 6
    app.pills(key="faces_filter").set_value(["Male"]).run()
    assert not _card(app).startswith("**Face 6**")
    expect_no_error(app)


@pytest.mark.usefixtures("modern")
def test_a_click_leads_to_the_faces_of_a_team(team: bytes) -> None:
    """Where the article's networks see next to nobody, the page says so and one click helps."""
    app = upload(visit(), {"team.jpg": team})
    assert int(metrics(app)["Faces"]) < 10
    assert any(text.startswith("Looks of the detector: the whole") for text in app.caption.values)
    assert any("Try this" in info.value or "may be more" in info.value for info in app.info)
    kinds = [one.type for one in app.main]
    assert kinds.index("info") < kinds.index("bidi_component")  # above the photo, thus in sight
    next(one for one in app.button if one.label == "Look for small faces with Modern").click()
    app.run()
    assert int(metrics(app)["Faces"]) > 15
    assert app.sidebar.selectbox(key="preset").value == "Crowd"
    assert not any(one.label.startswith("Look ") for one in app.button)
    expect_no_error(app)


def test_crops_of_all_faces_are_a_zip(analyzer: FaceAnalyzer) -> None:
    """Each face is a picture, named by its number and its answer."""
    settings = AnalysisSettings(input_size_px=900, max_side_px=None)
    photo = samples()[0]
    analysis = analyzer.analyze(photo.read(), settings)
    reading = Reading(photo=photo, settings=settings, options=RuntimeOptions(), analysis=analysis)
    with zipfile.ZipFile(io.BytesIO(crops_zip(reading, "somebody"))) as archive:
        names = archive.namelist()
        assert len(names) == len(analysis.faces) == 13
        assert names[0].startswith(f"face-001-{analysis.faces[0].gender.label.lower()}-")
        assert all(min(decode_image(archive.read(name)).shape[:2]) > 20 for name in names)


def _card(app: AppTest) -> str:
    (card,) = [text for text in app.markdown.values if text.startswith("**Face ")]
    return str(card)


def _marked_row(app: AppTest) -> list[int]:
    return list(app.session_state["faces_table"]["selection"]["rows"])
