"""Bytes to pixels, safely; drawing; geometry of boxes."""
