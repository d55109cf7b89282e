"""Who reads the photos of a command, and with how many threads."""

from __future__ import annotations

import argparse

import pytest

from facecore.cli.options import add_settings_options
from facecore.cli.readers import add_reader_options, pool_options_from
from facecore.errors import SettingsError
from facecore.machine.container import read_limits, usable_cpus
from facecore.settings import RuntimeOptions


def _parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_reader_options(parser)
    add_settings_options(parser)
    return parser.parse_args(words)


def test_without_the_option_there_are_no_workers() -> None:
    """By default this process reads."""
    assert _parsed().workers is None


@pytest.mark.parametrize("workers", [1, 2, 3, 64])
def test_workers_share_the_processors(workers: int) -> None:
    """All workers together have as many threads as there are processors, each at least one."""
    pool = pool_options_from(_parsed("--workers", str(workers)))
    assert pool.workers == workers
    assert pool.runtime.threads == max(1, int(usable_cpus(read_limits()) // workers))


def test_options_reach_the_workers() -> None:
    """What is given counts for each worker."""
    words = ["--workers", "2", "--threads", "3", "--no-fusion"]
    words += ["--max-megapixels", "5", "--photo-timeout", "7"]
    pool = pool_options_from(_parsed(*words))
    assert pool.runtime == RuntimeOptions(
        engine="opencv", threads=3, engine_options=(("fusion", False),)
    )
    assert (pool.max_pixels, pool.photo_timeout_s) == (5_000_000, 7)


def test_workers_outside_the_range_are_refused() -> None:
    """No pool is made of no workers."""
    with pytest.raises(SettingsError, match="number of workers"):
        pool_options_from(_parsed("--workers", "0"))
