"""The sample photos: known bytes, told truth, and what the real networks say."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.imaging.decoding import decode_image
from facecore.imaging.headers import read_header
from facecore.results import GENDERS, AgeGroupPrediction, Box
from facecore.sources.photo import Photo
from facecore.sources.samples import figures_photo, group_photo, samples
from tests.conftest import SAMPLES

# By key: format, size, faces at the defaults.
KNOWN = {
    "sample:figures": ("PNG", (1280, 720), 8),
    "sample:group": ("PNG", (1280, 720), 6),
    "sample:collins": ("PNG", (512, 512), 1),
    "sample:hopper": ("JPEG", (512, 600), 1),
}
PORTRAITS_SHA256 = {
    "astronaut.png": "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
    "grace_hopper.jpg": "a8ca6d734765703b09728ab47fe59f473d93ae3967fc24c7c0288c3c7adb7130",
}


def test_most_people_come_first() -> None:
    """The first sample, which a newcomer sees, is that of public figures; keys are unique."""
    assert [sample.key for sample in samples()] == list(KNOWN)


@pytest.mark.parametrize("sample", samples(), ids=lambda sample: sample.key)
def test_sample_says_whose_it_is_and_who_is_on_it(sample: Photo) -> None:
    """Title, credit, file name and people are there to be shown; each face is one person's."""
    assert all([sample.title, sample.credit, sample.name, sample.people])
    for person in sample.people:
        assert sample.person_at(person.box) == person
        assert person.gender in GENDERS


@pytest.mark.parametrize("sample", samples(), ids=lambda sample: sample.key)
def test_sample_decodes_to_its_size(sample: Photo) -> None:
    """Each sample is a picture of the known format and size, the same at every read."""
    data = sample.read()
    kind, (width, height), _ = KNOWN[sample.key]
    header = read_header(data)
    assert (header.format, header.size_wh) == (kind, (width, height))
    assert decode_image(data).shape == (height, width, 3)
    assert sample.read() == data


def test_groups_are_composed_to_the_same_bytes() -> None:
    """Composing a group anew gives the bytes that were kept from before."""
    assert group_photo.__wrapped__() == group_photo()
    assert figures_photo.__wrapped__() == figures_photo()


@pytest.mark.parametrize(("name", "sha256"), PORTRAITS_SHA256.items())
def test_portraits_are_the_known_files(name: str, sha256: str) -> None:
    """The portraits are byte for byte those whose origin the README tells."""
    assert hashlib.sha256((SAMPLES / name).read_bytes()).hexdigest() == sha256
    assert f"`{name}`" in (SAMPLES / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("sample", samples(), ids=lambda sample: sample.key)
def test_networks_find_every_face(analyzer: FaceAnalyzer, sample: Photo) -> None:
    """At the defaults the real networks find each person of each sample once."""
    analysis = analyzer.analyze(sample.read())
    assert len(analysis.faces) == KNOWN[sample.key][2]
    assert analysis.size_wh == KNOWN[sample.key][1]


def test_what_is_known_is_of_the_face_that_was_found(analyzer: FaceAnalyzer) -> None:
    """Who was found is told by the box, whichever way up the portrait was pasted."""
    figures, group, *_ = samples()
    found = [figures.person_at(face.box) for face in analyzer.analyze(figures.read()).faces]
    assert set(found) == set(figures.people[:8])
    found = [group.person_at(face.box) for face in analyzer.analyze(group.read()).faces]
    assert set(found) == set(group.people)


def test_nobody_is_in_a_box_elsewhere_or_in_one_of_all() -> None:
    """A box beside the faces, and one around many, are nobody's."""
    figures = samples()[0]
    assert figures.person_at(Box(0, 600, 60, 680)) is None
    assert figures.person_at(Box(0, 0, 1280, 720)) is None


def test_figures_are_read_right_as_the_readme_says(analyzer: FaceAnalyzer) -> None:
    """Of the eight that are found at the defaults, all genders are right."""
    figures = samples()[0]
    for face in analyzer.analyze(figures.read()).faces:
        person = figures.person_at(face.box)
        assert person is not None
        assert face.gender.label == person.gender


def test_what_is_known_in_words() -> None:
    """An age that is known is told as such, one within years as these, and none not at all."""
    hopper = samples()[-1].people[0]
    assert hopper.in_words == "Grace Hopper, female, 77 years old"
    assert replace(hopper, ages=(70, 79)).in_words == "Grace Hopper, female, 70 to 79 years old"
    assert replace(hopper, ages=None).in_words == "Grace Hopper, female"


def test_samples_stay_small_and_every_file_is_accounted_for() -> None:
    """All files together are below a megabyte, and the README tells where each picture is from."""
    files = [file for file in SAMPLES.iterdir() if file.is_file()]
    assert sum(file.stat().st_size for file in files) < 1_000_000
    readme = (SAMPLES / "README.md").read_text(encoding="utf-8")
    pictures = [file.name for file in files if file.suffix in {".jpg", ".png"}]
    assert len(pictures) == 12
    assert all(f"`{name}`" in readme for name in pictures)


def test_networks_err_as_the_readme_says(analyzer: FaceAnalyzer) -> None:
    """Both women's portraits are read as men; Grace Hopper's age is right once calibrated."""
    portraits = {s.key: analyzer.analyze(s.read()).faces[0] for s in samples()[2:]}
    assert [face.gender.label for face in portraits.values()] == ["Male", "Male"]
    age_group = portraits["sample:hopper"].age_group
    assert age_group.label == "(60-100)"
    assert age_group.raw is not None
    assert AgeGroupPrediction(age_group.raw).label == "(48-53)"
