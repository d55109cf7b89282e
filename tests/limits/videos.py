"""Hostile videos by the hundred, and the memory of a long one: what is opened, said and taken.

``python -m tests.limits.videos [--count 200]`` has this many files that were made to do harm
read, in a process that ``strace`` follows. It prints JSON: how many gave frames and how many a
sentence, the longest time, and every file and connection that a decoder opened or tried to once
it had its video. It exits with 1 where one was opened, or somebody was called.

``python -m tests.limits.videos --server`` has the same files uploaded to the Batch page of a real
server by a browser, and read there: what came of each, and whether the server is as it was.

``python -m tests.limits.videos --seconds 60`` has so many seconds of 1080p read by two workers: the
memory of each process in the first and in the second half, the rows through a ``kill -9`` beside
those of the same frames as PNG files, all digits.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import psutil
import requests

from facecore.imaging.decoding import BgrImage, decode_image, encode_png
from facecore.sources.folders import find_photos
from facecore.video.frames import FrameReader
from facecore.video.sampling import Sampling
from tests.browser.server import chromium_path, opened_tab, running_browser, wait_until_idle
from tests.conftest import SAMPLES
from tests.server import server_process
from tests.video.clips import CODECS, hostile, scene, write_clip

_CALLS = "open,openat,openat2,creat,connect,socket,execve,prlimit64"
_ERROR = re.compile(r"Traceback|ERROR|Segmentation fault|\w+Error: .*")
_PATIENCE_MS = 900_000
_LIMITED = re.compile(r"^(\d+) .*prlimit64\(0, RLIMIT_NOFILE, \{rlim_cur=3,")
_CALL = re.compile(r"^(\d+) .*?(open\w*|creat|connect|socket|execve)\((.*) = (-?\d+)")


def _bomb(number: int, _: int, size_wh: tuple[int, int]) -> BgrImage:
    return np.full((size_wh[1], size_wh[0], 3), number % 2, np.uint8)


def make(folder: Path, port: int, count: int) -> None:
    """Write the files: those of the tests, and bombs, which take long to make."""
    good = folder / "good"
    good.mkdir()
    clips = {s: write_clip(good / f"clip{s}", frames=12).read_bytes() for s in CODECS}
    bad = folder / "bad"
    bad.mkdir()
    write_clip(bad / "bomb4k.mp4", frames=100, size_wh=(3840, 2160), draw=_bomb)
    write_clip(bad / "bomb8k.webm", frames=6, size_wh=(7680, 4320), draw=_bomb)
    write_clip(bad / "wide.avi", frames=4, size_wh=(16000, 8000), draw=_bomb)
    for name, data in hostile(clips, port, count - 3):
        (bad / name).write_bytes(data)


def read(folder: Path) -> dict[str, object]:
    """Read all files and return what became of them."""
    came: Counter[str] = Counter()
    sentences: Counter[str] = Counter()
    longest_s, slowest = 0.0, ""
    for path in sorted((folder / "bad").iterdir()):
        started_s = time.perf_counter()
        reader = FrameReader(sampling=Sampling.parse("1/s"), most_frames=100)
        photos = list(reader.read(find_photos([path], videos=True)))
        came["frames"] += any(photo.time_s is not None for photo in photos)
        told = [photo for photo in photos if photo.time_s is None]
        came["sentence"] += bool(told)
        came["nothing"] += not photos
        for photo in told:
            try:
                photo.read()
            except Exception as error:  # noqa: BLE001 - counted
                sentences[re.sub(r"\d+", "N", f"{type(error).__name__}: {error}")] += 1
        if time.perf_counter() - started_s > longest_s:
            longest_s, slowest = time.perf_counter() - started_s, path.name
    return {
        "files": sum(1 for _ in (folder / "bad").iterdir()),
        "came": came,
        "sentences": dict(sentences.most_common()),
        "longest_s": round(longest_s, 1),
        "slowest": slowest,
    }


def opened(trace: Path) -> tuple[int, list[str], list[str]]:
    """Return how many decoders gave up their rights, and what they then opened or tried to."""
    limited: set[str] = set()
    done: list[str] = []
    tried: list[str] = []
    for line in trace.read_text(encoding="utf-8", errors="replace").splitlines():
        if found := _LIMITED.match(line):
            limited.add(found[1])
        elif (found := _CALL.match(line)) and found[1] in limited:
            (tried if found[4].startswith("-") else done).append(line)
    return len(limited), done, tried


def on_a_server(folder: Path) -> dict[str, object]:
    """Have a real server's Batch page read all files, and then a good photo."""
    files = sorted((folder / "bad").iterdir())
    with server_process(folder / "log") as server:
        before_mb = server.rss_bytes() / 1e6
        with running_browser(chromium_path() or "chromium") as browser, opened_tab(browser) as page:
            page.goto(f"{server.address}/batch")
            wait_until_idle(page)
            page.locator('input[type="file"]').first.set_input_files(files)
            page.locator(".st-key-batch_start button:visible:enabled").first.click()
            page.get_by_role("button", name="JSON lines").wait_for(timeout=_PATIENCE_MS)
            ended = page.locator(".stMain strong").first.inner_text()
            with page.expect_download() as waiting:
                page.get_by_role("button", name="JSON lines").click()
            text = Path(waiting.value.path()).read_text(encoding="utf-8")
        photo = {"image": ("a.jpg", (SAMPLES / "grace_hopper.jpg").read_bytes())}
        answer = requests.post(f"{server.address}/predict", files=photo, timeout=60)
        facts = {
            "alive": server.is_alive(),
            "photo afterwards": answer.status_code,
            "memory_mb": [round(before_mb), round(server.rss_bytes() / 1e6)],
            "log": Counter(_ERROR.findall((folder / "log").read_text(encoding="utf-8"))),
        }
    rows = [json.loads(line) for line in text.splitlines()]
    sentences = Counter(re.sub(r"\d+", "N", row["error"]) for row in rows if row.get("error"))
    names = {row["path"].partition("#")[0] for row in rows}
    return {
        "files": len(files),
        "with rows": sum(path.name in names for path in files),
        "without": [path.name for path in files if path.name not in names],
        "ended": ended,
        "frames": sum(not row.get("error") for row in rows),
        "sentences": dict(sentences.most_common()),
        **facts,
    }


