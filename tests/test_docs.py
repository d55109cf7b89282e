"""README and docs say what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]


def test_readme_takes_five_minutes() -> None:
    """A newcomer has at most 150 lines to read; the rest is in docs."""
    assert len(PAGES[0].read_text(encoding="utf-8").splitlines()) <= 150


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_all_that_a_page_names_is_there(page: Path) -> None:
    """Each link within the repository, its anchor, and each named file and test exists."""
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (page.parent / target).exists(), target
    for target, anchor in re.findall(r"\]\(([^)#:]+)#([^)]+)\)", text):
        headings = re.findall(r"(?m)^#+ (.+)$", (page.parent / target).read_text("utf-8"))
        assert anchor in {heading.lower().replace(" ", "-") for heading in headings}
    test = ""
    for name, function in re.findall(r"`((?:facecore|tests)/[a-z_/.]+)?(?:::(\w+))?`", text):
        test = name or test
        assert (REPOSITORY / test).exists(), test
        if function:
            assert f"def {function}(" in (REPOSITORY / test).read_text(encoding="utf-8"), function
