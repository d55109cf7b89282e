"""Where a worker process begins: ``python -m facecore.workers FD [CORES]``, run by its parent."""

import contextlib
import importlib
import os
import sys
from pathlib import Path

_OOM_SCORE = Path("/proc/self/oom_score_adj")
_OOM_SCORE_AT_LEAST = 500


def main() -> None:
    """Take the processors first, then load what asks how many there are."""
    if len(sys.argv) > 2 and hasattr(os, "sched_setaffinity"):
        allowed = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, allowed[: int(sys.argv[2])])
    _go_first_where_memory_ends()
    importlib.import_module("facecore.workers.child").serve(int(sys.argv[1]))


def _go_first_where_memory_ends() -> None:
    """Have Linux end this process, which is reported, rather than the one that others use."""
    with contextlib.suppress(OSError, ValueError):
        if int(_OOM_SCORE.read_text()) < _OOM_SCORE_AT_LEAST:
            _OOM_SCORE.write_text(str(_OOM_SCORE_AT_LEAST))


if __name__ == "__main__":
    main()
