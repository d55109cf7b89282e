"""The file that a batch gives in the end, and the journal beside it until then."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from facecore.batch.formats import format_for
from facecore.batch.journal import Journal
from facecore.batch.summary import BatchSummary
from facecore.errors import BatchError
from facecore.export import Row


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
        self._settings = settings
        self._format = format_for(path.suffix)
        journal_path = path.with_name(f"{path.name}.journal")
        if path.exists() and not journal_path.exists():
            raise self._there_already()
        self.journal = Journal(journal_path, settings)
        # The journal says so where a kill came between the move and its own end.
        if path.exists() and not self.journal.is_complete:
            self.journal.close()
            raise self._there_already()

    def finish(self) -> BatchSummary:
        """Write the output, all rows in the order of their names, and delete the journal.

        Returns:
            What the rows come to.

        Raises:
            BatchError: somebody else wrote a file of this name meanwhile, or it cannot be
                written; the journal stays.
        """
        if self._path.exists() and not self.journal.is_complete:
            raise self._there_already()
        summary = BatchSummary()
        aside = self._path.with_name(f".{self._path.name}.part")
        try:
            with aside.open("wb") as file:
                self._format.write(self._rows(summary), file, self._settings)
                file.flush()
                os.fsync(file.fileno())
            self.journal.mark_complete()
            aside.replace(self._path)
        except BaseException as error:
            aside.unlink(missing_ok=True)
            if not isinstance(error, OSError):
                raise
            raise BatchError(
                f"{self._path} cannot be written ({error.strerror}): free some space, and the same "
                "command ends it without reading a photo."
            ) from error
        self.journal.remove()
        return summary

    def close(self) -> None:
        """Leave the journal for another time."""
        self.journal.close()

    def _rows(self, summary: BatchSummary) -> Iterator[Row]:
        for _, row in self.journal.rows():
            summary.add(row)
            yield row

    def _there_already(self) -> BatchError:
        return BatchError(
            f"{self._path} is there already, so nothing was read: delete it to read the photos "
            "anew, or name another --out."
        )
