"""How memory is divided: little of it, enough of it, and what is really there."""

from __future__ import annotations

from dataclasses import asdict, replace

import psutil
import pytest

from facecore.machine import memory_plan as module
from facecore.machine.container import ContainerLimits
from facecore.machine.memory_plan import memory_plan, plan_for
from facecore.settings import DEFAULT_MAX_PIXELS
from facecore.ui.server import upload_limits

GIB = 1 << 30


@pytest.mark.parametrize("memory_bytes", [0, 1, GIB // 4, GIB // 2])
def test_too_little_memory_still_reads_small_photos(memory_bytes: int) -> None:
    """One set of networks and a few megapixels are the least there is."""
    plan = plan_for(memory_bytes)
    assert (plan.network_sets, plan.max_pixels) == (1, 4_000_000)
    assert min(plan.decoded_bytes, plan.upload_bytes) >= 0


@pytest.mark.parametrize("gibibytes", [1, 2, 3, 16])
def test_all_shares_together_fit(gibibytes: int) -> None:
    """With every share full, one photo of the most pixels can still be read."""
    plan = plan_for(gibibytes * GIB)
    networks = 160e6 + 290e6 * plan.network_sets
    shares = [value for name, value in asdict(plan).items() if name.endswith("_bytes")]
    assert len(shares) == 6
    needed = networks + sum(shares) + round(module._BYTES_PER_PIXEL * plan.max_pixels)
    assert needed == plan.needed_bytes <= 0.9 * gibibytes * GIB


@pytest.mark.parametrize(("sets", "at_once"), [(1, 1), (2, 2), (1, 4), (4, 8)])
@pytest.mark.parametrize("megapixels", [0.01, 24, 100])
def test_memory_for_a_server_is_the_least_that_holds_it(
    sets: int, at_once: int, megapixels: float
) -> None:
    """In it all shares and further sets and photos fit, and in 256 MiB less they would not."""
    pixels = round(megapixels * 1e6)
    memory = module.memory_for(pixels, sets=sets, at_once=at_once)
    more = (sets - 1) * 290e6 + (at_once - 1) * module._BYTES_PER_PIXEL * pixels

    def left(memory_bytes: int) -> float:
        plan = replace(plan_for(memory_bytes), max_pixels=pixels)
        return 0.88 * memory_bytes - plan.needed_bytes - more

    assert plan_for(memory).max_pixels >= pixels
    assert left(memory) >= -1
    assert memory == GIB or left(memory - GIB // 4) < 0


def test_one_gibibyte_takes_the_largest_file_at_either_interface() -> None:
    """One file of 50 MB finds room, at a page and at the HTTP API."""
    plan = plan_for(GIB)
    limits = upload_limits(50 * 2**20, plan.request_bytes)
    assert limits.max_bytes == 50 * 2**20
    assert limits.held_photos * limits.max_body_bytes <= plan.request_bytes
    assert plan.upload_bytes > 50 * 2**20


def test_one_gibibyte_reads_what_cameras_make() -> None:
    """The article's container has room for one set of networks and for 24 megapixels."""
    plan = plan_for(GIB)
    assert plan.network_sets == 1
    assert 24_000_000 < plan.max_pixels < DEFAULT_MAX_PIXELS


@pytest.mark.parametrize("tenths", range(10, 40))
def test_the_dearest_kind_of_photo_still_fits(tenths: int) -> None:
    """A transparent 10-bit AVIF at full colour takes 17.4 bytes per pixel, and kills nothing."""
    memory_bytes = GIB * tenths // 10
    assert 550_000_000 + 17.4 * plan_for(memory_bytes).max_pixels < memory_bytes


def test_enough_memory_has_the_ordinary_limits() -> None:
    """From some 3 GB on there are two sets and the ordinary pixel limit."""
    plan = plan_for(3 * GIB)
    assert (plan.network_sets, plan.max_pixels) == (2, DEFAULT_MAX_PIXELS)


def test_more_memory_never_gives_less() -> None:
    """Each part grows with the memory."""
    plans = [plan_for(step * GIB // 4) for step in range(1, 40)]
    for name in asdict(plans[0]):
        parts = [getattr(plan, name) for plan in plans]
        assert parts == sorted(parts)


@pytest.mark.parametrize("limit_bytes", [None, GIB, 1 << 50])
def test_smaller_of_limit_and_machine_counts(
    limit_bytes: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A limit above the machine's memory is none."""
    monkeypatch.setattr(
        module, "read_limits", lambda: ContainerLimits(memory_limit_bytes=limit_bytes)
    )
    machine_bytes = psutil.virtual_memory().total
    expected = GIB if limit_bytes == GIB and machine_bytes > GIB else machine_bytes
    assert memory_plan() == plan_for(expected)
