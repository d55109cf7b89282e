"""The journal of a batch: what it keeps through kills, and what it refuses."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from facecore.batch.journal import Journal
from facecore.errors import BatchError
from facecore.export import to_json_line
from facecore.settings import ONE_LOOK
from tests.batch.conftest import failed_row, row
from tests.conftest import REPOSITORY

SAVED_BEFORE = Path(__file__).with_name("saved_before.journal")
"""Left by `analyze --out`, killed, at commit 081353d."""
SETTINGS = {"photos": ["/photos"], "confidence": 0.7, "max_side_px": None}
NAMES = ["b.jpg", "a.jpg", "c.jpg"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the journal is."""
    return tmp_path / "out.csv.journal"


def _filled(path: Path) -> bytes:
    """Write a journal of three rows, the last of them failed; give its bytes."""
    with Journal(path, SETTINGS) as journal:
        for name in NAMES[:2]:
            journal.add(name, row(name))
        journal.add("c.jpg", failed_row("c.jpg"))
    return path.read_bytes()


def test_journal_without_rows_leaves_no_file(path: Path) -> None:
    """A batch that ended before its first photo leaves nothing behind."""
    with Journal(path, SETTINGS) as journal:
        assert path.exists()
        assert (len(journal), list(journal.rows())) == (0, [])
        assert not journal.has("a.jpg")
    assert not path.exists()


def test_journal_of_the_first_version_is_gone_on_with(path: Path) -> None:
    """What a kill left of a batch before this program was rebuilt keeps its rows."""
    lines = SAVED_BEFORE.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines) + lines[-1][:100])
    settings = json.loads(lines[0])["settings"] | ONE_LOOK | {"model_set": "article"}
    with pytest.raises(BatchError, match=r"other settings \(calibrated and model set\)"):
        Journal(path, settings | {"calibrated": True, "model_set": "modern"})
    with Journal(path, settings) as journal:
        journal.add("/photos/z.jpg", failed_row("z.jpg"))
        kept = [json.loads(to_json_line(found)) for _, found in journal.rows()]
    for settings in (entry["settings"] for entry in kept if "settings" in entry):
        # Nobody looked twice then, or put probabilities right.
        assert [settings.pop(name) for name in ONE_LOOK] == [*ONE_LOOK.values()]
    assert kept[:-1] == [json.loads(line)["row"] for line in lines[1:]]
    assert [len(entry["faces"]) for entry in kept if "faces" in entry] == [1]


def test_place_of_a_copy_is_known_until_the_row_is_there(path: Path) -> None:
    """What was noted before a stop is known after it, the last note counts, a row ends it."""
    with Journal(path, SETTINGS) as journal:
        assert journal.copy_of("a.jpg") is None
        journal.add("b.jpg", row("b.jpg"))
        journal.note_copy("a.jpg", "/copies/a.png")
        journal.note_copy("a.jpg", "/copies/\udcff.png")
    for _ in range(2):
        with Journal(path, SETTINGS) as journal:
            assert journal.copy_of("a.jpg") == "/copies/\udcff.png"
            assert (len(journal), journal.has("a.jpg")) == (1, False)
    with Journal(path, SETTINGS) as journal:
        journal.add("a.jpg", row("a.jpg"))
        assert journal.copy_of("a.jpg") is None
    with Journal(path, SETTINGS) as journal:
        assert journal.copy_of("a.jpg") is None
        assert [name for name, _ in journal.rows()] == ["a.jpg", "b.jpg"]


def test_rows_are_there_again_by_name(path: Path) -> None:
    """Opened again, the journal has every row to the last digit, in the order of the names."""
    _filled(path)
    with Journal(path, SETTINGS) as journal:
        assert dict(journal.rows()) == {
            "a.jpg": row("a.jpg"),
            "b.jpg": row("b.jpg"),
            "c.jpg": failed_row("c.jpg"),
        }
        assert [name for name, _ in journal.rows()] == sorted(NAMES)
        assert (len(journal), journal.is_complete) == (3, False)
        assert all(journal.has(name) for name in NAMES)


def test_row_is_kept_once(path: Path) -> None:
    """A photo that was read twice has the row of the first time."""
    _filled(path)
    with Journal(path, SETTINGS) as journal:
        journal.add("a.jpg", failed_row("a.jpg"))
        assert len(journal) == 3
        assert next(journal.rows()) == ("a.jpg", row("a.jpg"))


def test_row_is_in_the_file_at_once(path: Path) -> None:
    """A row does not wait in the process's memory, where a kill would take it."""
    with Journal(path, SETTINGS) as journal:
        before = path.stat().st_size
        journal.add("a.jpg", row("a.jpg"))
        assert json.loads(path.read_bytes()[before:])["photo"] == "a.jpg"


def test_every_cut_is_recovered_from(path: Path) -> None:
    """Wherever a kill cuts the file off, the whole rows are kept and the journal goes on."""
    whole = _filled(path)
    ends = [index + 1 for index, byte in enumerate(whole) if byte == ord("\n")]
    near = {end + step for end in ends for step in (-2, -1, 0)}
    for cut in sorted({*range(0, len(whole), 17), *near} - {len(whole)}):
        path.write_bytes(whole[:cut])
        complete = max(0, sum(end <= cut for end in ends) - 1)
        with Journal(path, SETTINGS) as journal:
            assert len(journal) == complete, cut
            journal.add("new.jpg", row("new.jpg"))
        with Journal(path, SETTINGS) as journal:
            assert [name for name, _ in journal.rows()] == sorted([*NAMES[:complete], "new.jpg"])


