"""Object stores through fsspec's file systems: their listings page by page, and their objects."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from facecore.errors import ImageError, SettingsError

SCHEMES = {"s3": "s3fs", "gs": "gcsfs", "az": "adlfs"}
"""The stores by the scheme of their addresses, and the package that speaks to each."""

PAGE_OBJECTS = 1000
"""What S3 gives at most at once (its reference of ListObjectsV2); no more are in memory."""

_TIMES_OUT = {"connect_timeout": 10, "read_timeout": 30}
_OPTIONS: dict[str, dict[str, Any]] = {
    "s3": {"config_kwargs": _TIMES_OUT},
    "gs": {},
    "az": {"connection_timeout": 10, "read_timeout": 30},
}

_AMAZON = (".amazonaws.com", ".amazonaws.com.cn")

Listed = tuple[str, str, int]
"""An object's name in its bucket, a word that is the same for the same content, and its bytes."""


def file_system(scheme: str) -> Any:
    """Return fsspec's file system, which finds its credentials by its library's own ways.

    Raises:
        SettingsError: the package is not installed.
    """
    try:
        import fsspec  # noqa: PLC0415 - optional, and 0.2 s

        # What it keeps of listings grows with each object.
        return fsspec.filesystem(scheme, use_listings_cache=False, **_OPTIONS[scheme])
    except ImportError as error:
        raise SettingsError(
            "Addresses that begin with {scheme}:// need {package}: run 'pip install "
            '"facecore-dashboard[{scheme}]"\'.',
            scheme=scheme,
            package=SCHEMES[scheme],
        ) from error


def server(scheme: str) -> str:
    """Return which of several stores an address of this scheme is in; "" for the usual one.

    Raises:
        SettingsError: the package is not installed.
        Exception: the store's library raises what it likes.
    """
    system = file_system(scheme)
    if scheme == "az":
        return str(system.service_client.primary_hostname)
    if scheme == "gs":
        return ""
    endpoint = str(system.s3.meta.endpoint_url)
    # Each region has one, and a bucket's name is everywhere the same bucket's.
    return "" if (urlsplit(endpoint).hostname or "").endswith(_AMAZON) else endpoint


def objects(scheme: str, bucket: str, key: str, *, recursive: bool) -> Iterator[Listed]:
    """Find the object of this name, else those below it as if it were a folder, page by page.

    Raises:
        SettingsError: the package is not installed.
        Exception: the store's library raises what it likes.
    """
    system = file_system(scheme)
    if key and not key.endswith("/"):
        try:
            info = system.info(f"{bucket}/{key}")
        except FileNotFoundError:
            info = {"type": "directory"}
        if info["type"] == "file":
            yield key, _content_key(info), int(info["size"])
            return
        key += "/"
    yield from _PAGES[scheme](system, bucket, key, "" if recursive else "/")


def read(scheme: str, bucket: str, key: str, most_bytes: int) -> bytes:
    """Return an object's bytes, no more than so many.

    Raises:
        ImageError: the store's library would take its name for another one.
        Exception: what else the library raises.
    """
    system = file_system(scheme)
    # A client may take a/../b for b, and what follows "?" or "#" for a version.
    asked = tuple(system.split_path(f"{bucket}/{key}")[:2])
    if {".", ".."} & {*key.split("/")} or asked != (bucket, key):
        raise ImageError("This object's name has parts that clients change: rename it.")
    data: bytes = system.cat_file(f"{bucket}/{key}", start=0, end=most_bytes)
    return data


def opened(scheme: str, bucket: str, key: str) -> BinaryIO:
    """Return an object as a file to be read from anywhere; raises what the library raises."""
    file: BinaryIO = file_system(scheme).open(f"{bucket}/{key}", "rb", block_size=1 << 20)
    return file


def size_of(scheme: str, bucket: str, key: str) -> int | None:
    """Return how many bytes an object has; None where there is none.

    Raises:
        FileNotFoundError: there is no such bucket.
        Exception: what else the store's library raises.
    """
    system = file_system(scheme)
    try:
        info = system.info(f"{bucket}/{key}")
    except FileNotFoundError:
        with contextlib.suppress(PermissionError):  # who may write need not list
            next(_PAGES[scheme](system, bucket, "", "/"), None)
        return None
    return int(info["size"]) if info["type"] == "file" else None


def put(scheme: str, bucket: str, key: str, file: Path) -> None:
    """Put a file into a store: it is there when all of it is, and replaces nothing.

    Raises:
        FileExistsError: there is one already.
        Exception: what else the store's library raises.
    """
    system, path = file_system(scheme), f"{bucket}/{key}"
    try:
        system.put_file(str(file), path, mode="create")
    except OSError as error:
        if error.errno == errno.EINVAL and system.exists(path):  # s3fs's for S3's "412"
            raise FileExistsError from error
        if error.errno != errno.ENOSYS:
            raise
        # It speaks like S3, and has no such condition.
        system.put_file(str(file), path)


def _s3(system: Any, bucket: str, prefix: str, delimiter: str) -> Iterator[Listed]:
    asked = {"Bucket": bucket, "Prefix": prefix, "Delimiter": delimiter, "MaxKeys": PAGE_OBJECTS}
    more = "the first"
    while more:
        page = system.call_s3("list_objects_v2", **asked)
        for one in page.get("Contents", ()):
            yield one["Key"], _content_key(one), one["Size"]
        # Without a token the next page would be the first one, whatever else the store says.
        asked["ContinuationToken"] = more = page.get("NextContinuationToken", "")


def _gs(system: Any, bucket: str, prefix: str, delimiter: str) -> Iterator[Listed]:
    asked = {"prefix": prefix, "delimiter": delimiter, "maxResults": PAGE_OBJECTS}
    more = True
    while more:
        page = system.call("GET", "b/{}/o", bucket, json_out=True, **asked)
        for one in page.get("items", ()):
            yield one["name"], _content_key(one), int(one["size"])
        more = "nextPageToken" in page
        asked["pageToken"] = page.get("nextPageToken", "")


def _az(system: Any, bucket: str, prefix: str, delimiter: str) -> Iterator[Listed]:
    from fsspec.asyn import sync  # noqa: PLC0415 - optional

    client = system.service_client.get_container_client(bucket)
    asked = {"name_starts_with": prefix, "results_per_page": PAGE_OBJECTS}
    if delimiter:
        blobs = client.walk_blobs(delimiter=delimiter, **asked)
    else:
        blobs = client.list_blobs(**asked)
    pages = blobs.by_page()
    while page := sync(system.loop, _page, pages):
        for one in page:
            if hasattr(one, "etag"):  # else what its names begin with, as a folder
                yield one.name, _content_key(one), one.size


async def _page(pages: AsyncIterator[AsyncIterator[Any]]) -> list[Any]:
    async for page in pages:
        if found := [one async for one in page]:
            return found
    return []


_PAGES: dict[str, Callable[[Any, str, str, str], Iterator[Listed]]] = {
    "s3": _s3,
    "gs": _gs,
    "az": _az,
}


def _content_key(info: Mapping[str, Any]) -> str:
    # A store's listing and what it says of one object are written in different ways.
    lower = {name.lower().replace("_", ""): value for name, value in info.items()}
    when = lower.get("lastmodified") or lower.get("updated") or ""
    if isinstance(when, datetime):
        when = when.strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"{str(lower.get('etag', '')).strip(chr(34))} {lower['size']} {when}"
