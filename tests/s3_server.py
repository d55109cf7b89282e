"""A real S3 server on loopback for tests: moto's; where it is missing they are skipped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

BUCKET = "photos"


class S3Server:
    """What tests do to the server from its own process."""

    def __init__(self) -> None:
        models = pytest.importorskip("moto.s3.models", reason="moto[server] is not installed")
        self._backend = models.s3_backends["123456789012"]["aws"]
        self._backend.reset()
        self._backend.create_bucket(BUCKET, "us-east-1")

    def put(self, key: str, data: bytes) -> None:
        """Store an object, which makes it a changed one where it is there."""
        self._backend.put_object(BUCKET, key, data)

    def delete(self, key: str) -> None:
        """Delete an object."""
        self._backend.delete_object(BUCKET, key)

    def clear(self) -> None:
        """Delete all objects."""
        for key in [*self._backend.buckets[BUCKET].keys]:
            self.delete(key)

    def read(self, key: str) -> bytes:
        """Return an object's bytes."""
        value: bytes = self._backend.get_object(BUCKET, key).value
        return value


@contextmanager
def s3_server(patch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    """Start the server and name it in the environment, as users do; other processes see it too."""
    s3fs = pytest.importorskip("s3fs", reason="s3fs is not installed")
    moto = pytest.importorskip("moto.server", reason="moto[server] is not installed")
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "someone")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "hush-hush")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        # One that is kept knows another server.
        s3fs.S3FileSystem.clear_instance_cache()
        yield S3Server()
    finally:
        s3fs.S3FileSystem.clear_instance_cache()
        server.stop()
