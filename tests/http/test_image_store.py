"""Drawn photos are kept for a while, in bounded memory, under names nobody can guess."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from facecore.http.image_store import ImageStore


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that stands until a test moves its one hand."""
    hand = [1000.0]
    monkeypatch.setattr("facecore.http.image_store.time.monotonic", lambda: hand[0])
    return hand


def test_an_empty_store_has_nothing() -> None:
    """No name has a picture, whatever it looks like."""
    store = ImageStore(100, 60)
    assert store.used_bytes() == 0
    for name in ("", "a", "../../etc/passwd", "\0", "x" * 10_000):
        assert store.get(name) is None


def test_a_picture_comes_back_under_its_name() -> None:
    """What is put in is given as often as it is asked for."""
    store = ImageStore(100, 60)
    name = store.put(b"picture")
    assert [store.get(name), store.get(name)] == [b"picture"] * 2
    assert store.used_bytes() == 7


def test_names_cannot_be_guessed() -> None:
    """Names are random, 128 bits of it, of letters that a link can hold, and never repeat."""
    store = ImageStore(100, 60)
    names = {store.put(b"same") for _ in range(500)}
    assert len(names) == 500
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{22}", name) for name in names)


@pytest.mark.parametrize(("age_s", "there"), [(0.0, True), (59.9, True), (60.0, False)])
def test_a_picture_is_there_for_its_time(clock: list[float], age_s: float, there: bool) -> None:
    """Looking at a picture does not make it stay longer."""
    store = ImageStore(100, 60)
    name = store.put(b"picture")
    clock[0] += age_s / 2
    assert store.get(name)
    clock[0] += age_s / 2
    assert (store.get(name) is not None) == there
    assert store.used_bytes() == (7 if there else 0)


def test_the_longest_unused_make_room() -> None:
    """When it is full, those that nobody looked at go first."""
    store = ImageStore(30, 60)
    first, second, third = (store.put(bytes(10)) for _ in range(3))
    assert store.get(first)
    fourth = store.put(bytes(10))
    assert [store.get(name) is not None for name in (first, second, third, fourth)] == [
        True,
        False,
        True,
        True,
    ]
    assert store.used_bytes() == 30


def test_a_picture_larger_than_the_store_costs_nothing() -> None:
    """It is not kept, and those that are stay."""
    store = ImageStore(10, 60)
    kept = store.put(bytes(10))
    assert store.get(store.put(bytes(11))) is None
    assert store.get(kept) == bytes(10)


def test_a_store_is_safe_between_threads() -> None:
    """Many threads that put and look at once never find it too full, and count right."""
    store = ImageStore(1000, 60)

    def visit(number: int) -> bool:
        name = store.put(bytes(number % 90))
        store.get(name)
        return store.used_bytes() <= 1000

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(visit, range(2000)))
    assert store.used_bytes() == sum(len(kept.data) for kept in store._kept.values())
