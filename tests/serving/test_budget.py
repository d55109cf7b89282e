"""Budgets: what one owner and all together may take, and that it comes back."""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor

from facecore.serving.budget import Budget


def test_empty_budget_has_room_for_nothing() -> None:
    """Nothing is taken at first, and taking nothing is always possible."""
    budget = Budget(0)
    assert budget.taken() == 0
    assert budget.share("a").grow(0)
    assert not budget.share("a").grow(1)


def test_share_grows_and_is_given_back() -> None:
    """A holder that lives on has given back all that it took, once, and only its own."""
    budget = Budget(100)
    first, second = budget.share("a"), budget.share("b")
    assert first.grow(20) and first.grow(30) and second.grow(40)
    assert (first.size, second.size, budget.taken()) == (50, 40, 90)
    assert not second.grow(11)
    assert second.size == 40
    for _ in range(2):
        first.give_back()
        assert (first.size, budget.taken()) == (0, 40)
    assert first.grow(60)


def test_share_is_given_back_with_its_holder() -> None:
    """What nobody holds any more is free again."""
    budget = Budget(100)
    first, second = budget.share("a"), budget.share("a")
    assert first.grow(60) and not second.grow(50) and second.grow(40)
    del first
    gc.collect()
    assert budget.taken() == 40
    assert second.grow(60)


def test_one_owner_takes_no_more_than_its_part() -> None:
    """All shares of an owner count together, and leave the rest to others."""
    budget = Budget(100, 50)
    first, second, other = budget.share("a"), budget.share("a"), budget.share("b")
    assert first.grow(30) and not second.grow(21) and second.grow(20) and other.grow(50)
    assert not budget.share("c").grow(1)


def test_what_is_counted_elsewhere_is_taken() -> None:
    """It counts for its owner and for all, though the budget itself did not give it."""
    held = {"a": 40}
    budget = Budget(100, 50, elsewhere=lambda: held)
    assert budget.taken() == 0
    share, other = budget.share("a"), budget.share("b")
    assert not share.grow(11) and share.grow(10)
    held["c"] = 45
    assert not other.grow(6) and other.grow(5)


def test_budget_is_safe_between_threads() -> None:
    """However many take and give back at once, never is more taken than there is."""
    budget = Budget(1000)

    def visit(number: int) -> bool:
        share = budget.share(str(number % 7))
        share.grow(number % 400)
        fits = budget.taken() <= 1000
        if number % 2:
            share.give_back()
        return fits

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(visit, range(2000)))
    assert budget.taken() == 0
