"""A set of models: a detector, and readers of attributes by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.engines import engine
from facecore.errors import EngineError, ModelMissingError, SettingsError
from facecore.export import PhotoRow
from facecore.imaging.decoding import BgrImage, decode_image, encode_jpeg, shrink
from facecore.imaging.pictures import Picture
from facecore.machine.data_folder import DATA_DIR_VARIABLE
from facecore.models.attributes import AttributeClassifier, AttributeReader
from facecore.models.catalogue import set_specs
from facecore.models.sets import ModelSet, load_models
from facecore.results import AGE_GROUPS, Box, ClassPrediction, nearest_age_group
from facecore.settings import AnalysisSettings, RuntimeOptions
from facecore.wording import _, speaking
from tests.conftest import SAMPLES, Recorded, face_rows


class Mood(ClassPrediction):
    """An attribute that the article's set does not have."""

    __slots__ = ()
    classes = ("calm", "excited")


def test_the_articles_set_reads_gender_and_age_without_landmarks(
    recorded: Recorded, couple: BgrImage
) -> None:
    """It is the first set; its faces have two attributes, and its detector no landmarks."""
    assert list(set_specs()) == ["article", "modern"]
    faces = recorded.analyzer.analyze(couple, annotate=False).faces
    assert [list(face.attributes) for face in faces] == [["gender", "age_group"]] * 2
    assert [face.detection.landmarks_xy for face in faces] == [None, None]
    assert faces[0].gender is faces[0].attributes["gender"]
    assert faces[0].age_group is faces[0].attributes["age_group"]


def test_the_modern_set_finds_landmarks_and_reads_years(
    modern: FaceAnalyzer, couple: BgrImage
) -> None:
    """Both sample people are read, their eyes lie above their mouths, and years make groups."""
    answer = modern.analyze(couple, annotate=False)
    assert PhotoRow.of("couple.png", answer).model_set == "modern"
    woman, man = sorted(answer.faces, key=lambda face: face.box.xyxy)
    assert (woman.gender.label, man.gender.label) == ("Female", "Male")
    assert woman.age_group.years == pytest.approx(33, abs=3)
    assert man.age_group.years == pytest.approx(79, abs=3)
    for face in (woman, man):
        assert face.age_group.label == AGE_GROUPS[nearest_age_group(face.age_group.expected_age)]
        assert face.detection.landmarks_xy is not None
        places = np.array(face.detection.landmarks_xy)
        assert places[:2, 1].max() < places[2, 1] < places[3:, 1].min()
        assert ((places > face.box.xyxy[:2]) & (places < face.box.xyxy[2:])).all()


def test_the_modern_set_needs_no_finer_photo_than_its_chips(modern: FaceAnalyzer) -> None:
    """A large photo that is decoded smaller gives the same answers, and its faces are chips."""
    photo = (SAMPLES / "grace_hopper.jpg").read_bytes()
    large = encode_jpeg(shrink(decode_image(photo), (4096, 4800)))
    settings = AnalysisSettings(reduced_decode=True)
    memory = modern.memory(large)
    (face,) = modern.read(memory, settings, annotate=False).faces
    assert memory.image_bytes < 2048 * 2400 * 3 + 1
    (full,) = modern.analyze(large, annotate=False).faces
    assert face.gender.probabilities == pytest.approx(full.gender.probabilities, abs=0.1)
    (crop,) = modern.crops(memory, [face.detection], settings)
    assert crop.shape == (64, 64, 3)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["onnxruntime", "openvino", "mnn"])
def test_engines_run_the_modern_set_from_its_own_files(
    name: str, modern: FaceAnalyzer, couple: BgrImage
) -> None:
    """They find the same faces and read the same of them as OpenCV."""
    if not engine(name).available():
        pytest.skip(f"{name} is not installed")
    models = load_models(RuntimeOptions(model_set="modern", engine=name))
    theirs = FaceAnalyzer(models).analyze(couple, annotate=False).faces
    ours = modern.analyze(couple, annotate=False).faces
    assert len(ours) == 2
    np.testing.assert_allclose(face_rows(theirs), face_rows(ours), atol=5e-3)


