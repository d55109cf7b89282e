"""A set of models: a detector, and readers of attributes by name."""

from __future__ import annotations

import pytest

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.imaging.decoding import BgrImage
from facecore.models.attributes import AttributeClassifier, AttributeReader
from facecore.models.sets import MODEL_SETS, ModelSet
from facecore.results import ClassPrediction
from facecore.settings import AnalysisSettings
from tests.conftest import Recorded


class Mood(ClassPrediction):
    """An attribute that the article's set does not have."""

    __slots__ = ()
    classes = ("calm", "excited")


def test_the_articles_set_reads_gender_and_age_without_landmarks(
    recorded: Recorded, couple: BgrImage
) -> None:
    """It is the only set; its faces have two attributes, and its detector no landmarks."""
    assert list(MODEL_SETS) == ["article"]
    faces = recorded.analyzer.analyze(couple, annotate=False).faces
    assert [list(face.attributes) for face in faces] == [["gender", "age_group"]] * 2
    assert [face.detection.landmarks_xy for face in faces] == [None, None]
    assert faces[0].gender is faces[0].attributes["gender"]
    assert faces[0].age_group is faces[0].attributes["age_group"]


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
