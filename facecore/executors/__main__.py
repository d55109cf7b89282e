"""Where a worker begins: ``python -m facecore.executors FD [CORES | forks]``, run by its parent."""

import contextlib
import importlib
import os
import sys
from pathlib import Path

_OOM_SCORE = Path("/proc/self/oom_score_adj")
_FIRST = "1000"


def main() -> None:
    """Take the processors first, then load what asks how many there are."""
    # Where memory runs out, a worker's end is told of as its failure; its parent, often the
    # larger process and so the kernel's choice, is the server (proc(5)).
    with contextlib.suppress(OSError):
        _OOM_SCORE.write_text(_FIRST, encoding="ascii")
    descriptor, more = int(sys.argv[1]), sys.argv[2:]
    forks = more == ["forks"]
    if more and not forks and hasattr(os, "sched_setaffinity"):
        allowed = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, allowed[: int(more[0])])
    importlib.import_module("facecore.executors.child").serve(descriptor, forks=forks)


if __name__ == "__main__":
    main()
