"""The file that a batch gives in the end, and the journal beside it until then."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path, PurePath
from typing import Any, BinaryIO

from facecore.batch.formats import format_for
from facecore.batch.journal import Journal
from facecore.batch.summary import BatchSummary
from facecore.errors import BatchError
from facecore.export import Row
from facecore.machine.data_folder import DATA_DIR_VARIABLE, state_folder
from facecore.machine.new_file import give_name, is_same, write_aside
from facecore.sources.stores import give_output, has_output, output_key
from facecore.video.tracks import with_tracks


class BatchOutput:
    """Where the rows of a batch go, through any number of stops; for one thread.

    Rows go to a journal at once. When all are there, the output is written beside
    its place, moved into it, and the journal deleted. No file that this batch did
    not write is ever overwritten. Where the output goes to a store, the journal and what
    is written beside it are on this machine.
    """

    def __init__(self, path: Path | str, settings: Mapping[str, Any]) -> None:
        """Begin, or go on where an earlier process stopped; ``close`` must follow.

        Args:
            path: the output, or its address in a store; its suffix says the form.
            settings: plain values that the rows depend on.

        Raises:
            SettingsError: there is no format of that suffix.
            BatchError: the output is there already, or the journal cannot be used.
        """
        self._path = path
        self._settings = settings
        self._format = format_for(PurePath(path).suffix)
        here = path if isinstance(path, Path) else _place_here(path)
        self._aside = here.with_name(f".{here.name}.part")
        journal_path = here.with_name(f"{here.name}.journal")
        if (is_there := self._is_there()) and not journal_path.exists():
            raise BatchError(
                "{path} is there already, so nothing was read: delete it to read the "
                "photos anew, or name another --out.",
                path=path,
            )
        self.journal = Journal(journal_path, settings)
        if is_there and not self._is_ours():
            self.journal.close()
            raise self._came_meanwhile()

    def _is_there(self) -> bool:
        if isinstance(self._path, str):
            return has_output(self._path)
        return os.path.lexists(self._path)  # a link that leads nowhere is there as well

    def _is_ours(self) -> bool:
        # A kill came between the output's name and the end of its other name or the journal.
        return self.journal.is_complete or (
            isinstance(self._path, Path) and is_same(self._aside, self._path)
        )

    def finish(self) -> BatchSummary:
        """Write the output, all rows in the order of their names, and delete the journal.

        Returns:
            What the rows come to.

        Raises:
            BatchError: somebody else wrote a file of this name meanwhile, or it cannot be
                written; the journal stays.
        """
        summary = BatchSummary()
        try:
            # Before the file aside, which may be the output's other name, is written anew.
            ours = isinstance(self._path, Path) and self._path.exists() and self._is_ours()
            write_aside(self._aside, partial(self._write, summary))
            self._give(ours)
            self.journal.mark_complete()
        except FileExistsError:
            raise self._came_meanwhile() from None
        except OSError as error:
            raise BatchError(
                "{path} cannot be written ({reason}): free some space, and the same "
                "command ends it without reading a photo.",
                path=self._path,
                reason=error.strerror,
            ) from error
        finally:
            self._aside.unlink(missing_ok=True)
        self.journal.remove()
        return summary

    def _give(self, ours: bool) -> None:
        if isinstance(self._path, str):
            again = self.journal.is_complete
            self.journal.mark_complete()
            give_output(self._path, self._aside, again=again)
        elif ours:
            self._aside.replace(self._path)
        else:
            give_name(self._aside, self._path)

    def close(self) -> None:
        """Leave the journal for another time."""
        self.journal.close()

    def _write(self, summary: BatchSummary, file: BinaryIO) -> None:
        self._format.write(self._rows(summary), file, self._settings)

    def _rows(self, summary: BatchSummary) -> Iterator[Row]:
        for row in with_tracks((row for _, row in self.journal.rows()), self._settings):
            summary.add(row)
            yield row

    def _came_meanwhile(self) -> BatchError:
        return BatchError(
            "{path} is there already and is not this batch's, so it stays: move it "
            "away, and the same command goes on without reading a photo twice.",
            path=self._path,
        )


def _place_here(url: str) -> Path:
    """Return the place on this machine of what belongs to an output in a store."""
    try:
        folder = state_folder() / "batches"
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BatchError(
            "The journal of a batch needs a folder here ({reason}): set "
            "{variable} to one that can be written.",
            reason=error.strerror or error,
            variable=DATA_DIR_VARIABLE,
        ) from error
    key = output_key(url).encode("utf-8", "surrogatepass")
    return folder / hashlib.sha256(key).hexdigest()[:32]
