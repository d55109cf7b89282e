"""The file that a batch gives in the end: when it is written, and what it never overwrites."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from facecore.batch.output import BatchOutput
from facecore.batch.summary import BatchSummary
from facecore.errors import BatchError, SettingsError
from facecore.machine.new_file import give_name, write_aside
from tests.batch.conftest import failed_row, row
from tests.conftest import REPOSITORY

SETTINGS = {"confidence": 0.7}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the output will be."""
    return tmp_path / "out.jsonl"


def _fill(output: BatchOutput) -> None:
    output.journal.add("b", failed_row("b"))
    output.journal.add("a", row("a", 3))


def _paths(path: Path) -> list[str]:
    return [json.loads(line)["path"] for line in path.read_text().splitlines()]


def test_batch_without_rows_gives_an_empty_file(path: Path) -> None:
    """Nothing done and finished is a file without rows, and nothing else in the folder."""
    with closing(BatchOutput(path, SETTINGS)) as output:
        assert output.finish() == BatchSummary()
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert path.read_bytes() == b""


def test_finished_batch_is_one_file(path: Path) -> None:
    """All rows are there by name, the totals are theirs, and the journal is gone."""
    with closing(BatchOutput(path, SETTINGS)) as output:
        _fill(output)
        assert not path.exists()
        summary = output.finish()
    assert (summary.photos, summary.failed, summary.faces) == (2, 1, 3)
    assert _paths(path) == ["a", "b"]
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_stopped_batch_goes_on(path: Path) -> None:
    """What was done before a stop is in the output of the next process."""
    with closing(BatchOutput(path, SETTINGS)) as output:
        _fill(output)
    assert not path.exists()
    with closing(BatchOutput(path, SETTINGS)) as output:
        assert output.journal.has("a")
        output.journal.add("c", row("c"))
        output.finish()
    assert _paths(path) == ["a", "b", "c"]


def test_finished_output_is_never_overwritten(path: Path) -> None:
    """An output that is there is left alone, and so is the folder."""
    path.write_text("mine")
    with pytest.raises(BatchError, match="is there already, so nothing was read"):
        BatchOutput(path, SETTINGS)
    assert path.read_text() == "mine"
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_link_to_nowhere_is_an_output(path: Path) -> None:
    """It is told before a photo is read, as a file is, and not followed."""
    path.symlink_to(path.with_name("nowhere"))
    with pytest.raises(BatchError, match="is there already, so nothing was read"):
        BatchOutput(path, SETTINGS)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_file_that_came_meanwhile_is_not_overwritten(path: Path) -> None:
    """What somebody else wrote while the batch ran is kept, and so are the rows."""
    with closing(BatchOutput(path, SETTINGS)) as output:
        _fill(output)
        path.write_text("mine")
        with pytest.raises(BatchError, match=r"is there already .* without reading a photo twice"):
            output.finish()
    with pytest.raises(BatchError, match=r"is there already .* without reading a photo twice"):
        BatchOutput(path, SETTINGS)
    assert path.read_text() == "mine"
    path.unlink()
    with closing(BatchOutput(path, SETTINGS)) as output:
        output.finish()
    assert _paths(path) == ["a", "b"]


def test_kill_between_the_move_and_the_end_is_recovered_from(path: Path) -> None:
    """With the output in its place and the journal still there, the next process finishes."""
    with closing(BatchOutput(path, SETTINGS)) as output:
        _fill(output)
        output.journal.mark_complete()
    path.write_text("moved")
    with closing(BatchOutput(path, SETTINGS)) as output:
        output.journal.add("c", row("c"))
        output.finish()
    assert _paths(path) == ["a", "b", "c"]
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_half_written_output_is_no_output(path: Path) -> None:
    """What a kill left of writing aside does not disturb the next process."""
    with closing(BatchOutput(path, SETTINGS)) as output:
        _fill(output)
    path.with_name(".out.jsonl.part").write_text("half")
    with closing(BatchOutput(path, SETTINGS)) as output:
        output.finish()
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_output_that_does_not_fit_leaves_the_journal(path: Path) -> None:
    """Where the disk is full, no half output lies about, and nothing is lost."""
    with closing(BatchOutput(path, SETTINGS)) as output:
        _fill(output)
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
        try:
            with pytest.raises(BatchError, match=r"File too large.* the same command"):
                output.finish()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [file.name for file in path.parent.iterdir()] == ["out.jsonl.journal"]


def test_output_that_appears_meanwhile_stays(path: Path) -> None:
    """Somebody else's file of that name is not overwritten, and the journal waits."""
    with closing(BatchOutput(path, SETTINGS)) as output:
        _fill(output)
        path.write_text("mine")
        with pytest.raises(BatchError, match="is there already"):
            output.finish()
    assert path.read_text() == "mine"
    assert path.with_name("out.jsonl.journal").exists()


def test_kill_between_the_outputs_two_names_is_gone_on_with(path: Path) -> None:
    """The output has its name, the journal does not say so yet: the same command ends it."""
    with closing(BatchOutput(path, SETTINGS)) as output:
        _fill(output)
        aside = path.with_name(".out.jsonl.part")
        write_aside(aside, lambda file: file.write(b"as it was"))
        give_name(aside, path)
    with closing(BatchOutput(path, SETTINGS)) as again:
        again.finish()
    assert [file.name for file in path.parent.iterdir()] == ["out.jsonl"]
    assert b"as it was" not in path.read_bytes()


@pytest.mark.parametrize("name", ["out", "out.txt", "out.parquet.gz"])
def test_form_that_there_is_not_is_one_sentence(tmp_path: Path, name: str) -> None:
    """A suffix that says no form is refused before anything is written."""
    with pytest.raises(SettingsError, match=r"must end in \.csv, \.jsonl, \.parquet"):
        BatchOutput(tmp_path / name, SETTINGS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    """Finishing five times as many photos takes about the same memory, in every form."""
    script = (
        "import resource, sys; from pathlib import Path\n"
        "from facecore.batch.output import BatchOutput; from tests.batch.conftest import row\n"
        "made = row('x', 3)\n"
        "for rows in (1000, 5000):\n"
        "    for suffix in ('.jsonl', '.csv', '.parquet'):\n"
        "        output = BatchOutput(Path(sys.argv[1], f'{rows}{suffix}'), {})\n"
        "        for n in range(rows): output.journal.add(f'{n:06}', made)\n"
        "        assert output.finish().photos == rows\n"
        "        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path], cwd=REPOSITORY, capture_output=True, check=True
    )
    peaks_kb = [int(line) for line in done.stdout.split()]
    # 4,000 rows of three faces would take about 40 MB; their names take 1 MB.
    assert max(peaks_kb[3:]) - peaks_kb[2] < 20_000
