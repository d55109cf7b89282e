"""Where the dashboard's own files are: beside the package in a checkout, inside it in a wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_IN_A_WHEEL = _PACKAGE / "dashboard"

APP_DIR = _IN_A_WHEEL if _IN_A_WHEEL.is_dir() else _PACKAGE.parent
"""The folder of the entry scripts, ``pages/``, ``models/`` and ``.streamlit/``."""


def document(name: str, language: str) -> Path:
    """Return where a document is in a language, by its code: x.zh.md beside x.md.

    Args:
        name: of the English one in `APP_DIR`, which is returned where there is no other.
    """
    usual = APP_DIR / name
    other = usual.with_suffix(f".{language}.md")
    return other if other.exists() else usual