@pytest.mark.parametrize(
    "spoilt", [b"\0" * 40 + b"\n", b"{}\n", b'{"photo": 1, "row": {}}\n', b"[]\n", b"\xff\n"]
)
def test_rows_behind_a_spoilt_line_are_dropped(path: Path, spoilt: bytes) -> None:
    """What a failing disk left is cut off from there on, to be read anew."""
    whole = _filled(path)
    lines = whole.splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], spoilt, *lines[2:]]))
    with Journal(path, SETTINGS) as journal:
        assert [name for name, _ in journal.rows()] == ["b.jpg"]
    assert path.read_bytes() == b"".join(lines[:2])


def test_complete_journal_says_so_and_goes_on(path: Path) -> None:
    """The mark outlives the process, and photos may still be added."""
    _filled(path)
    with Journal(path, SETTINGS) as journal:
        journal.mark_complete()
        journal.mark_complete()
    with Journal(path, SETTINGS) as journal:
        assert journal.is_complete
        assert len(journal) == 3
        journal.add("d.jpg", row("d.jpg"))
    assert path.read_bytes().count(b"complete") == 1


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({**SETTINGS, "confidence": 0.8}, "(confidence)"),
        ({**SETTINGS, "confidence": 0.8, "max_side_px": 300}, "(confidence and max side px)"),
        ({**SETTINGS, "new": 1}, "(new)"),
        ({"photos": ["/photos"], "confidence": 0.7}, "(max side px)"),
        ({**SETTINGS, "photos": ["/others"]}, "(photos)"),
    ],
)
def test_other_settings_are_refused(path: Path, settings: dict[str, object], named: str) -> None:
    """One sentence says what differs and what can be done; the file stays as it is."""
    whole = _filled(path)
    with pytest.raises(BatchError) as caught:
        Journal(path, settings)
    assert named in str(caught.value)
    assert "another --out" in str(caught.value)
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    "content", [b"my notes", b"my notes\n", b'{"photo": "a"}\n', b'{"facecore_batch": 1}\n', b"\n"]
)
def test_file_of_somebody_else_is_refused(path: Path, content: bytes) -> None:
    """A file that no batch began is left as it is."""
    path.write_bytes(content)
    with pytest.raises(BatchError, match="is not what a batch leaves"):
        Journal(path, SETTINGS)
    assert path.read_bytes() == content


@pytest.mark.slow
def test_second_process_is_refused(path: Path) -> None:
    """While one has the journal open, another is told in a sentence, and spoils nothing."""
    script = (
        "import sys, time; from pathlib import Path; from facecore.batch.journal import Journal\n"
        "journal = Journal(Path(sys.argv[1]), {}); journal.add('a', {})\n"
        "print('open', flush=True)\n"
        "time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, path], cwd=REPOSITORY, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        with pytest.raises(BatchError, match="Another process is writing"):
            Journal(path, {})
        os.kill(other.pid, signal.SIGKILL)
        other.wait()
    with Journal(path, {}) as journal:
        assert journal.has("a")


def test_journal_that_was_deleted_meanwhile_is_begun_anew(path: Path) -> None:
    """Whoever comes just when the other is done has a file of its own, not the deleted one."""
    first = Journal(path, SETTINGS)
    first.add("a.jpg", row("a.jpg"))
    first.remove()
    assert not path.exists()
    with Journal(path, SETTINGS) as second:
        assert len(second) == 0
        second.add("b.jpg", row("b.jpg"))
        assert path.exists()


def test_place_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    """A folder that is not there is told of."""
    with pytest.raises(BatchError, match=r"cannot be written \(No such file or directory\)"):
        Journal(tmp_path / "missing" / "out.journal", SETTINGS)


def test_disk_without_a_byte_left_has_the_same_sentence(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether a part of the line fits or nothing, somebody is told what to do."""

    class Full(io.FileIO):
        def write(self, _: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("facecore.batch.journal.io.FileIO", Full)
    with pytest.raises(BatchError, match="free some space, and give the same command again"):
        Journal(path, SETTINGS)


@pytest.mark.slow
def test_full_disk_is_one_sentence(path: Path) -> None:
    """A line that does not fit is told of, and what was whole before it is still there."""
    pytest.importorskip("resource", reason="needs Unix's limits")
    script = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from facecore.batch.journal import Journal; from facecore.errors import BatchError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "journal = Journal(Path(sys.argv[1]), {})\n"
        "try:\n"
        "    for n in range(100): journal.add(str(n), {'n': n})\n"
        "except BatchError as error: print(n, error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, path],
        cwd=REPOSITORY,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    number, sentence = done.stdout.split(" ", 1)
    assert "free some space" in sentence
    assert path.stat().st_size == 1000
    with Journal(path, {}) as journal:
        assert len(journal) == int(number) > 10


def test_names_that_are_no_text_stay_apart(path: Path) -> None:
    """Names that differ only in bytes that are no text are two photos, now and later."""
    names = [os.fsdecode(name) for name in (b"\xfe.png", b"\xff.png")]
    with Journal(path, SETTINGS) as journal:
        for name in names:
            journal.add(name, row("?.png"))
    with Journal(path, SETTINGS) as journal:
        assert [name for name, _ in journal.rows()] == names