def _long_scene(number: int, count: int, size_wh: tuple[int, int]) -> BgrImage:
    return scene(number % 300, 300, size_wh)


def _watched(process: psutil.Popen, journal: Path, kill_at: int) -> dict[str, list[float]]:
    """Return the memory of each kind of process by time, MB; kill it with so many rows, or 0."""
    seen: dict[str, list[float]] = {"command": [], "decoder": [], "workers": []}
    while process.poll() is None:
        if kill_at and journal.exists() and journal.read_bytes().count(b"\n") > kill_at:
            process.kill()
            break
        with contextlib.suppress(psutil.Error):
            seen["command"].append(process.memory_info().rss / 1e6)
            sums = {"decoder": 0.0, "workers": 0.0}
            for child in process.children(recursive=True):
                kind = "decoder" if "facecore.video" in child.cmdline() else "workers"
                sums[kind] += child.memory_full_info().pss / 1e6
            for kind, megabytes in sums.items():
                if megabytes:
                    seen[kind].append(megabytes)
        time.sleep(0.2)
    process.wait()
    return seen


def _answers(out: Path) -> list[object]:
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    for row in rows:
        for face in row["faces"]:
            face.pop("track", None)
    return [(row["size_wh"], row["faces"]) for row in rows]


def long_video(folder: Path, seconds: int) -> dict[str, object]:
    """Return what a long video takes, and whether its rows are those of its frames as photos."""
    size_wh = (1920, 1080)
    clip = write_clip(
        folder / "long.mp4", frames=30 * seconds, fps=30, size_wh=size_wh, draw=_long_scene
    )
    out, journal = folder / "rows.jsonl", folder / "rows.jsonl.journal"
    command = [sys.executable, "-m", "facecore", "analyze", str(clip), "--out", str(out)]
    halves = {}
    for kill_at in (seconds, 0):  # half of the frames, and the rest
        process = psutil.Popen(
            [*command, "--workers", "2"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        seen = _watched(process, journal, kill_at)
        parts = {kind: np.array_split(mb, 3)[1:] for kind, mb in seen.items() if len(mb) > 3}
        halves["killed" if kill_at else "gone on with"] = {
            kind: [round(float(part.max())) for part in two] for kind, two in parts.items()
        }
    stills = folder / "stills"
    stills.mkdir()
    for photo in FrameReader(sampling=Sampling()).read(find_photos([clip], videos=True)):
        name = f"{photo.frame:06}.png"
        (stills / name).write_bytes(encode_png(decode_image(photo.read())))
    photos = folder / "photos.jsonl"
    subprocess.run(
        [*command[:4], str(stills), "--out", str(photos), "--workers", "2"],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    names = [json.loads(line)["path"] for line in out.read_text(encoding="utf-8").splitlines()]
    return {
        "clip_mb": round(clip.stat().st_size / 1e6, 1),
        "rows": len(names),
        "each_once": len(names) == len(set(names)),
        "same_as_photos": _answers(out) == _answers(photos),
        "memory_mb_second_and_last_third": halves,
    }


def _was_called(listener: socket.socket) -> bool:
    listener.settimeout(0)
    try:
        return bool(listener.accept())
    except BlockingIOError:
        return False


def main() -> None:
    """Make, read under strace, and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=0)
    parser.add_argument("--server", action="store_true")
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    if arguments.read:
        print(json.dumps(read(arguments.read)))
        return
    if arguments.seconds:
        with tempfile.TemporaryDirectory() as name:
            print(json.dumps(long_video(Path(name), arguments.seconds), indent=1))
        return
    with (
        tempfile.TemporaryDirectory() as name,
        socket.create_server(("127.0.0.1", 0)) as listener,
    ):
        folder = Path(name)
        make(folder, listener.getsockname()[1], arguments.count)
        if arguments.server:
            print(json.dumps({**on_a_server(folder), "called": _was_called(listener)}, indent=1))
            return
        trace = folder / "trace"
        command = ["strace", "-f", "--seccomp-bpf", "-e", f"trace={_CALLS}", "-o", str(trace)]
        command += [sys.executable, "-m", "tests.limits.videos", "--read", str(folder)]
        ran = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
        called = _was_called(listener)
        decoders, done, tried = opened(trace)
        facts = {"decoders": decoders, "opened": done, "tried": tried, "called": called}
        print(json.dumps({**json.loads(ran.stdout), **facts}, indent=1))
    sys.exit(bool(done or called))


if __name__ == "__main__":
    main()
