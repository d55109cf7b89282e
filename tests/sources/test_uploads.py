"""Tables among uploaded files and in ZIP files."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass

from facecore.sources.uploads import tables_of_uploads


@dataclass
class _Upload:
    """A file as a page gets it."""

    name: str
    data: bytes
    file_id: str = ""
    size: int = 0

    def getvalue(self) -> bytes:
        """Return the bytes."""
        return self.data


def _zip(**files: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name.replace("__", "/").replace("_csv", ".csv"), data)
    return file.getvalue()


def test_tables_are_found_beside_photos_and_in_archives() -> None:
    """Photos and other files are passed over; a ZIP file that is refused has no tables."""
    problems: list[str] = []
    uploads = [
        _Upload("a.jpg", b"\xff\xd8\xff"),
        _Upload("Boxes.CSV", b"file,x1"),
        _Upload("set.zip", _zip(train__labels_csv=b"file,age", a=b"\x89PNG", notes=b"x")),
        _Upload("broken.zip", b"PK\x03\x04 and no more"),
        _Upload("out.zip", _zip(**{"..__evil_csv": b"file,age"})),
    ]
    assert list(tables_of_uploads(uploads, 100, problems)) == [
        ("Boxes.CSV", b"file,x1"),
        ("set.zip/train/labels.csv", b"file,age"),
    ]
    assert problems == []
    assert list(tables_of_uploads([], 100, problems)) == []


def test_a_table_that_is_too_large_is_named() -> None:
    """Its bytes are not inflated, and the others of the archive come."""
    problems: list[str] = []
    upload = _Upload("set.zip", _zip(big_csv=b"x" * 101, ok_csv=b"file"))
    assert list(tables_of_uploads([upload], 100, problems)) == [("set.zip/ok.csv", b"file")]
    (problem,) = problems
    assert problem.startswith("set.zip/big.csv: This entry of the ZIP file has ")
