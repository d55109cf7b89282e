"""The file that a batch gives in the end, and the journal beside it until then."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from facecore.batch.formats import format_for
from facecore.batch.journal import Journal
from facecore.batch.summary import BatchSummary
from facecore.errors import BatchError
from facecore.export import Row
from facecore.machine.new_file import give_name, is_same, write_aside


class BatchOutput:
    """Where the rows of a batch go, through any number of stops; for one thread.

    Rows go to a journal at once. When all are there, the output is written beside
    its place, moved into it, and the journal deleted. No file that this batch did
    not write is ever overwritten.
    """

    def __init__(self, path: Path, settings: Mapping[str, Any]) -> None:
        """Begin, or go on where an earlier process stopped; ``close`` must follow.

        Args:
            path: the output; its suffix says the form.
            settings: plain values that the rows depend on.

        Raises:
            SettingsError: there is no format of that suffix.
            BatchError: the output is there already, or the journal cannot be used.
        """
        self._path = path
        self._aside = path.with_name(f".{path.name}.part")
        self._settings = settings
        self._format = format_for(path.suffix)
        journal_path = path.with_name(f"{path.name}.journal")
        # A link that leads nowhere is there as well.
        if os.path.lexists(path) and not journal_path.exists():
            raise BatchError(
                f"{path} is there already, so nothing was read: delete it to read the photos "
                "anew, or name another --out."
            )
        self.journal = Journal(journal_path, settings)
        if os.path.lexists(path) and not self._is_ours():
            self.journal.close()
            raise self._came_meanwhile()

    def _is_ours(self) -> bool:
        # A kill came between the output's name and the end of its other name or the journal.
        return self.journal.is_complete or is_same(self._aside, self._path)

    def finish(self) -> BatchSummary:
        """Write the output, all rows in the order of their names, and delete the journal.

        Returns:
            What the rows come to.

        Raises:
            BatchError: somebody else wrote a file of this name meanwhile, or it cannot be
                written; the journal stays.
        """
        ours = self._path.exists() and self._is_ours()
        summary = BatchSummary()
        try:
            write_aside(self._aside, partial(self._write, summary))
            if ours:
                self._aside.replace(self._path)
            else:
                give_name(self._aside, self._path)
            self.journal.mark_complete()
        except FileExistsError:
            raise self._came_meanwhile() from None
        except OSError as error:
            raise BatchError(
                f"{self._path} cannot be written ({error.strerror}): free some space, and the same "
                "command ends it without reading a photo."
            ) from error
        finally:
            self._aside.unlink(missing_ok=True)
        self.journal.remove()
        return summary

    def close(self) -> None:
        """Leave the journal for another time."""
        self.journal.close()

    def _write(self, summary: BatchSummary, file: BinaryIO) -> None:
        self._format.write(self._rows(summary), file, self._settings)

    def _rows(self, summary: BatchSummary) -> Iterator[Row]:
        for _, row in self.journal.rows():
            summary.add(row)
            yield row

    def _came_meanwhile(self) -> BatchError:
        return BatchError(
            f"{self._path} is there already and is not this batch's, so it stays: move it away, "
            "and the same command goes on without reading a photo twice."
        )
