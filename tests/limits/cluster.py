"""Try a real Ray cluster hard: ``python -m tests.limits.cluster rows|speed|memory``; needs Ray.

``rows``, as root: a head and two nodes in network namespaces of their own read the objects of an
S3 server (moto's, at the head), or with ``--folder`` files that the driver sends. One worker is
killed, the link of one node is cut for 25 seconds, and the command is killed and given again;
among the photos is one that kills its process. It exits with 1 if a photo has no row, or more
than one, or if another than that one failed.
``speed``: two workers of a cluster against ``--workers 2``, in turns; 1 if it is below 0.95.
``memory``: the driver over very many photos; 1 if it grows after the first tenth.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import psutil

from facecore.executors.cluster import ClusterOptions
from facecore.executors.crew import read_on_cluster
from facecore.executors.pool import PoolOptions, read_with_workers
from facecore.executors.ray_cluster import Cluster
from facecore.executors.reading import Outcome
from facecore.imaging.decoding import cap_longest_side, decode_image, encode_jpeg
from facecore.settings import AnalysisSettings, RuntimeOptions
from facecore.sources.photo import Photo
from tests.conftest import REPOSITORY, SAMPLES
from tests.executors.fragile import KILLS

SPACES = {"fc-head": "10.77.0.1", "fc-n1": "10.77.0.2", "fc-n2": "10.77.0.3"}
HEAD = "fc-head"
CUT_S = 25
_CLIENT_PORT = 10001
KILLER = "killer.jpg"
DRIVER = """
import sys
from facecore.executors import ray_cluster
from tests.executors.fragile import FragileWorker
ray_cluster.NodeWorker = FragileWorker
from facecore.__main__ import main
sys.exit(main())
"""


def main() -> int:
    """Run one of the three, print what came out as JSON; 0 if all is well."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=["rows", "speed", "memory"])
    parser.add_argument("--photos", type=int, help="2000, 300 a turn, or 100000")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--folder", action="store_true", help="rows: of files, not of objects")
    options = parser.parse_args()
    if options.what == "rows":
        report = rows(options.photos or 2000, in_folder=options.folder)
    elif options.what == "speed":
        report = speed(options.photos or 300, options.turns)
    else:
        report = memory(options.photos or 100_000)
    print(json.dumps(report, indent=1))
    return 0 if report["well"] else 1


def rows(count: int, *, in_folder: bool) -> dict[str, object]:
    """Read so many photos through all that."""
    with tempfile.TemporaryDirectory() as name, _spaces():
        folder, out = Path(name) / "photos", Path(name) / "out.jsonl"
        _write_photos(folder, count)
        with contextlib.ExitStack() as stack:
            log = stack.enter_context((Path(name) / "ray.log").open("w"))
            nodes = _Nodes(log, stack)
            said = Path(name) / "said.txt"
            source = str(folder) if in_folder else _store(folder, log, stack)
            started_s = time.monotonic()
            try:
                _through_all(nodes, source, out, count, said)
            except BaseException:
                for told in (said, Path(log.name)):
                    print(told.read_text("utf-8")[-3000:], file=sys.stderr)
                raise
            seconds = round(time.monotonic() - started_s)
        found = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
        found = [row for row in found if "path" in row]
        names = Counter(Path(row["path"]).name for row in found)
        failed = {Path(r["path"]).name: r["error"] for r in found if r.get("error")}
        sentences = [line for line in said.read_text("utf-8").splitlines() if line.strip()]
    return {
        "rows": len(found),
        "different": len(names),
        "failed": failed,
        "seconds": seconds,
        "nodes that were started again": nodes.again,
        "said": sentences[-25:],
        "well": len(names) == len(found) == count + 1 and list(failed) == [KILLER],
    }


