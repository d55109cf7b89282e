"""Every setting once, with the only default, its range and its presets."""

from facecore.settings.analysis import (
    DEFAULT_MAX_PIXELS,
    MAX_CROP_MARGIN_RATIO,
    MAX_FACES,
    MAX_MEGAPIXELS,
    MAX_PIXELS_CEILING,
    MODELS_DIR_VARIABLE,
    ONE_LOOK,
    AnalysisSettings,
    InputShape,
    megapixels_to_limit,
)
from facecore.settings.runtime import DEFAULT_MODEL_SET, ProcessOptions, RuntimeOptions

__all__ = [
    "DEFAULT_MAX_PIXELS",
    "DEFAULT_MODEL_SET",
    "MAX_CROP_MARGIN_RATIO",
    "MAX_FACES",
    "MAX_MEGAPIXELS",
    "MAX_PIXELS_CEILING",
    "MODELS_DIR_VARIABLE",
    "ONE_LOOK",
    "AnalysisSettings",
    "InputShape",
    "ProcessOptions",
    "RuntimeOptions",
    "megapixels_to_limit",
]
