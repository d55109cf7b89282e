"""Who reads the photos of a command: this process, or worker processes."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import replace
from functools import partial

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.cli.options import max_pixels_from, options_from
from facecore.errors import BatchError, friendly_message
from facecore.executors.pool import PoolOptions, read_with_workers
from facecore.executors.process import ANSWER_TIMEOUT_S
from facecore.executors.reading import Outcome, read_here
from facecore.imaging.decoding import BgrImage, decode_image
from facecore.imaging.drawing import draw_faces
from facecore.machine.container import read_limits, usable_cpus
from facecore.settings import AnalysisSettings
from facecore.sources.photo import Photo


def add_reader_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say who reads the photos."""
    parser.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="read with N processes side by side, each with networks of its own; a photo that "
        "ends its process costs only itself",
    )
    parser.add_argument(
        "--photo-timeout",
        type=float,
        default=ANSWER_TIMEOUT_S,
        metavar="SECONDS",
        help="with --workers, the longest that one photo may take (default: %(default)g)",
    )


WriteCopy = Callable[[str, BgrImage], None]
"""Writes a drawn photo, by the photo's name."""


def read_all(
    arguments: argparse.Namespace,
    photos: Iterable[Photo],
    settings: AnalysisSettings,
    write_copy: WriteCopy | None,
) -> Generator[Outcome, None, None]:
    """Read photos as the options say, and write drawn copies where there is ``write_copy``.

    In this process the outcomes come in the photos' order, from workers as they are done.

    Raises:
        BatchError: ``write_copy`` says that no copy can be written any more.
        SettingsError: an option is outside its range.
        ModelError: the networks cannot be used.
    """
    max_pixels = max_pixels_from(arguments)
    if arguments.workers is None:
        analyzer = FaceAnalyzer.load(options_from(arguments), max_pixels=max_pixels)
        analyze = partial(analyzer.analyze, settings=settings, annotate=write_copy is not None)
        outcomes = read_here(photos, analyze)
    else:
        outcomes = read_with_workers(photos, settings, pool_options_from(arguments))
    return outcomes if write_copy is None else _with_copies(outcomes, write_copy, max_pixels)


def pool_options_from(arguments: argparse.Namespace) -> PoolOptions:
    """Return how the workers work; they share the processors evenly where no threads are given.

    Raises:
        SettingsError: an option is outside its range.
    """
    pool = PoolOptions(
        workers=arguments.workers,
        runtime=options_from(arguments),
        max_pixels=max_pixels_from(arguments),
        photo_timeout_s=arguments.photo_timeout,
    )
    if pool.runtime.threads is not None:
        return pool
    threads = max(1, int(usable_cpus(read_limits()) // pool.workers))
    return replace(pool, runtime=replace(pool.runtime, threads=threads))


def _with_copies(
    outcomes: Generator[Outcome, None, None], write_copy: WriteCopy, max_pixels: int
) -> Generator[Outcome, None, None]:
    with closing(outcomes):
        for outcome in outcomes:
            yield _with_copy(outcome, write_copy, max_pixels)


def _with_copy(outcome: Outcome, write_copy: WriteCopy, max_pixels: int) -> Outcome:
    if outcome.analysis is None:
        return outcome
    try:
        drawn = outcome.analysis.annotated
        if drawn is None:  # a worker sends no pictures
            photo = decode_image(outcome.photo.read(), max_pixels=max_pixels)
            drawn = draw_faces(photo, outcome.analysis.faces)
        write_copy(outcome.photo.name, drawn)
    except BatchError:
        raise
    except Exception as error:  # noqa: BLE001 - one photo must not stop the others
        return Outcome(photo=outcome.photo, error=friendly_message(error))
    return outcome