def _through_all(nodes: _Nodes, source: str, out: Path, count: int, said: Path) -> None:
    journal = out.with_name(f"{out.name}.journal")
    with said.open("a") as stderr:
        driver = _driver(source, out, stderr)
        _wait_for(journal, count // 10, nodes, driver)
        victim = next(p for p in psutil.process_iter() if _title(p).startswith("ray::Fragile"))
        victim.kill()
        _wait_for(journal, count // 5, nodes, driver)
        _ip("-n", HEAD, "link", "set", "fc-n1", "down")
        cut_s = time.monotonic()
        while time.monotonic() - cut_s < CUT_S:
            nodes.keep()
            time.sleep(0.5)
        _ip("-n", HEAD, "link", "set", "fc-n1", "up")
        _wait_for(journal, count * 7 // 10, nodes, driver)
        driver.send_signal(signal.SIGKILL)
        driver.wait()
        driver = _driver(source, out, stderr)
        while driver.poll() is None:
            nodes.keep()
            time.sleep(0.5)


class _Nodes:
    """The head and the nodes; one that ends, as it was taken for dead, is started again."""

    def __init__(self, log: IO[str], stack: contextlib.ExitStack) -> None:
        self.again = 0
        self._log = log
        self._stack = stack
        head = ["--head", f"--node-ip-address={SPACES[HEAD]}", "--port=6379", "--num-cpus=0"]
        head += [f"--ray-client-server-port={_CLIENT_PORT}", "--include-dashboard=false"]
        self._start(HEAD, head)
        _wait_until_it_listens(_CLIENT_PORT)
        self._processes = {space: self._join(space) for space in SPACES if space != HEAD}

    def keep(self) -> None:
        for space, process in self._processes.items():
            if process.poll() is not None:
                self.again += 1
                self._processes[space] = self._join(space)

    def _join(self, space: str) -> subprocess.Popen[bytes]:
        words = [f"--address={SPACES[HEAD]}:6379", f"--node-ip-address={SPACES[space]}"]
        return self._start(space, [*words, "--num-cpus=1"])

    def _start(self, space: str, words: Sequence[str]) -> subprocess.Popen[bytes]:
        ray = [str(Path(sys.executable).with_name("ray")), "start", "--block", *words]
        ray += ["--disable-usage-stats", f"--node-name={space}", "--object-store-memory=100000000"]
        # Files of their own: what is one machine's would else be three machines'.
        alone = ["sh", "-c", 'mount -t tmpfs none /tmp/ray && exec "$@"', "sh"]
        process = subprocess.Popen(
            ["ip", "netns", "exec", space, *alone, *ray],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env=_environment(),
            start_new_session=True,
        )
        self._stack.callback(_end, process)
        return process


def _wait_until_it_listens(port: int) -> None:
    knock = ["bash", "-c", f"exec 2>/dev/null; : </dev/tcp/{SPACES[HEAD]}/{port}"]
    for _ in range(120):
        if not subprocess.run(["ip", "netns", "exec", HEAD, *knock], check=False).returncode:
            return
        time.sleep(1)
    raise SystemExit(f"Nobody listened at port {port} of the head within two minutes.")


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
    process.kill()
    process.wait()


# Ray's workers give way to all else, and the processes that they are compared with do not.
_NOT_NICE = {"RAY_worker_niceness": "0"}
_TOKEN = secrets.token_hex(16)


_STORE_PORT = 5000
_STORE = {
    "AWS_ENDPOINT_URL": f"http://{SPACES[HEAD]}:{_STORE_PORT}",
    "AWS_ACCESS_KEY_ID": "someone",
    "AWS_SECRET_ACCESS_KEY": "hush-hush",
    "AWS_DEFAULT_REGION": "us-east-1",
}
_FILL = """
import sys, s3fs
store = s3fs.S3FileSystem()
store.mkdir("photos")
store.put(sys.argv[1] + "/", "photos/all/", recursive=True)
"""


def _store(folder: Path, log: IO[str], stack: contextlib.ExitStack) -> str:
    """Start an S3 server at the head with all files of a folder; return the objects' address."""
    words = [sys.executable, "-m", "moto.server", "-H", SPACES[HEAD], "-p", str(_STORE_PORT)]
    there = ["ip", "netns", "exec", HEAD]
    server = subprocess.Popen([*there, *words], stdout=log, stderr=log, start_new_session=True)
    stack.callback(_end, server)
    _wait_until_it_listens(_STORE_PORT)
    fill = [*there, sys.executable, "-P", "-c", _FILL, str(folder)]
    subprocess.run(fill, check=True, env=_environment())
    return "s3://photos/all"


def _environment() -> dict[str, str]:
    paths = {"PYTHONPATH": str(REPOSITORY), "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": _TOKEN}
    return {**os.environ, **_STORE, **paths, "RAY_USAGE_STATS_ENABLED": "0", **_NOT_NICE}


def _driver(source: str, out: Path, stderr: IO[str]) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-P", "-c", DRIVER, "analyze", source, "--out", str(out)]
    words += ["--cluster", f"ray://{SPACES[HEAD]}:{_CLIENT_PORT}"]
    return subprocess.Popen(
        ["ip", "netns", "exec", HEAD, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=stderr,
        env=_environment(),
    )


def _wait_for(journal: Path, lines: int, nodes: _Nodes, driver: subprocess.Popen[bytes]) -> None:
    while not journal.exists() or journal.read_bytes().count(b"\n") < lines:
        if driver.poll() is not None:
            raise SystemExit(f"The command ended with {driver.returncode} before {lines} rows.")
        nodes.keep()
        time.sleep(0.2)


def _title(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return (process.cmdline() or [""])[0]
    return ""


@contextlib.contextmanager
def _spaces() -> Iterator[None]:
    Path("/tmp/ray").mkdir(exist_ok=True)  # where Ray keeps its files
    with contextlib.ExitStack() as stack:
        for space in SPACES:
            _ip("netns", "add", space)
            stack.callback(_ip, "netns", "del", space)
            _ip("-n", space, "link", "set", "lo", "up")
        _ip("-n", HEAD, "link", "add", "bridge", "type", "bridge")
        _ip("-n", HEAD, "addr", "add", f"{SPACES[HEAD]}/24", "dev", "bridge")
        _ip("-n", HEAD, "link", "set", "bridge", "up")
        for space, address in list(SPACES.items())[1:]:
            end = ["type", "veth", "peer", "name", "eth0", "netns", space]
            _ip("-n", HEAD, "link", "add", space, *end)
            _ip("-n", HEAD, "link", "set", space, "master", "bridge", "up")
            _ip("-n", space, "addr", "add", f"{address}/24", "dev", "eth0")
            _ip("-n", space, "link", "set", "eth0", "up")
        yield


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def _write_photos(folder: Path, count: int) -> None:
    folder.mkdir()
    photo = decode_image((SAMPLES / "grace_hopper.jpg").read_bytes())
    data = encode_jpeg(cap_longest_side(photo, 240))
    for number in range(count):
        (folder / f"{number:05}.jpg").write_bytes(data)
    (folder / KILLER).write_bytes(KILLS)


def speed(count: int, turns: int) -> dict[str, object]:
    """Measure photos a second of both, in turns, from the tenth outcome to the last but two."""
    data = (SAMPLES / "grace_hopper.jpg").read_bytes()
    photos = [Photo(name=str(number), read=lambda: data) for number in range(count)]
    runtime, settings = RuntimeOptions(threads=1), AnalysisSettings()
    of_pool, of_cluster = [], []
    os.environ.update(_NOT_NICE)
    with contextlib.closing(Cluster("auto")):
        for _ in range(turns):
            pool = PoolOptions(workers=2, runtime=runtime)
            of_pool.append(_per_s(read_with_workers(photos, settings, pool)))
            cluster = ClusterOptions(address="auto", workers=2, runtime=runtime)
            of_cluster.append(_per_s(read_on_cluster(photos, settings, cluster)))
    ratios = [ours / theirs for ours, theirs in zip(of_cluster, of_pool, strict=True)]
    ratio = statistics.median(ratios)
    return {
        "local, photos/s": of_pool,
        "cluster, photos/s": of_cluster,
        "ratios": ratios,
        "ratio": ratio,
        "well": ratio >= 0.95,
    }


def _per_s(outcomes: Iterator[Outcome]) -> float:
    times = [time.perf_counter() for _ in outcomes]
    return len(times[40:-2]) / (times[-3] - times[39])


def memory(count: int) -> dict[str, object]:
    """Read so many files that are no photos, which costs the driver as much as others."""
    photos = (Photo(name=f"{n:09}.jpg", read=lambda: b"no photo") for n in range(count))
    options = ClusterOptions(address="auto", workers=2, runtime=RuntimeOptions(threads=1))
    me, rss_mb = psutil.Process(), []
    for done, _ in enumerate(read_on_cluster(photos, AnalysisSettings(), options), start=1):
        if done % (count // 10) == 0:
            rss_mb.append(round(me.memory_info().rss / 1e6, 1))
    return {"RSS in MB, by tenths": rss_mb, "well": rss_mb[-1] - rss_mb[0] < 20}


if __name__ == "__main__":
    if shutil.which("ip") is None:
        sys.exit("There is no ip here: install iproute2.")
    sys.exit(main())
