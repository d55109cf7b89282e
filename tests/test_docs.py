"""README and docs say what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

README, CARD = REPOSITORY / "README.md", REPOSITORY / "models" / "MODEL_CARD.md"
IN_BOTH = [README, CARD, REPOSITORY / "docs" / "the-article-measured.md"]
CHINESE = [page.with_suffix(".zh.md") for page in (README, CARD)]
PAGES = [README, *CHINESE, *sorted((REPOSITORY / "docs").glob("*.md"))]


def test_readme_takes_five_minutes() -> None:
    """A newcomer has at most 150 lines to read; the rest is in docs."""
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 150


@pytest.mark.parametrize("page", IN_BOTH, ids=lambda page: page.name)
def test_a_page_in_chinese_says_no_less_and_no_more(page: Path) -> None:
    """Headings, commands, names, links, and the figures of each section and row are the same."""
    both = page, page.with_suffix(".zh.md")
    ours, theirs = (_bones(one.read_text(encoding="utf-8")) for one in both)
    for part, said in ours.items():
        assert theirs[part] == said, part


def _bones(text: str) -> dict[str, list[str]]:
    code = re.findall(r"(?ms)^```.*?^```", text)
    rest = re.sub(r"(?ms)^```.*?^```", "", text)
    links = re.findall(r"\]\(([^)]+)\)", rest)
    # A heading is known by its place, and a month has a name in one language alone.
    headings = re.findall(r"(?m)^#+ (.+)$", rest)
    anchors = {f"#{one.lower().replace(' ', '-')}": f"#{n}" for n, one in enumerate(headings)}
    prose = re.sub(r"\]\([^)]+\)|\d+ 月", "", rest)
    return {
        "headings": re.findall(r"(?m)^#+(?= )", rest),
        "commands": [re.sub(r" +# .*", "", line) for one in code for line in one.splitlines()],
        "names": sorted(" ".join(name.split()) for name in re.findall(r"`([^`]+)`", rest)),
        "links": sorted(
            anchors[link] if link.startswith("#") else link.replace(".zh.md", ".md")
            for link in links
            if not link.startswith("README")
        ),
        "figures": [
            " ".join(sorted(re.findall(r"\d+(?:\.\d+)?", section)))
            for section in re.split(r"(?m)^#+ ", prose)
        ],
        "rows": [
            " ".join(sorted(re.findall(r"\d+(?:\.\d+)?|\|", row)))
            for row in re.findall(r"(?m)^\|.*$", rest)
        ],
        "percents": sorted(re.findall(r"(\d+(?:\.\d+)?) ?%", rest)),
    }


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