@pytest.mark.parametrize("name", ["litert", "torch"])
def test_an_engine_without_onnx_says_so(name: str, hopper_file: bytes) -> None:
    """It refuses the modern set in a sentence; landmarks are found by OpenCV instead."""
    if not engine(name).available():
        pytest.skip(f"{name} is not installed")
    with pytest.raises(EngineError, match="takes no ONNX file"):
        load_models(RuntimeOptions(model_set="modern", engine=name))
    aligned = AnalysisSettings(aligned=True)
    one = FaceAnalyzer.load(RuntimeOptions(engine=name))
    (face,) = one.analyze(hopper_file, aligned, annotate=False).faces
    (known,) = FaceAnalyzer.load().analyze(hopper_file, aligned, annotate=False).faces
    assert face.age_group.probabilities == pytest.approx(known.age_group.probabilities, abs=5e-3)


@pytest.mark.usefixtures("modern")
def test_the_articles_networks_read_aligned_faces(analyzer: FaceAnalyzer, couple: BgrImage) -> None:
    """Faces are cut out by their landmarks, and read otherwise than unaligned ones."""
    settings = AnalysisSettings(aligned=True)
    memory = analyzer.memory(couple)
    faces = analyzer.read(memory, settings, annotate=False).faces
    crops = analyzer.crops(memory, [face.detection for face in faces], settings)
    assert [crop.shape for crop in crops] == [(227, 227, 3)] * 2
    plain = analyzer.analyze(couple, AnalysisSettings(calibrated=False), annotate=False).faces
    assert [face.box for face in plain] == [face.box for face in faces]
    assert all(face.gender.raw is None for face in plain)
    assert all(a.gender.raw != b.gender.probabilities for a, b in zip(faces, plain, strict=True))
    nothing = np.zeros((200, 200, 3), np.uint8)
    reader = analyzer.models.reader
    assert isinstance(reader, AttributeClassifier) and reader.find_landmarks
    assert reader.find_landmarks(Picture.in_full(nothing), Box(50, 50, 150, 150), 0) is None


@pytest.mark.usefixtures("modern")
@pytest.mark.parametrize("turns", [1, 2, 3])
def test_the_articles_networks_read_aligned_faces_of_a_turned_photo(
    analyzer: FaceAnalyzer, hopper_file: bytes, turns: int
) -> None:
    """A face that lies on its side or its head is cut out upright, and read as if it stood."""
    settings = AnalysisSettings(aligned=True, calibrated=False)
    upright = decode_image(hopper_file)
    (expected,) = analyzer.analyze(upright, settings, annotate=False).faces
    turned = np.ascontiguousarray(np.rot90(upright, turns))
    (face,) = analyzer.analyze(turned, settings, annotate=False).faces
    assert face.detection.turned_degrees == 90 * turns
    assert face.gender.label == expected.gender.label
    assert face.age_group.expected_age == pytest.approx(expected.age_group.expected_age, abs=5)


def test_a_set_that_is_not_there_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without its files the modern set names the command, and an unknown one the known ones."""
    monkeypatch.setenv(DATA_DIR_VARIABLE, str(tmp_path))
    assert not set_specs()["modern"].is_there
    with pytest.raises(ModelMissingError, match="run 'python -m facecore models install'"):
        load_models(RuntimeOptions(model_set="modern", engine="opencv"))
    with pytest.raises(SettingsError, match="no model set called old: use article or modern") as no:
        load_models(RuntimeOptions(model_set="old"))
    with speaking("zh"):
        assert "article 或 modern" in _(no.value)


@pytest.mark.slow
def test_one_more_attribute_is_one_more_reader(recorded: Recorded, couple: BgrImage) -> None:
    """A network that is given another name reads it for each face, averaged where careful."""
    readers = {**recorded.reader.readers, "mood": AttributeReader(recorded.gender, Mood)}
    models = ModelSet(recorded.analyzer.models.detector, AttributeClassifier(readers))
    assert [network.spec.role for network in models.networks] == [
        "detector",
        "gender",
        "age",
        "gender",
    ]
    for careful in (False, True):
        settings = AnalysisSettings(careful=careful)
        faces = FaceAnalyzer(models).analyze(couple, settings, annotate=False).faces
        assert len(faces) == 2
        for face in faces:
            mood = face.attributes["mood"]
            assert mood == Mood(face.gender.probabilities)
            assert mood.label in Mood.classes
