"""What is kept of a search between its runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from facecore.optimise.judging import Tried
from facecore.optimise.space import space_of
from facecore.optimise.store import StoredCandidate, StudyStore, known_from
from facecore.profiles.configuration import configuration
from facecore.wording import Text


def test_a_reason_that_was_kept_can_still_be_said_in_another_language(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Why a candidate left comes back with its template and what fills it."""
    monkeypatch.setenv("FACECORE_DATA_DIR", str(tmp_path))
    baseline = configuration(flags={"engine": "opencv"}, environment={})
    space = space_of(baseline, "latency", ["batch_faces"], 2)
    why = Text("It is clearly slower: {ratio} as fast.", ratio=Text("{times:g}×", times=0.5))
    one = Tried(number=0, choice=space.start(), given=baseline, fate="dropped", why=why)
    store = StudyStore("key")
    store.begin()
    store.keep(StoredCandidate.of(one))
    kept = store.load()
    store.close()
    assert kept is not None
    found = known_from(kept, space)[0].why
    assert found == why == "It is clearly slower: 0.5× as fast."
    assert isinstance(found, Text)
    assert (found.template, found.values) == (why.template, why.values)
