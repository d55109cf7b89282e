"""Who reads the photos of a command, this process or worker processes; and how far it is."""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import click

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.cli.options import max_pixels_from, options_from
from facecore.errors import BatchError, FacecoreError, ImageError, SettingsError, friendly_message
from facecore.executors.cluster import ClusterOptions, ClusterProgress
from facecore.executors.crew import read_on_cluster
from facecore.executors.pool import PoolOptions, read_with_workers
from facecore.executors.process import ANSWER_TIMEOUT_S, Cancelled
from facecore.executors.reading import Outcome, read_ahead, read_here
from facecore.experiment.environment import MAX_PHOTOS, MAX_PHOTOS_BYTES
from facecore.imaging.decoding import BgrImage, decode_image
from facecore.imaging.drawing import draw_faces
from facecore.machine.container import read_limits, usable_cpus
from facecore.settings import AnalysisSettings
from facecore.sources.folders import find_photos
from facecore.sources.names import printable, unique_names, valid_text
from facecore.sources.photo import Photo
from facecore.sources.sorting import PassedOver, in_words
from facecore.video.frames import FrameReader
from facecore.video.sampling import DEFAULT_FRAMES, Sampling
from facecore.wording import Text, _, left_in_words, time_left_s

_BAR_FROM_ITEMS = 4
_LINE_EVERY_S = 10.0
_AHEAD = 8

_Item = TypeVar("_Item")


def add_reader_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say who reads the photos."""
    parser.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="read with N processes side by side; a photo that ends its process costs only itself",
    )
    parser.add_argument(
        "--photo-timeout",
        type=float,
        default=ANSWER_TIMEOUT_S,
        metavar="SECONDS",
        help="with --workers or --cluster, the longest that one photo may take "
        "(default: %(default)g)",
    )
    parser.add_argument(
        "--cluster",
        metavar="auto|ray://HOST:PORT",
        help="read on a Ray cluster, with a worker for each of its processors or for --threads of "
        "them, at most --workers; auto is that of this machine, or one begun here",
    )


WriteCopy = Callable[[str, BgrImage], None]
"""Writes a drawn photo, by the photo's name."""


def read_all(
    arguments: argparse.Namespace,
    photos: Iterable[Photo],
    settings: AnalysisSettings,
    write_copy: WriteCopy | None,
    *,
    wanted: Callable[[Photo], bool] = lambda _: True,
) -> Generator[Outcome, None, None]:
    """Read photos as the options say, and write drawn copies where there is ``write_copy``.

    In this process the outcomes come in the photos' order, from workers as they are done.

    Args:
        arguments: the options.
        photos: of videos, the frames are read in their place.
        settings: how to read them.
        write_copy: takes the drawn copies.
        wanted: says which frames are read.

    Raises:
        BatchError: ``write_copy`` says that no copy can be written any more.
        SettingsError: an option is outside its range.
        ModelError: the networks cannot be used.
    """
    max_pixels = max_pixels_from(arguments)
    stopping = threading.Event()
    frames = _frame_reader(arguments, wanted, stopping).read
    outcomes: Generator[Outcome, None, None]
    if arguments.cluster is not None:
        outcomes = _read_on_cluster(arguments, frames(photos), settings)
    elif arguments.workers is None:
        analyzer = FaceAnalyzer.load(options_from(arguments), max_pixels=max_pixels)
        analyze = partial(analyzer.analyze, settings=settings, annotate=write_copy is not None)
        outcomes = read_here(frames(read_ahead(photos, _AHEAD)), analyze)
    else:
        ahead = read_ahead(photos, _AHEAD + arguments.workers)
        options = pool_options_from(arguments)
        outcomes = read_with_workers(frames(ahead), settings, options, stopping)
    return outcomes if write_copy is None else _with_copies(outcomes, write_copy, max_pixels)


def _frame_reader(
    arguments: argparse.Namespace, wanted: Callable[[Photo], bool], stopping: threading.Event
) -> FrameReader:
    def check(*_: object) -> None:
        # Of a video that is gone on with, minutes may pass until the next frame that is wanted.
        if stopping.is_set():
            raise Cancelled

    return FrameReader(
        sampling=Sampling.parse(arguments.frames or DEFAULT_FRAMES),
        max_pixels=max_pixels_from(arguments),
        wanted=wanted,
        passed=check,
    )


