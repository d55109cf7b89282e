"""Many at once, with engines of all kinds: every answer is that of one thread."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import pytest

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.engines import engines
from facecore.profiles.configuration import Configuration
from facecore.serving.service import FaceService
from facecore.settings import AnalysisSettings, RuntimeOptions
from facecore.settings.server import ServerSettings
from facecore.sources.samples import samples
from tests.conftest import face_rows

# Networks are loaded anew, and eight photos read at once.
pytestmark = pytest.mark.slow

INSTALLED = [one.name for one in engines() if one.available()]
PHOTOS = [photo.read() for photo in samples()[1:]]


@cache
def _analyzer(name: str) -> FaceAnalyzer:
    return FaceAnalyzer.load(RuntimeOptions(engine=name))


@cache
def _alone(name: str) -> list[np.ndarray]:
    return [face_rows(_analyzer(name).analyze(photo, annotate=False).faces) for photo in PHOTOS]


@pytest.mark.parametrize("name", INSTALLED)
def test_eight_threads_on_one_analyzer(name: str) -> None:
    """Whoever comes meanwhile, each photo has the faces that it has alone."""
    alone = _alone(name)

    def read(place: int) -> np.ndarray:
        photo = PHOTOS[place % len(PHOTOS)]
        return face_rows(_analyzer(name).analyze(photo, annotate=False).faces)

    with ThreadPoolExecutor(8) as pool:
        for place, rows in enumerate(pool.map(read, range(12))):
            np.testing.assert_allclose(rows, alone[place % len(PHOTOS)], rtol=0, atol=1e-6)


def test_eight_sessions_with_different_engines() -> None:
    """Each is answered by the engine that it asked for, as if it were there alone."""
    service = FaceService(Configuration(server=ServerSettings(concurrency=8)))

    def visit(number: int) -> None:
        name = INSTALLED[number % len(INSTALLED)]
        for place in (number % len(PHOTOS), (number + 1) % len(PHOTOS)):
            with service.turn(f"session {number}", RuntimeOptions(engine=name)) as turn:
                photo = turn.analyzer.memory(PHOTOS[place])
                analysis = turn.read(photo, AnalysisSettings(), preview_side_px=100)
            assert analysis.engine == name
            rows = face_rows(analysis.faces)
            np.testing.assert_allclose(rows, _alone(name)[place], rtol=0, atol=1e-6)

    for name in INSTALLED:
        _alone(name)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(visit, range(8)))
