"""What a network answers that two threads use at once, as in a server without a lock.

``python -m tests.measure.sharing [PASSES]``: each of two threads gives the article's gender
network its own face again and again, and looks whether the answer is that face's.
"""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext

import cv2
import numpy as np

from facecore.models.catalogue import network_specs
from facecore.models.files import locate
from facecore.sources.samples import samples


def main() -> None:
    """Print how many answers were another's."""
    passes = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    spec = network_specs()[1]
    net = cv2.dnn.readNetFromCaffe(
        *(str(locate(spec.file(role))[0]) for role in ("architecture", "weights"))
    )
    faces = [_blob(photo.read()) for photo in samples()[:2]]
    for name, lock in (("with no lock", nullcontext()), ("with a lock", threading.Lock())):
        alone = [_answer(net, face, nullcontext()) for face in faces]
        together = threading.Barrier(2)

        def wrong(
            own: int,
            lock: AbstractContextManager[object] = lock,
            alone: list[np.ndarray] = alone,
            together: threading.Barrier = together,
        ) -> int:
            together.wait()
            answers = [_answer(net, faces[own], lock) for _ in range(passes)]
            return sum(not np.allclose(one, alone[own], atol=1e-4) for one in answers)

        with ThreadPoolExecutor(2) as pool:
            print(f"{name}: {sum(pool.map(wrong, (0, 1)))} of {2 * passes} answers are wrong")


def _answer(net: cv2.dnn.Net, face: np.ndarray, lock: AbstractContextManager[object]) -> np.ndarray:
    with lock:
        net.setInput(face)
        return np.array(net.forward())


def _blob(data: bytes) -> np.ndarray:
    photo = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert photo is not None
    return cv2.dnn.blobFromImage(photo, 1.0, (227, 227))


if __name__ == "__main__":
    main()
