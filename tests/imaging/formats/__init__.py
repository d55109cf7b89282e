"""Files of every format and sub-format that can be made here, each with its right pixels.

Where a format keeps every pixel, what is right is known from what went in; where it does
not, it is known within a tolerance. BMP, PNG and TIFF are written here by hand, as no
program writes all that their specifications have.
"""

from __future__ import annotations

from tests.imaging.formats.bmp import bmps
from tests.imaging.formats.png import pngs
from tests.imaging.formats.programs import by_opencv, by_pillow, heics
from tests.imaging.formats.scene import Case
from tests.imaging.formats.tiff import tiffs


def cases() -> tuple[Case, ...]:
    """Return all of them; their names differ."""
    return (*bmps(), *pngs(), *tiffs(), *by_pillow(), *by_opencv(), *heics())
