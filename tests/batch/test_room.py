"""Room for the files of all batches of a process."""

from __future__ import annotations

import gc

from facecore.batch.room import ByteRoom


class Holder:
    """Something that holds bytes."""


def test_empty_room_has_all_its_bytes() -> None:
    """Nothing is taken at first, and taking nothing is always possible."""
    room = ByteRoom(0)
    assert room.taken_bytes == 0
    assert room.take(Holder(), 0)
    assert not room.take(Holder(), 1)


def test_room_is_given_back_by_its_holder() -> None:
    """A holder that lives on has given back all that it took, and only its own."""
    room = ByteRoom(100)
    first, second = Holder(), Holder()
    assert room.take(first, 20)
    assert room.take(first, 30)
    assert room.take(second, 40)
    room.give_back(first)
    assert room.taken_bytes == 40
    room.give_back(first)
    assert room.taken_bytes == 40
    assert room.take(first, 60)


def test_room_is_given_back_with_its_holder() -> None:
    """What does not fit is refused; once a holder is gone there is room again."""
    room = ByteRoom(100)
    first, second = Holder(), Holder()
    assert room.take(first, 60)
    assert not room.take(second, 50)
    assert room.take(second, 40)
    assert room.taken_bytes == 100
    del first
    gc.collect()
    assert room.taken_bytes == 40
    assert room.take(second, 60)
    del second
    gc.collect()
    assert room.taken_bytes == 0
