"""``python -m facecore compare``: variants from a file or a claim, side by side."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from facecore.errors import SettingsError
from facecore.experiment.storage import experiment_from_json, experiment_to_json
from facecore.experiment.variants import Variant, read_variants
from facecore.settings import AnalysisSettings, ProcessOptions, RuntimeOptions
from tests.cli.conftest import (
    COMMAND,
    TIMEOUT_S,
    environment,
    in_process,
    json_lines,
)
from tests.conftest import REPOSITORY, SAMPLES
from tests.experiment.conftest import MadeExperiment, made

__all__ = ["made"]  # a fixture

ASTRONAUT = SAMPLES / "astronaut.png"
HOPPER = SAMPLES / "grace_hopper.jpg"
QUICK = ("--repeats", "2", "--warm-up", "1")

TOML = """
[[variant]]
name = "plain"

[[variant]]
name = "one é"
preset = "Careful"
confidence = 0.6
max_side_px = "none"
threads = 1
fusion = false
cores = 1
cpu_features_off = ["AVX512-SKX"]
min_interval_ms = 5.5
"""
VARIANTS = (
    Variant(name="plain"),
    Variant(
        name="one é",
        settings=AnalysisSettings(careful=True, confidence=0.6, max_side_px=None),
        options=RuntimeOptions(engine="opencv", threads=1, engine_options=(("fusion", False),)),
        process=ProcessOptions(cores=1, cpu_features_off=("AVX512-SKX",), min_interval_ms=5.5),
    ),
)


@pytest.fixture
def plain_file(tmp_path: Path) -> Path:
    """A file of two variants that measure the same."""
    path = tmp_path / "two.toml"
    path.write_text('[[variant]]\nname = "once"\n[[variant]]\nname = "again"\n')
    return path


def _refused(path: Path) -> str:
    """Return the one sentence with which a file of variants is refused."""
    with pytest.raises(SettingsError) as told:
        read_variants(path)
    sentence = str(told.value)
    assert sentence.isprintable()
    assert sentence.endswith(".")
    return sentence


def test_file_of_no_variants_is_refused(plain_file: Path) -> None:
    """An empty file has none; one variant has nothing to be compared with."""
    plain_file.write_text("")
    for text, says in (("", "no list of variants"), ('[[variant]]\nname = "a"', "not 1")):
        plain_file.write_text(text)
        done = in_process("compare", ASTRONAUT, "--variants", plain_file)
        (line,) = done.stderr.splitlines()
        assert line.startswith("error: ")
        assert says in line
        assert (done.returncode, done.stdout) == (2, "")


def test_toml_and_json_say_the_same(tmp_path: Path) -> None:
    """A list of tables under "variant", or a bare list in JSON, gives the same variants."""
    toml, wrapped, bare = (tmp_path / name for name in ("a.toml", "b.json", "c.JSON"))
    toml.write_text(TOML, encoding="utf-8")
    entries = [
        {"name": "plain"},
        {
            "name": "one é",
            "preset": "careful",
            "confidence": 0.6,
            "max_side_px": None,
            "threads": 1,
            "fusion": False,
            "cores": 1,
            "cpu_features_off": ["AVX512-SKX"],
            "min_interval_ms": 5.5,
        },
    ]
    wrapped.write_text(json.dumps({"variant": entries}))
    bare.write_text(json.dumps(entries, ensure_ascii=False), encoding="utf-8")
    for path in (toml, wrapped, bare):
        assert read_variants(path) == VARIANTS


def test_file_of_notepad_is_read(tmp_path: Path) -> None:
    """The mark that some editors put in front of UTF-8 does no harm, nor do their line ends."""
    path = tmp_path / "a.toml"
    path.write_bytes(b"\xef\xbb\xbf" + TOML.strip().replace("\n", "\r\n").encode())
    assert read_variants(path) == VARIANTS


BAD_FILES = [
    ("a.toml", b"[[variant]", "is no TOML or JSON"),
    ("a.toml", b"\xff\xfe\x00", "is no text in UTF-8"),
    ("a.toml", b"x = " + b"[" * 5000, "is no TOML or JSON"),
    ("a.toml", b'variant = "a"', "no list of variants"),
    ("a.toml", b"variant = [1, 2]", "no list of variants"),
    ("a.toml", b'[variant]\nname = "a"', "no list of variants"),
    ("a.toml", b"[[variant]]\nthreads = 1", "has no name"),
    ("a.toml", b"[[variant]]\nname = 1", "has no name"),
    ("a.toml", b'[[variant]]\nname = ""', "needs a name"),
    ("a.toml", b'[[variant]]\nname = "a"\nthread = 1', "no setting called thread"),
    ("a.toml", b'[[variant]]\nname = "a"\n"x\\u001b[2J\\ny" = 1', "no setting called"),
    ("a.toml", b'[[variant]]\nname = "a"\npreset = "Fast"', "no preset 'Fast'"),
    ("a.toml", b'[[variant]]\nname = "a"\nthreads = "two"', '"threads" must be'),
    ("a.toml", b'[[variant]]\nname = "a"\nconfidence = nan', "confidence"),
    ("a.toml", b'[[variant]]\nname = "a"\nconfidence = 2026-01-01', "confidence"),
    ("a.toml", b'[[variant]]\nname = "a"\noptimised = "off"', "optimised"),
    ("a.toml", b'[[variant]]\nname = "a"\ncpu_features_off = "AVX2"', "CPU features"),
    ("a.json", b"", "is no TOML or JSON"),
    ("a.json", b"{", "is no TOML or JSON"),
    ("a.json", b"[" * 100_000, "is no TOML or JSON"),
    ("a.json", b"null", "no list of variants"),
    ("a.json", b'{"variants": []}', "no list of variants"),
    ("a.json", b'[{"name": "a", "max_faces": 0}]', '"most faces" must be'),
]


def test_bad_files_have_one_sentence(tmp_path: Path) -> None:
    """Whatever is wrong in it, the sentence says what, on one line."""
    for name, content, says in BAD_FILES:
        path = tmp_path / name
        path.write_bytes(content)
        assert says in _refused(path), content[:80]


def test_file_that_cannot_be_read(tmp_path: Path) -> None:
    """A missing file or a folder is told of."""
    assert "cannot be read (No such file or directory)" in _refused(tmp_path / "none.toml")
    assert "cannot be read" in _refused(tmp_path)


def test_options_are_checked_before_anything_is_measured(plain_file: Path, tmp_path: Path) -> None:
    """A number out of range, or a file that cannot be written, ends it at once with a sentence."""
    # Measuring would tell of this photo.
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no photo")
    cases = {
        ("--repeats", "0"): "number of repeats must be 1 to 1000",
        ("--seconds", "nan"): "time budget must be 1 to 3600 seconds",
        ("--max-megapixels", "0"): "in megapixels",
        ("--out", "."): ". cannot be written",
        ("--csv", "none/a.csv"): "none/a.csv cannot be written",
        ("--labels", "none/a.csv"): "none/a.csv cannot be read",
        ("--out", f"{'a' * 300}.json"): "cannot be written",
    }
    if Path("/proc/self").exists():
        cases["--out", "/proc/a.json"] = "/proc/a.json cannot be written"
    for options, says in cases.items():
        done = in_process("compare", broken, "--variants", plain_file, *options)
        (line,) = done.stderr.splitlines()
        assert line.startswith("error: ")
        assert says in line
        assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize("option", ["--out", "--csv"])
def test_file_that_is_there_is_not_overwritten(
    plain_file: Path, tmp_path: Path, option: str
) -> None:
    """It is told before anything is measured, as ``analyze --out`` does."""
    mine = tmp_path / "mine"
    mine.write_text("mine")  # an empty file may be there, as mktemp makes one
    done = in_process("compare", ASTRONAUT, "--variants", plain_file, option, mine)
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: {mine} is there already, so nothing was measured: ")
    assert (done.returncode, done.stdout, mine.read_text()) == (2, "", "mine")


def test_variants_or_a_claim_are_needed() -> None:
    """There is no default of what to compare, and not two answers to that."""
    for options in ((), ("--claim", "same", "--variants", "a.toml")):
        done = in_process("compare", ASTRONAUT, *options)
        assert (done.returncode, done.stdout) == (2, "")
        assert "--claim" in done.stderr


def test_photos_that_are_not_there(plain_file: Path, tmp_path: Path) -> None:
    """Each has its own line; where there is none to read, nothing is started."""
    (tmp_path / "empty").mkdir()
    missing, empty = tmp_path / "none.png", tmp_path / "empty"
    done = in_process("compare", missing, empty, "--variants", plain_file)
    first, second, last = done.stderr.splitlines()
    assert first == f"{missing}: error: There is no such file: check the name."
    assert second.startswith(f"{empty}: error: This folder has no photos")
    assert last.startswith("error: There is no photo to measure with")
    assert (done.returncode, done.stdout) == (2, "")


def test_too_many_photos_are_refused_unread(plain_file: Path, tmp_path: Path) -> None:
    """A folder may have more photos than the memory holds; not one of them is opened."""
    (tmp_path / "many").mkdir()
    for number in range(101):
        # Reading it would tell that there is no such file.
        (tmp_path / "many" / f"{number}.png").symlink_to(tmp_path / "nowhere.png")
    done = in_process("compare", tmp_path / "many", "--variants", plain_file)
    assert done.stderr == "error: Measure with at most 100 photos, not 101.\n"
    assert (done.returncode, done.stdout) == (2, "")


def test_photos_that_all_cannot_be_read(plain_file: Path, tmp_path: Path) -> None:
    """Each damaged photo has its line, and the last one says that nothing was measured."""
    (tmp_path / "broken.png").write_bytes(ASTRONAUT.read_bytes()[:4000])
    (tmp_path / "text.jpg").write_bytes(b"no photo")
    out = tmp_path / "out.json"
    done = in_process("compare", tmp_path, "--variants", plain_file, "--out", out, *QUICK)
    passed, first, second, last = done.stderr.splitlines()
    assert passed == "passed over: 1 TOML"
    assert "broken.png: error: " in first
    assert "text.jpg: error: " in second
    assert last.startswith("error: Nothing was measured")
    assert (done.returncode, done.stdout) == (2, "")
    assert not out.exists()


def test_words_and_files(plain_file: Path, tmp_path: Path) -> None:
    """A table of all variants and the differences in words; the experiment and trials as files.

    A photo that cannot be read has its line, and the others are measured.
    """
    plain_file.write_text(TOML, encoding="utf-8")
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no photo")
    out, table = tmp_path / "out.json", tmp_path / "trials.csv"
    done = in_process(
        *("compare", ASTRONAUT, broken, ASTRONAUT, "--variants", plain_file, "--seed", "9"),
        *("--out", out, "--csv", table, *QUICK),
    )
    (line,) = done.stderr.splitlines()
    assert line.startswith("broken.png: error: ")
    assert done.returncode == 0
    advice, empty, head, first, second, *rest = done.stdout.splitlines()
    assert advice.startswith("Measure more before you choose: 4 pairs")
    assert empty == ""
    assert head.split()[:3] == ["variant", "n", "ms"]
    assert first.split()[:2] == ["plain", "4"]
    assert second.split()[:3] == ["one", "é", "4"]
    words = " ".join(rest)
    assert "one é: confidence 0.6 (not 0.7), longest side for detection none (not 800 px)" in words
    assert "8 trials in " in words
    assert "article" not in words.lower()
    assert all(len(line) <= 100 for line in rest)
    saved = experiment_from_json(out.read_bytes())
    assert saved.plan.variants == VARIANTS
    assert (saved.plan.repeats, saved.plan.warm_up, saved.plan.seed) == (2, 1, 9)
    assert [photo.name for photo in saved.photos] == [
        "astronaut.png",
        "broken.png",
        "astronaut.png (2)",
    ]
    with table.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["variant"], row["photo"], int(row["repeat"])) for row in rows] == [
        (VARIANTS[trial.variant].name, trial.photo, trial.repeat) for trial in saved.trials
    ]
    assert [float(row["total_ms"]) for row in rows] == pytest.approx(
        [trial.timings.total_ms for trial in saved.trials]
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_disk_that_is_full_does_not_lose_the_table() -> None:
    """What was measured is printed even where it cannot be saved; the status tells that.

    A claim of the article is repeated, next to what was measured in so many seconds.
    """
    asked = ("--claim", "cap", "--seconds", "1", "--warm-up", "1")
    done = in_process("compare", ASTRONAUT, *asked, "--out", "/dev/full")
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: /dev/full cannot be written")
    assert done.returncode == 2
    lines = done.stdout.splitlines()
    head = next(place for place, line in enumerate(lines) if line.startswith("variant "))
    assert [line.split()[0] for line in lines[head : head + 3]] == ["variant", "no", "cap"]
    words = " ".join(done.stdout.split())
    assert "The article says that a cap of 800 px takes 40 % off the time" in words
    assert "these photos are too small to check that: a cap of 800 px changes" in words


def test_claim_is_measured_and_printed_as_json(tmp_path: Path) -> None:
    """With --json there is one object on one line, whatever is unknown being null."""
    out = tmp_path / "out.json"
    done = in_process("compare", HOPPER, "--claim", "optimised", "--json", "--out", out, *QUICK)
    assert (done.returncode, done.stderr) == (0, "")
    (report,) = json_lines(done.stdout)
    assert report["advice"].startswith("Measure more before you choose: 2 pairs")
    base, other = report["variants"]
    assert (base["variant"], other["variant"]) == ("optimised off", "optimised on")
    assert (base["verdict"], base["ratio"], base["trials"]) == ("baseline", None, 2)
    assert min(base["typical_ms"], other["typical_ms"], base["model_load_ms"]) > 0
    assert {stage["variant"] for stage in report["stages"]} == {"optimised off", "optimised on"}
    assert 0 < report["measured_share"] <= 1
    workers = experiment_from_json(out.read_bytes()).workers
    assert [worker and worker.engine.optimised for worker in workers] == [False, True]

    again, labels = tmp_path / "again.json", tmp_path / "labels.csv"
    labels.write_text("file,gender\nportraits/grace_hopper.jpg,Female\n")
    done = in_process(
        *("compare", HOPPER, "--continue", out, "--repeats", "3", "--json", "--out", again),
        *("--labels", labels),
    )
    assert (done.returncode, done.stderr) == (0, "")
    (report,) = json_lines(done.stdout)
    assert [one["gender_right_of"] for one in report["variants"]] == [1, 1]
    assert [one["trials"] for one in report["variants"]] == [5, 5]
    whole = experiment_from_json(again.read_bytes())
    assert whole.trials[:4] == experiment_from_json(out.read_bytes()).trials
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".csv"}


def test_what_cannot_go_on_is_told_before_anything_is_measured(
    tmp_path: Path, made: MadeExperiment
) -> None:
    """Another machine's experiment, other photos, another seed; the file stays as it is."""
    hopper = hashlib.sha256(HOPPER.read_bytes()).hexdigest()
    photos = tuple(replace(photo, sha256=hopper) for photo in made().photos)
    saved = tmp_path / "saved.json"
    saved.write_bytes(experiment_to_json(made(photos=photos)))
    for options, says in (
        ((HOPPER,), "measured on another machine"),
        ((ASTRONAUT,), "cannot be found, a.jpg for one"),
        ((HOPPER, "--seed", "9"), "the same variants and the same seed"),
        ((HOPPER, "--repeats", "998"), "must be 1 to 1000, not 1001"),
    ):
        done = in_process("compare", *options, "--continue", saved)
        assert says in done.stderr
        assert (done.returncode, done.stdout) == (2, "")
    assert experiment_from_json(saved.read_bytes()) == made(photos=photos)


