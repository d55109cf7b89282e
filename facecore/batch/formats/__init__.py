"""How the rows of a batch are written, one file per format: a file with a ``FORMAT`` is one."""

import importlib
import pkgutil

from facecore.batch.formats.base import Format
from facecore.errors import SettingsError
from facecore.wording import Text

__all__ = ["FORMATS", "Format", "format_for"]

_MODULES = (importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__))
FORMATS: tuple[Format, ...] = tuple(m.FORMAT for m in _MODULES if hasattr(m, "FORMAT"))


def format_for(suffix: str) -> Format:
    """Return the format of a file's suffix, in capitals or not.

    Raises:
        SettingsError: there is no such format.
    """
    for one in FORMATS:
        if one.suffix == suffix.lower():
            return one
    raise SettingsError(
        "--out must end in {suffixes}, which says the form, not in {suffix}.",
        suffixes=", ".join(one.suffix for one in FORMATS),
        suffix=suffix or Text("nothing"),
    )
