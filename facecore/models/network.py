"""A loaded network, whichever engine runs it, and how images become what it takes."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext

import cv2
import numpy as np
from numpy.typing import NDArray

from facecore import engines
from facecore.engines.base import Blob
from facecore.engines.facts import NetworkProfile
from facecore.imaging.decoding import BgrImage, shrink
from facecore.models.catalogue import NetworkSpec
from facecore.settings import RuntimeOptions


class Network:
    """A network in an engine's session; safe to share between threads."""

    def __init__(self, spec: NetworkSpec, options: RuntimeOptions) -> None:
        """Check and load the network's files; `load_networks` is the way to call this.

        Raises:
            ModelError: a file is missing or wrong, or the engine cannot load it.
            SettingsError: there is no such engine, or it has no such options.
        """
        started = time.perf_counter()
        self.spec = spec
        self.options = options
        chosen = engines.engine_for(options)
        self.engine = chosen.name
        self._session = chosen.build(spec, options)
        self._one_pass: AbstractContextManager[object] = (
            nullcontext() if self._session.thread_safe else threading.Lock()
        )
        self.load_time_ms = (time.perf_counter() - started) * 1e3

    def warm_up(self) -> None:
        """Run the network once: an engine picks its code for good on this pass."""
        started = time.perf_counter()
        with self._one_pass:
            self._session.run(self._empty_blob())
        self.load_time_ms += (time.perf_counter() - started) * 1e3

    @property
    def model_bytes(self) -> int:
        """Size of the file that the engine loads: the largest one where nothing is converted."""
        weights = max(file.size_bytes for file in self.spec.files)
        return int(getattr(self._session, "model_bytes", 0)) or weights

    def run(self, blob: Blob) -> tuple[NDArray[np.float32], ...]:
        """Return the network's outputs for a blob of shape (N, 3, height, width), float32.

        They are float32, and copies that later passes leave alone.

        Raises:
            EngineError: the engine refuses the blob.
        """
        with self._one_pass:
            return self._session.run(blob)

    def profile(self) -> NetworkProfile:
        """Run a few passes over an empty image; return where the time went."""
        with self._one_pass:
            return self._session.layer_times(self._empty_blob())

    def _empty_blob(self) -> Blob:
        width, height = self.spec.input_wh
        return np.zeros((1, 3, height, width), dtype=np.float32)


def load_networks(specs: Sequence[NetworkSpec], options: RuntimeOptions) -> tuple[Network, ...]:
    """Load networks side by side and run each once, under these options.

    Raises:
        ModelError: a file is missing or wrong, or the engine cannot load it.
        SettingsError: there is no such engine, or it has no such options.
    """
    # Hashing and parsing leave Python's lock, so that threads halve the wait.
    with ThreadPoolExecutor(len(specs)) as pool:
        networks = tuple(pool.map(lambda spec: Network(spec, options), specs))
    for network in networks:
        network.warm_up()
    return networks


def blob_from_images(
    images: Sequence[BgrImage], spec: NetworkSpec, size_wh: tuple[int, int] | None = None
) -> Blob:
    """Stretch pictures to the input size, subtract the network's mean and scale what is left.

    Args:
        images: at least one BGR picture; their sizes may differ.
        spec: says how, and the size where none is given.
        size_wh: input size in pixels.

    Returns:
        Shape (N, 3, height, width), float32, channels in the network's order.
    """
    size_wh = size_wh or spec.input_wh
    # OpenCV takes the mean in the order that the channels have afterwards.
    mean = spec.mean_bgr[::-1] if spec.rgb else spec.mean_bgr
    # One by one to the input's size, and then into one blob: OpenCV would stretch to the same
    # pixels, but wants all pictures, and copies of the views that run backwards, at once.
    inputs = [_stretched(image, size_wh, averaged=spec.averaged) for image in images]
    return np.asarray(
        # Runs nothing: it subtracts, and puts channels first.
        cv2.dnn.blobFromImages(  # noqa: TID251
            inputs, 1 / spec.divisor, size_wh, mean, swapRB=spec.rgb
        ),
        dtype=np.float32,
    )


def _stretched(image: BgrImage, size_wh: tuple[int, int], *, averaged: bool) -> BgrImage:
    # OpenCV cannot take a view that runs backwards.
    forwards = np.ascontiguousarray(image) if min(image.strides) < 0 else image
    if averaged:
        return shrink(forwards, size_wh)
    return cv2.resize(forwards, size_wh, interpolation=cv2.INTER_LINEAR).astype(
        np.uint8, copy=False
    )
