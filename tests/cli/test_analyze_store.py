"""``facecore analyze s3://… --out s3://…`` against a real S3 server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from facecore.sources import cloud
from facecore.sources.stores import Address
from tests.batch.conftest import grey_png
from tests.cli.batches import stopped_after
from tests.cli.conftest import in_process, json_lines
from tests.s3_server import S3Server, s3_server

pytestmark = pytest.mark.slow

OUT = "s3://photos/out/rows.jsonl"
COMMAND = ("s3://photos/in", "--out", OUT, "--no-rescue")


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    """A server that lists three objects at once."""
    with pytest.MonkeyPatch.context() as changes, s3_server(changes) as server:
        changes.setattr(cloud, "PAGE_OBJECTS", 3)
        yield server


@pytest.fixture
def store(server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """Seven photos and no output; what is kept on this machine goes to a folder of the test."""
    server.clear()
    for number in range(7):
        server.put(f"in/{number}.png", grey_png(level=number))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return server


def test_after_a_stop_only_what_is_new_or_changed_is_read(store: S3Server, tmp_path: Path) -> None:
    """The rows of unchanged objects stay; nothing that is written has a credential in it."""
    assert stopped_after(4, *COMMAND).returncode == 130
    (journal,) = tmp_path.rglob("*.journal")
    assert b"s3://photos/in/1.png" in journal.read_bytes()
    assert b"hush-hush" not in journal.read_bytes()
    store.put("in/1.png", grey_png(level=200))
    store.put("in/6.png", b"no picture any more")
    asked: list[str] = []
    read = Address.read

    def noted(address: Address) -> bytes:
        asked.append(address.url.rpartition("/")[2])
        return read(address)

    with patch.object(Address, "read", noted):
        done = in_process("analyze", *COMMAND)
    assert done.returncode == 1
    assert sorted(asked) == ["1.png", "4.png", "5.png", "6.png"]
    rows = json_lines(store.read("out/rows.jsonl").decode())
    assert [row["path"] for row in rows] == [f"s3://photos/in/{n}.png" for n in range(7)]
    assert "not a picture" in rows[6]["error"]
    assert "hush-hush" not in store.read("out/rows.jsonl").decode()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_an_output_that_is_there_stays(store: S3Server) -> None:
    """One that was there before and one that came meanwhile are not written over."""
    store.put("out/rows.jsonl", b"somebody's")
    done = in_process("analyze", *COMMAND)
    assert (done.returncode, "is there already" in done.stderr) == (2, True)
    store.delete("out/rows.jsonl")
    stopped_after(6, *COMMAND)
    # It comes between the look and the writing.
    with patch.object(cloud, "size_of", lambda *_: None):
        store.put("out/rows.jsonl", b"somebody's")
        done = in_process("analyze", *COMMAND)
    assert done.returncode == 2
    assert store.read("out/rows.jsonl") == b"somebody's"
    assert "is not this batch's, so it stays" in done.stderr
    store.delete("out/rows.jsonl")
    assert in_process("analyze", *COMMAND).returncode == 0


def test_one_of_as_many_bytes_is_somebody_elses(store: S3Server) -> None:
    """Only what was on its way before is taken for this batch's output."""
    assert in_process("analyze", *COMMAND).returncode == 0
    other = b"x" * len(store.read("out/rows.jsonl"))
    store.put("out/rows.jsonl", other)
    with patch("facecore.batch.output.has_output", lambda _: False):
        assert in_process("analyze", *COMMAND).returncode == 2
    assert store.read("out/rows.jsonl") == other


def test_the_same_address_in_another_store_is_another_output(
    store: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is done of one batch is not taken for the other's."""
    assert stopped_after(4, *COMMAND).returncode == 130
    s3fs = pytest.importorskip("s3fs")
    with monkeypatch.context() as changes:
        # Another name of the same server.
        changes.setenv(
            "AWS_ENDPOINT_URL", os.environ["AWS_ENDPOINT_URL"].replace("127.0.0.1", "localhost")
        )
        s3fs.S3FileSystem.clear_instance_cache()
        assert "Going on" not in in_process("analyze", *COMMAND).stderr
    s3fs.S3FileSystem.clear_instance_cache()
    store.delete("out/rows.jsonl")
    assert "Going on: 4 photos" in in_process("analyze", *COMMAND).stderr


def test_a_kill_between_the_output_and_the_end_of_the_journal_costs_nothing(
    store: S3Server, tmp_path: Path
) -> None:
    """The output that is there is taken for this batch's own, and the journal goes."""
    with patch("facecore.batch.output.give_output", side_effect=KeyboardInterrupt):
        assert in_process("analyze", *COMMAND).returncode == 130
    (journal,) = tmp_path.rglob("*.journal")
    kept = journal.read_bytes()
    assert in_process("analyze", *COMMAND).returncode == 0
    rows = store.read("out/rows.jsonl")
    journal.write_bytes(kept)
    done = in_process("analyze", *COMMAND)
    assert (done.returncode, done.stderr) == (0, "Going on: 7 photos were done before.\n")
    assert store.read("out/rows.jsonl") == rows
    assert not journal.exists()


def test_what_cannot_be_written_or_found_is_told_in_one_sentence(store: S3Server) -> None:
    """A bucket that is not there, an address with a password, and one without photos."""
    for paths, words in [
        (("s3://photos/in", "--out", "s3://no-such-bucket/rows.csv"), "no such bucket"),
        (("s3://me:hush-hush@photos/in", "--out", OUT), "no user, password"),
        (("s3://photos/nothing", "--out", OUT), "no photos right below it"),
    ]:
        done = in_process("analyze", *paths)
        assert done.returncode == 2
        assert words in done.stderr
        assert done.stderr.count("\n") == 1
        assert "hush" not in done.stderr
