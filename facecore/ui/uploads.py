"""Uploads on their way in: they stay in memory."""

from __future__ import annotations

from starlette.formparsers import MultiPartParser


def keep_uploads_in_memory() -> None:
    """Have no upload of this process written to a temporary file, whatever its size.

    Of an upload over 1 MB the web server (Starlette) would make a file in the
    temporary folder until it has come in whole.
    """
    # Of tempfile.SpooledTemporaryFile: 0 is without a limit.
    MultiPartParser.spool_max_size = 0