def _read_on_cluster(
    arguments: argparse.Namespace, photos: Iterable[Photo], settings: AnalysisSettings
) -> Generator[Outcome, None, None]:
    # Under the bar, where there is one.
    begins = "\n" if sys.stderr.isatty() else ""
    progress = ClusterProgress(
        lambda said: print(f"{begins}{printable(_(said))}", file=sys.stderr, flush=True)
    )
    options = cluster_options_from(arguments)
    return _told_by_node(read_on_cluster(photos, settings, options, progress), progress)


def cluster_options_from(arguments: argparse.Namespace) -> ClusterOptions:
    """Return which cluster reads, and how.

    Raises:
        SettingsError: an option is outside its range.
    """
    return ClusterOptions(
        address=arguments.cluster,
        workers=arguments.workers,
        runtime=options_from(arguments),
        max_pixels=max_pixels_from(arguments),
        photo_timeout_s=arguments.photo_timeout,
    )


def _told_by_node(
    outcomes: Generator[Outcome, None, None], progress: ClusterProgress
) -> Generator[Outcome, None, None]:
    told_s = time.monotonic()
    with closing(outcomes):
        for outcome in outcomes:
            yield outcome
            if time.monotonic() - told_s >= _LINE_EVERY_S:
                told_s = time.monotonic()
                progress.say(progress.in_words())
    progress.say(progress.in_words())


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


@contextmanager
def progress(
    items: Iterable[_Item], total: int | None, *, is_batch: bool = False
) -> Iterator[Iterable[_Item]]:
    """Show how far a command is on stderr; a bar, when somebody is there to see it.

    A few items show nothing, but for those of a batch. That shows their number as well, and
    where there is no terminal a line every ten seconds. None is a number that nobody knows yet,
    as that of a video's frames.
    """
    is_seen = sys.stderr.isatty()
    hidden = not is_seen or (total is not None and total < _BAR_FROM_ITEMS and not is_batch)
    with click.progressbar(
        items if is_seen or not is_batch else _told_of(items, total),
        length=total,
        label=_("Reading faces"),
        file=sys.stderr,
        hidden=hidden,
        show_pos=is_batch,
    ) as bar:
        yield bar


def _told_of(items: Iterable[_Item], total: int | None) -> Iterator[_Item]:
    started_s = told_s = time.monotonic()
    for done, item in enumerate(items, start=1):
        yield item
        now_s = time.monotonic()
        if now_s - told_s >= _LINE_EVERY_S:
            told_s = now_s
            so_far = str(done)
            if total is not None:
                left = left_in_words(time_left_s(done, total, now_s - started_s))
                so_far = Text("{done} of {total}{left}", done=done, total=total, left=left)
            print(_("Reading faces: {done}", done=so_far), file=sys.stderr, flush=True)


def photos_to_measure(paths: Sequence[str]) -> dict[str, bytes]:
    """Return the bytes of photos, by names that are unique; who cannot be read is told on stderr.

    Raises:
        SettingsError: there are more than an experiment has.
        ImageError: there is none.
    """
    names: list[str] = []
    contents: list[bytes] = []
    passed_over = PassedOver()
    found = [
        photo
        for photo in find_photos(map(Path, paths), passed_over=passed_over)
        if not photo.passed_over
    ]
    if passed_over:
        print(printable(_(in_words(passed_over))), file=sys.stderr)
    if len(found) > MAX_PHOTOS:
        # Before they are read: a folder may have more than the memory holds.
        raise SettingsError(
            "Measure with at most {most} photos, not {n}.", most=MAX_PHOTOS, n=len(found)
        )
    for photo in found:
        if sum(map(len, contents)) > MAX_PHOTOS_BYTES:
            break  # which the experiment refuses
        try:
            contents.append(photo.read())
            names.append(valid_text(Path(photo.name).name))
        except FacecoreError as error:
            print(
                f"{printable(photo.name)}: {_('error: {problem}', problem=error)}", file=sys.stderr
            )
    if not names:
        raise ImageError("There is no photo to measure with: name photos or folders of photos.")
    return dict(zip(unique_names(names), contents, strict=True))
