"""Where an experiment runs, for whoever reads it later on another machine."""

from __future__ import annotations

import platform
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import cv2
import psutil

from facecore.errors import SettingsError
from facecore.executors.messages import Count, Positive
from facecore.machine.container import free_memory_bytes, read_limits, usable_cores
from facecore.machine.sampler import machine_times
from facecore.models.catalogue import all_file_statuses, set_specs
from facecore.wording import Text

MAX_PHOTOS = 100
MAX_PHOTOS_BYTES = 200_000_000
WORKER_BYTES = 450_000_000
"""Memory of one worker process: its networks, Python, and a photo of some 10 megapixels."""

BUSY_FROM_PERCENT = 10.0
"""From this share of the machine on, what other programs used is worth a warning."""

# Two experiments at once would measure each other.
_ONE_AT_A_TIME = threading.Lock()
_NAMES = {"cpu_quota": Text("CPU quota"), "model_sha256": Text("files of the networks")}
_PACKAGES = ("opencv-python-headless", "numpy", "psutil", "pillow")


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Where an experiment ran.

    ``opencv_build`` is OpenCV's own text about its build; ``model_sha256`` the
    hash of each known network file that was there, by the file's name;
    ``cpu_quota`` the container's limit in processors, or None without one.
    """

    processor: str
    cores: Count
    cpu_quota: Positive | None
    memory_bytes: Count
    system: str
    python: str
    packages: Mapping[str, str] = field(hash=False)
    opencv_build: str
    model_sha256: Mapping[str, str] = field(hash=False)


def this_environment() -> Environment:
    """Describe this machine, its container and what is installed; hashes the networks' files."""
    return Environment(
        processor=_processor(),
        cores=usable_cores(),
        cpu_quota=read_limits().cpu_quota,
        memory_bytes=psutil.virtual_memory().total,
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        python=platform.python_version(),
        packages={name: _version(name) for name in _PACKAGES},
        opencv_build=cv2.getBuildInformation(),
        model_sha256={
            status.file.name: status.file.sha256
            for model_set in set_specs()
            for status in all_file_statuses(model_set)
            if status.hash_ok
        },
    )


def check_same_machine(before: Environment, now: Environment) -> None:
    """Check that times from here can stand beside those from before.

    Raises:
        SettingsError: the processor, its limits, the software or the networks are others.
    """
    for name in ("processor", "cores", "cpu_quota", "packages", "model_sha256"):
        if getattr(before, name) != getattr(now, name):
            raise SettingsError(
                "This experiment was measured on another machine or with other software "
                "(what differs: {what}), so new times do not go with it: measure it anew "
                "here.",
                what=_NAMES.get(name, name),
            )


def check_room(variants: int, photos: Mapping[str, bytes]) -> None:
    """Check that so many variants can read these photos here.

    Raises:
        SettingsError: there are no photos, too many, or too little memory.
    """
    if not 0 < len(photos) <= MAX_PHOTOS:
        raise SettingsError(
            "An experiment needs 1 to {most} photos, not {n}.",
            most=MAX_PHOTOS,
            n=len(photos),
        )
    if sum(map(len, photos.values())) > MAX_PHOTOS_BYTES:
        raise SettingsError(
            "These photos have more than {most} MB together, and each "
            "variant keeps them all: choose fewer.",
            most=MAX_PHOTOS_BYTES // 1_000_000,
        )
    needed = variants * (WORKER_BYTES + sum(map(len, photos.values())))
    free = free_memory_bytes()
    if needed > free:
        # Else the kernel would choose what to kill, perhaps the server.
        raise SettingsError(
            "{variants} variants need about {needed:.0f} MB of memory, and "
            "{free:.0f} MB are free: compare fewer variants, or use a larger machine.",
            variants=variants,
            needed=needed / 1e6,
            free=free / 1e6,
        )


@contextmanager
def alone() -> Iterator[None]:
    """Let nobody else measure in this process meanwhile.

    Raises:
        SettingsError: somebody does already.
    """
    if not _ONE_AT_A_TIME.acquire(blocking=False):
        raise SettingsError(
            "Another experiment is being measured on this server: wait until it is done."
        )
    try:
        yield
    finally:
        _ONE_AT_A_TIME.release()


class MachineLoad:
    """What the machine did since this was made."""

    def __init__(self) -> None:
        """Begin to count."""
        self._busy_s, self._total_s = machine_times()

    def others_percent(self, ours_s: float) -> float | None:
        """Return what all but ``ours_s`` used of the whole machine, in percent."""
        busy_s, total_s = machine_times()
        if total_s <= self._total_s:
            return None
        others_s = max(0.0, busy_s - self._busy_s - ours_s)
        return 100 * min(1.0, others_s / (total_s - self._total_s))


def _processor() -> str:
    # platform.processor() is empty or "x86_64" on Linux; the kernel knows the name.
    try:
        for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() in ("model name", "Model", "Hardware"):
                return value.strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"


def disturbances(where: Environment, other_load_percent: float | None) -> Iterator[Text]:
    """Yield what on a machine speaks against believing times that were measured there."""
    if other_load_percent is not None and other_load_percent >= BUSY_FROM_PERCENT:
        yield Text(
            "Whatever else ran, this server's pages included, used {load:.0f} % of the machine "
            "meanwhile: measure again when it is quiet.",
            load=other_load_percent,
        )
    if where.cpu_quota is not None and where.cpu_quota < where.cores:
        yield Text(
            "The container may use {quota:g} processors: what is slower may have been held up.",
            quota=where.cpu_quota,
        )
