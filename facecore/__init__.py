"""Reading faces, gender and age groups from photos on the CPU.

::

    import facecore

    analysis = facecore.FaceAnalyzer.load().analyze(open("photo.jpg", "rb").read())

These are the public names; all else may change. None is imported before it is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from facecore.analysis.analyzer import FaceAnalyzer
    from facecore.errors import FacecoreError, ImageError, ModelError, SettingsError
    from facecore.results import Analysis, Box, Detection, Face
    from facecore.settings import AnalysisSettings, RuntimeOptions
    from facecore.settings.presets import PRESETS, preset, preset_options

__version__ = "0.1.0"

__all__ = [
    "PRESETS",
    "Analysis",
    "AnalysisSettings",
    "Box",
    "Detection",
    "Face",
    "FaceAnalyzer",
    "FacecoreError",
    "ImageError",
    "ModelError",
    "RuntimeOptions",
    "SettingsError",
    "__version__",
    "preset",
    "preset_options",
]

# Light ones first: OpenCV is not loaded for a name of the settings.
_HOMES = ("errors", "settings", "settings.presets", "results", "analysis.analyzer")

if not TYPE_CHECKING:  # else a checker would take any name

    def __getattr__(name: str) -> Any:
        if name in __all__:
            for home in _HOMES:
                module = import_module(f"{__name__}.{home}")
                if hasattr(module, name):
                    globals()[name] = getattr(module, name)
                    return globals()[name]
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
