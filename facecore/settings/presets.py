"""Named settings: where a user starts from, all in one place."""

from __future__ import annotations

from facecore.errors import SettingsError
from facecore.settings.analysis import AnalysisSettings

RECOMMENDED = "Recommended"

PRESETS: dict[str, AnalysisSettings] = {
    # The defaults: no dearer than the article's way, and better on what was measured.
    RECOMMENDED: AnalysisSettings(),
    # Exactly the article's feeding: squashed input, bare box from the capped copy.
    "Article": AnalysisSettings(
        input_shape="square",
        drop_outside=False,
        rescue=False,
        crop_margin_ratio=0.0,
        crop_shape="box",
        crop_source="capped",
        reduced_decode=False,
        batch_faces=False,
    ),
    # Small faces: nine times the detector's work, from the full photo.
    "Crowd": AnalysisSettings(max_side_px=None, input_size_px=900),
    # Six views of each face, averaged.
    "Careful": AnalysisSettings(careful=True),
}


# The article's system runs on OpenCV; the others on whatever is best.
_ENGINES = {"article": "opencv"}


def preset_engine(name: str) -> str | None:
    """Return the engine that belongs to a preset; None where any does."""
    return _ENGINES.get(name.lower())


def preset(name: str) -> AnalysisSettings:
    """Return the settings of a preset; upper and lower case are the same.

    Raises:
        SettingsError: there is no such preset.
    """
    for known, settings in PRESETS.items():
        if known.lower() == name.lower():
            return settings
    raise SettingsError(f"There is no preset {name!r}: use one of {', '.join(PRESETS)}.")
