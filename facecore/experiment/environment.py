"""Where an experiment runs, for whoever reads it later on another machine."""

from __future__ import annotations

import platform
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import cv2
import psutil

from facecore.errors import SettingsError
from facecore.experiment.record import Environment
from facecore.machine.container import read_limits, usable_cores
from facecore.machine.sampler import machine_times
from facecore.models.catalogue import all_file_statuses, set_specs

# Two experiments at once would measure each other.
_ONE_AT_A_TIME = threading.Lock()
_PACKAGES = ("opencv-python-headless", "numpy", "psutil", "pillow")


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
