"""Where a worker process begins: ``python -m facecore.workers FD [CORES]``, run by its parent."""

import importlib
import os
import sys


def main() -> None:
    """Take the processors first, then load what asks how many there are."""
    if len(sys.argv) > 2 and hasattr(os, "sched_setaffinity"):
        allowed = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, allowed[: int(sys.argv[2])])
    importlib.import_module("facecore.workers.child").serve(int(sys.argv[1]))


if __name__ == "__main__":
    main()
