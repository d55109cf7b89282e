"""``facecore analyze … --out FILE``: many photos, through any number of stops."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from functools import partial
from pathlib import Path, PurePath
from typing import Any

from facecore.batch.formats import format_for
from facecore.batch.journal import Journal
from facecore.batch.output import BatchOutput
from facecore.batch.summary import BatchSummary
from facecore.cli.copies import BatchCopies, write_films
from facecore.cli.options import max_pixels_from, options_from
from facecore.cli.readers import progress, read_all
from facecore.engines import option_values, reference
from facecore.errors import FacecoreError, SettingsError
from facecore.settings import AnalysisSettings
from facecore.sources.archive_names import checked_encoding
from facecore.sources.folders import find_photos
from facecore.sources.names import full_name, printable, valid_text
from facecore.sources.photo import Photo
from facecore.sources.sorting import PassedOver, in_words
from facecore.video.tracks import FRAMES
from facecore.wording import Text, _, clock, counted, listed


def finder(arguments: argparse.Namespace) -> Callable[..., Iterator[Photo]]:
    """Return what finds the photos of a command, as often as it is called.

    Raises:
        SettingsError: the encoding of names is none.
    """
    encoding = arguments.zip_encoding
    return partial(
        find_photos,
        arguments.paths,
        recursive=arguments.recursive,
        zip_encoding=None if encoding is None else checked_encoding(encoding),
        videos=True,
    )


def count(photos: Iterable[Photo]) -> int | None:
    """Return how many there are; None where a video is among them, with who knows how many frames.

    All are gone through.
    """
    videos = Counter(photo.is_video for photo in photos)
    return None if videos[True] else videos.total()


def run_batch(arguments: argparse.Namespace, settings: AnalysisSettings) -> int:
    """Read all photos into the output; 0 if all were read, 1 if some failed.

    Raises:
        FacecoreError: nothing could be read at all.
        KeyboardInterrupt: it was stopped; what is done is kept.
    """
    if arguments.json:
        raise SettingsError(
            "--json and --out do not go together: name an --out that ends in .jsonl."
        )
    format_for(PurePath(arguments.out).suffix)
    find = finder(arguments)
    passed_over = PassedOver()
    started_s = time.monotonic()
    depends = _what_rows_depend_on(arguments, settings)
    with closing(BatchOutput(arguments.out, depends)) as output:
        left = _count_left(arguments.paths, find, output.journal, passed_over)
        try:
            _read_what_is_left(arguments, settings, find, output.journal, left)
            if arguments.annotate_videos:
                rows = (row for _, row in output.journal.rows())
                limit = max_pixels_from(arguments)
                write_films(arguments.annotate_videos, find(), rows, depends, limit)
            summary = output.finish()
        except KeyboardInterrupt:
            print(_stopped_in_words(output.journal), file=sys.stderr)
            raise
    print(_in_words(arguments.out, summary, passed_over, time.monotonic() - started_s))
    return 1 if summary.failed else 0


def _count_left(
    paths: Sequence[Path | str],
    find: Callable[..., Iterator[Photo]],
    journal: Journal,
    passed_over: PassedOver,
) -> int | None:
    some = False

    def noted() -> Iterator[Photo]:
        nonlocal some
        for photo in find(passed_over=passed_over):
            some = some or not photo.problem
            yield photo

    left = count(_left(noted(), journal, paths))
    if not some:
        raise SettingsError(_no_photos_in_words(find(), paths))
    return left


def _read_what_is_left(
    arguments: argparse.Namespace,
    settings: AnalysisSettings,
    find: Callable[[], Iterator[Photo]],
    journal: Journal,
    left: int | None,
) -> None:
    if len(journal):
        done = counted(len(journal), "photo")
        print(_("Going on: {photos} were done before.", photos=done), file=sys.stderr)
    if left == 0:
        return
    write_copy = BatchCopies(arguments.annotate, journal).write if arguments.annotate else None
    photos = _left(find(), journal, arguments.paths)
    wanted = _Wanted(journal, several=len(arguments.paths) > 1)
    outcomes = read_all(arguments, photos, settings, write_copy, wanted=wanted)
    with closing(outcomes), progress(outcomes, left, is_batch=True) as announced:
        for outcome in announced:
            photo = outcome.photo
            journal.add(full_name(photo.name), outcome.row(), photo.key)


class _Wanted:
    """Says which photos and frames have no row of their content, each once, however it is named."""

    def __init__(self, journal: Journal, *, several: bool) -> None:
        self._journal = journal
        # One place has each name once, and may have more than fit into memory.
        self._given: set[str] | None = set() if several else None

    def __call__(self, photo: Photo) -> bool:
        name = full_name(photo.name)
        if self._journal.has(name, photo.key) or name in (self._given or ()):
            return False
        if self._given is not None:
            self._given.add(name)
        return True


def _left(
    photos: Iterator[Photo], journal: Journal, paths: Sequence[Path | str]
) -> Iterator[Photo]:
    """Return the photos that are wanted; of a video each frame is asked for when it comes."""
    wanted = _Wanted(journal, several=len(paths) > 1)
    return (photo for photo in photos if photo.is_video or wanted(photo))


def _no_photos_in_words(problems: Iterator[Photo], paths: Sequence[Path | str]) -> Text:
    names = ", ".join(map(printable, paths))
    sentence = Text("There are no photos to read in {names}.", names=names)
    try:
        next(problems).read()
    except FacecoreError as error:
        return listed([sentence, error.text], " ")
    return sentence


def _what_rows_depend_on(
    arguments: argparse.Namespace, settings: AnalysisSettings
) -> dict[str, Any]:
    # How many threads and workers read changes the time only.
    options = {k: v for k, v in option_values(options_from(arguments)).items() if k != "threads"}
    if options.get("engine") == reference().name:
        del options["engine"]  # batches of before have only its knobs
    # Only where it is given: batches of before have none.
    encoding = {"zip_encoding": arguments.zip_encoding} if arguments.zip_encoding else {}
    frames = {FRAMES: arguments.frames} if arguments.frames else {}
    return {
        **encoding,
        **frames,
        "photos": [valid_text(full_name(str(path))) for path in arguments.paths],
        # Rows have the names as they were written.
        "spelling_of_the_photos": [valid_text(path) for path in arguments.paths],
        "recursive": arguments.recursive,
        "max_pixels": max_pixels_from(arguments),
        **asdict(settings),
        **options,
    }


def _stopped_in_words(journal: Journal) -> str:
    if not len(journal):
        return "\n" + _("Stopped before the first photo was done.")
    kept = counted(len(journal), "photo")
    return "\n" + _("Stopped: {kept} are kept, and the same command goes on from there.", kept=kept)


def _in_words(
    out: Path | str, summary: BatchSummary, passed_over: PassedOver, elapsed_s: float
) -> str:
    photos = counted(summary.photos, "photo")
    if summary.failed:
        photos = Text("{photos}, {n} of which could not be read", photos=photos, n=summary.failed)
    parts = [photos, counted(summary.faces, "face"), clock(elapsed_s)]
    parts += [in_words(passed_over)] if passed_over else []
    return printable(_("{name}: {words}", name=str(out), words=listed(parts, "; ")))
