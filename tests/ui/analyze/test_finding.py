"""What the page says of the detector's looks."""

from __future__ import annotations

import pytest

from facecore.results import Look
from facecore.settings import AnalysisSettings
from facecore.ui.analyze.finding import looks_in_words

WHOLE = Look(kind="whole", time_ms=25.2)
TURNED = [Look(kind="turned", turned_degrees=turn, time_ms=20) for turn in (90, 180, 270)]
CLOSER = [
    Look(kind="closer", parts=3, time_ms=60, faces=9),
    Look(kind="closer", parts=13, time_ms=260, faces=15),
]


@pytest.mark.parametrize(
    ("looks", "asked", "words"),
    [
        ([], {}, ""),
        ([WHOLE], {}, "the whole photo (0 faces, 25 ms)"),
        (
            TURNED,
            {},
            "turned by 90°, 180°, 270°, as no face was sure (0 faces, 60 ms)",
        ),
        (
            TURNED[:1],
            {"orientation": "always"},
            "turned by 90°, as the settings ask for it (0 faces, 20 ms)",
        ),
        (
            CLOSER,
            {},
            "3 parts closer, for signs of small faces (9 faces, 60 ms); "
            "13 more parts closer, as the first showed faces (15 faces, 260 ms)",
        ),
        (
            CLOSER[:1],
            {"closer_look": "always"},
            "3 parts closer, as the settings ask for it (9 faces, 60 ms)",
        ),
        (
            [Look(kind="strips", parts=27, time_ms=700, faces=1), TURNED[1]],
            {},
            "27 strips, as the photo is long (1 face, 700 ms); "
            "turned by 180°, as the surest face may not be upright (0 faces, 20 ms)",
        ),
    ],
)
def test_looks_are_told_with_reason_and_cost(
    looks: list[Look], asked: dict[str, str], words: str
) -> None:
    """Each look says what was looked at, why, how many faces it showed and how long it took."""
    assert looks_in_words(looks, AnalysisSettings(**asked)) == words  # type: ignore[arg-type]