class _Terminal:
    """The command in a process of its own, whose messages go to a terminal that we read."""

    def __init__(self, *arguments: str | Path) -> None:
        self._side, theirs = os.openpty()
        self.process = subprocess.Popen(
            [*COMMAND, "compare", *arguments],
            cwd=REPOSITORY,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=theirs,
            encoding="utf-8",
            start_new_session=True,
        )
        os.close(theirs)
        self.told = b""

    def read_until(self, words: bytes) -> None:
        """Read until it says that; fails where it ends without."""
        while words not in self.told:
            self.told += os.read(self._side, 4096)

    def interrupt(self) -> tuple[int, str]:
        """Press Ctrl-C; give the status and what was printed, once it is over."""
        workers = psutil.Process(self.process.pid).children()
        os.killpg(self.process.pid, signal.SIGINT)
        try:
            while chunk := os.read(self._side, 4096):
                self.told += chunk
        except OSError:
            pass  # a terminal's way to say that nobody writes any more
        os.close(self._side)
        printed, _ = self.process.communicate(timeout=TIMEOUT_S)
        psutil.wait_procs(workers, timeout=TIMEOUT_S)
        assert not any(worker.is_running() for worker in workers)
        return self.process.returncode, printed


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs Unix's terminals")
def test_ctrl_c_keeps_what_was_measured(plain_file: Path, tmp_path: Path) -> None:
    """A comparison that is interrupted prints and saves what there is, and is no failure."""
    out = tmp_path / "out.json"
    terminal = _Terminal(
        *(ASTRONAUT, "--variants", plain_file, "--repeats", "1000", "--warm-up", "1", "--out", out)
    )
    terminal.read_until(b" left")
    assert re.search(rb"\d of 2000 trials, about \d:\d\d:\d\d left", terminal.told)
    status, printed = terminal.interrupt()
    assert (status, b"Traceback" in terminal.told) == (0, False)
    assert "stopped before its end" in " ".join(printed.split())
    saved = experiment_from_json(out.read_bytes())
    assert saved.stopped
    assert 0 < len(saved.trials) < 2000
    assert terminal.told.endswith(b"\r\x1b[2K")


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs Unix's terminals")
def test_ctrl_c_before_anything_was_measured(plain_file: Path, tmp_path: Path) -> None:
    """Where there is nothing to keep, nothing is printed or written, and a sentence says so."""
    out = tmp_path / "out.json"
    terminal = _Terminal(ASTRONAUT, "--variants", plain_file, "--out", out)
    terminal.read_until(b"starting once")
    status, printed = terminal.interrupt()
    assert (status, printed, out.exists()) == (2, "", False)
    last = terminal.told.decode().splitlines()[-1].split("\x1b[2K")[-1]
    assert last.startswith("error: Nothing was measured")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_variants_of_another_editor_are_read_or_named(tmp_path: Path, encoding: str) -> None:
    """UTF-16 with its mark, as Notepad writes it, is read; without it, it is told of."""
    path = tmp_path / "variants.toml"
    text = '[[variant]]\nname = "ä"\n[[variant]]\nname = "b"\nconfidence = 0.9\n'
    path.write_bytes(text.encode(encoding))
    if encoding in ("utf-16-le", "utf-16-be"):
        with pytest.raises(SettingsError, match="save it as UTF-8"):
            read_variants(path)
    else:
        assert [variant.name for variant in read_variants(path)] == ["ä", "b"]
