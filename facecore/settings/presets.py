"""Named settings: where a user starts from, all in one place."""

from __future__ import annotations

from facecore.errors import SettingsError
from facecore.settings.analysis import AnalysisSettings
from facecore.settings.runtime import RuntimeOptions

RECOMMENDED = "Recommended"
CROWD = "Crowd"

PRESETS: dict[str, AnalysisSettings] = {
    # The defaults: no dearer than the article's way, and better on what was measured.
    RECOMMENDED: AnalysisSettings(),
    # Exactly the article's feeding: squashed input, bare box from the capped copy.
    "Article": AnalysisSettings(
        input_shape="square",
        drop_outside=False,
        rescue=False,
        closer_look="never",
        orientation="never",
        crop_margin_ratio=0.0,
        crop_shape="box",
        crop_source="capped",
        reduced_decode=False,
        batch_faces=False,
        calibrated=False,
    ),
    # Small faces: nine times the detector's work, from the full photo.
    CROWD: AnalysisSettings(max_side_px=None, input_size_px=900),
    # Six views of each face, averaged.
    "Careful": AnalysisSettings(careful=True),
    # Two views of each face, turned upright; needs the modern set's detector.
    "Aligned": AnalysisSettings(aligned=True),
}

PRESET_HELP = {
    RECOMMENDED: "For most photos: no dearer than the article's way, and right more often.",
    "Article": "Exactly as the article does it, to check its claims.",
    CROWD: "For many small faces: a larger look at the full photo, nine times the detector's work.",
    "Careful": "Six views of each face, averaged: right a little more often, six times the work.",
    "Aligned": "Each face turned upright by its landmarks, two views; for the Modern networks.",
}
"""One line about each preset."""

_OPTIONS = {
    # The article's system is OpenCV; the others run on whatever is best.
    "Article": RuntimeOptions(engine="opencv"),
}


def preset(name: str) -> AnalysisSettings:
    """Return the settings of a preset; upper and lower case are the same.

    Raises:
        SettingsError: there is no such preset.
    """
    return PRESETS[preset_name(name)]


def preset_options(name: str) -> RuntimeOptions:
    """Return how the networks of a preset are run; upper and lower case are the same.

    Raises:
        SettingsError: there is no such preset.
    """
    return _OPTIONS.get(preset_name(name), RuntimeOptions())


def check_together(name: str, options: RuntimeOptions) -> None:
    """Check that a preset and a set of networks go together.

    Raises:
        SettingsError: it is the preset of the article's way, and the networks are others.
    """
    wanted = preset_options(name).model_set
    if preset_name(name) in _OPTIONS and options.model_set != wanted:
        raise SettingsError(
            'The preset "{preset}" is for the model set {wanted} alone: leave one of them out.',
            preset=preset_name(name),
            wanted=wanted,
        )


def preset_name(name: str) -> str:
    """Return the name of a preset as it is written; upper and lower case are the same.

    Raises:
        SettingsError: there is no such preset.
    """
    for known in PRESETS:
        if known.lower() == name.lower():
            return known
    raise SettingsError(
        "There is no preset {name!r}: use one of {names}.", name=name, names=", ".join(PRESETS)
    )
