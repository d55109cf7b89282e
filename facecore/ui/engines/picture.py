"""A table as a picture, to be put into a report."""

from __future__ import annotations

import io

import pandas as pd
from PIL import Image, ImageDraw, ImageFont

_SIZE_PX = 18
_PAD_PX = 10
# What the font has no letters for.
_INSTEAD = str.maketrans({"★": "*", "✗": "does not hold", "✓": "holds", "×": "x", "–": "-"})
_INK, _PAPER, _STRIPE = "#222222", "#ffffff", "#f0f2f6"


def table_png(table: pd.DataFrame) -> bytes:
    """Return a PNG of a table of text, dark on white."""
    lines = [[str(name) for name in table], *(map(str, row) for row in table.to_numpy())]
    lines = [[cell.translate(_INSTEAD) for cell in line] for line in lines]
    font = ImageFont.load_default(_SIZE_PX)
    columns = zip(*lines, strict=True)
    widths = [2 * _PAD_PX + round(max(map(font.getlength, cells))) for cells in columns]
    height = _SIZE_PX + _PAD_PX
    picture = Image.new("RGB", (sum(widths), height * len(lines)), _PAPER)
    draw = ImageDraw.Draw(picture)
    for number, cells in enumerate(lines):
        top = number * height
        if number % 2 == 0:
            draw.rectangle((0, top, picture.width, top + height), fill=_STRIPE)
        left = 0
        for cell, width in zip(cells, widths, strict=True):
            draw.text((left + _PAD_PX, top + _PAD_PX // 2), cell, fill=_INK, font=font)
            left += width
    data = io.BytesIO()
    picture.save(data, "PNG")
    return data.getvalue()
