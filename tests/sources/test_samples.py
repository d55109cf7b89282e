"""The sample photos: known bytes, told truth, and what the real networks say."""

from __future__ import annotations

import hashlib

import pytest

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.imaging.decoding import decode_image
from facecore.imaging.headers import read_header
from facecore.sources.photo import Photo
from facecore.sources.samples import group_photo, samples
from tests.conftest import SAMPLES

# By key: format, size, faces at the defaults.
KNOWN = {
    "sample:group": ("PNG", (1280, 720), 6),
    "sample:collins": ("PNG", (512, 512), 1),
    "sample:hopper": ("JPEG", (512, 600), 1),
}
PORTRAITS_SHA256 = {
    "astronaut.png": "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
    "grace_hopper.jpg": "a8ca6d734765703b09728ab47fe59f473d93ae3967fc24c7c0288c3c7adb7130",
}


def test_the_group_comes_first() -> None:
    """The first sample, which a newcomer sees, is the group; keys are unique."""
    assert [sample.key for sample in samples()] == list(KNOWN)


@pytest.mark.parametrize("sample", samples(), ids=lambda sample: sample.key)
def test_sample_says_whose_it_is_and_what_is_true(sample: Photo) -> None:
    """Title, credit, truth and file name are there to be shown."""
    assert all([sample.title, sample.credit, sample.truth, sample.name])
    assert sample.truth.endswith(".")


@pytest.mark.parametrize("sample", samples(), ids=lambda sample: sample.key)
def test_sample_decodes_to_its_size(sample: Photo) -> None:
    """Each sample is a picture of the known format and size, the same at every read."""
    data = sample.read()
    kind, (width, height), _ = KNOWN[sample.key]
    header = read_header(data)
    assert (header.format, header.size_wh) == (kind, (width, height))
    assert decode_image(data).shape == (height, width, 3)
    assert sample.read() == data


def test_group_is_composed_to_the_same_bytes() -> None:
    """Composing the group anew gives the bytes that were kept from before."""
    assert group_photo.__wrapped__() == group_photo()


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


def test_networks_err_as_the_readme_says(analyzer: FaceAnalyzer) -> None:
    """Both women's portraits are read as men, and Grace Hopper as 48 to 53."""
    portraits = {s.key: analyzer.analyze(s.read()).faces[0] for s in samples()[1:]}
    assert [face.gender.label for face in portraits.values()] == ["Male", "Male"]
    assert portraits["sample:hopper"].age_group.label == "(48-53)"
