"""Addresses of photos in object stores and on web servers; what is known of each is small.

Credentials come from where each store's library looks for them (environment, profiles); no
address has one, so none gets into a journal, a result or a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import BinaryIO

from facecore.errors import ArchiveError, BatchError, FacecoreError, ImageError, SettingsError
from facecore.sources import cloud, web
from facecore.wording import Text, data_size

MAX_PHOTO_BYTES = 500_000_000
"""A photo's file may have so many bytes, wherever it lies."""

_BUCKET = re.compile(r"[^:@]+")
_HOST = re.compile(r"([^:@\[\]]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?")
_DENIED = ("Permission", "Credential", "Forbidden", "Auth", "Token")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a photo lies in a store: small, picklable, and readable from another machine.

    Attributes:
        url: such as "s3://bucket/2026/a.jpg", without credentials.
        key: the same for the same content, as a `Photo`'s: the scheme, a colon, and what
            the store says of the content (ETag, size and time of the last change).
        size_bytes: as the store says; None where it does not.
    """

    url: str
    key: str = ""
    size_bytes: int | None = None

    def read(self) -> bytes:
        """Return the photo's bytes.

        Raises:
            ImageError: it is gone, may not be read, is too large, or the store does not answer.
            SettingsError: the store's package is not installed.
        """
        if self.size_bytes == 0:
            return b""
        if (self.size_bytes or 0) > MAX_PHOTO_BYTES:
            raise ImageError(
                "This object has {size}, more than the limit of {limit}: make it smaller.",
                size=data_size(self.size_bytes or 0),
                limit=data_size(MAX_PHOTO_BYTES),
            )
        scheme, bucket, key = split(self.url)
        try:
            data: bytes = _library(scheme).read(scheme, bucket, key, MAX_PHOTO_BYTES + 1)
        except FacecoreError:
            raise
        except Exception as error:
            raise ImageError(in_words(error, Text("object"))) from error
        if len(data) > MAX_PHOTO_BYTES:
            raise ImageError(
                "This object is larger than {limit}.", limit=data_size(MAX_PHOTO_BYTES)
            )
        return data

    def opened(self) -> BinaryIO:
        """Return it as a file to be read from anywhere.

        Raises:
            ArchiveError: it is on a web server, which may not give parts of a file.
            OSError: it cannot be opened.
            SettingsError: the store's package is not installed.
        """
        scheme, bucket, key = split(self.url)
        if scheme in web.SCHEMES:
            raise ArchiveError("A ZIP file on a web server is not read: download it, and name it.")
        try:
            return cloud.opened(scheme, bucket, key)
        except (FacecoreError, OSError):
            raise
        except Exception as error:
            raise OSError(0, in_words(error, Text("object"))) from error


def is_address(text: str) -> bool:
    """Return whether a name is an address of a store and not a path."""
    return "://" in text and text.partition("://")[0] in (*cloud.SCHEMES, *web.SCHEMES)


def place(text: str) -> Path | str:
    """Return what somebody named: a path, or an address as text.

    Raises:
        SettingsError: it is an address that is not taken.
    """
    return checked_address(text) if is_address(text) else Path(text)


def checked_address(text: str) -> str:
    """Return an address that somebody gave, as it is asked for.

    Raises:
        SettingsError: it is none that can be read, or has a secret in it.
    """
    scheme, bucket, key = split(text)
    hosts = _HOST if scheme in web.SCHEMES else _BUCKET
    if "?" in text or (bucket and not hosts.fullmatch(bucket)):
        # Not even a part of it is said again.
        raise SettingsError(
            "An address may have no user, password, signature or query in it: give it without, "
            "and the credentials by the environment or the profile that the store's library reads."
        )
    if not bucket:
        raise SettingsError("The address names no bucket: write it as s3://bucket/folder.")
    return f"{scheme}://{bucket}/{web.encoded(key)}" if scheme in web.SCHEMES else text


def split(url: str) -> tuple[str, str, str]:
    """Return the scheme, the bucket, and the name in it."""
    scheme, _, rest = url.partition("://")
    bucket, _, key = rest.partition("/")
    return scheme, bucket, key


def listed(url: str, *, recursive: bool) -> Iterator[Address]:
    """Find what lies at or right below an address, one page in memory at a time.

    What stores keep in the place of a folder is left out.

    Args:
        url: of an object, or of what the names of objects begin with, as of a folder; on a
            web server a folder's ends in /.
        recursive: all that lies below, however deep.

    Raises:
        ImageError: there is no such bucket, or it may not be listed.
        BatchError: the store does not answer; what was found so far is not all.
        SettingsError: the store's package is not installed.
    """
    scheme, bucket, prefix = split(url)
    try:
        found = _library(scheme).objects(scheme, bucket, prefix, recursive=recursive)
        for key, content, size in found:
            if not _is_marker(key, size):
                same = f"{scheme}:{content}" if content else ""
                yield Address(url=f"{scheme}://{bucket}/{key}", key=same, size_bytes=size)
    except FacecoreError:
        raise
    except Exception as error:
        sentence = in_words(error, Text("bucket"))
        if _is_gone(error) or _is_denied(error):
            raise ImageError(sentence) from error
        raise BatchError("The listing of {url} broke off. {why}", url=url, why=sentence) from error


def output_key(url: str) -> str:
    """Return what no other output has: the address, and its store where there are several.

    Raises:
        BatchError: nothing can be written there.
    """
    with _writing(url, Text("bucket")) as scheme:
        return f"{cloud.server(scheme)} {url}".strip()


def has_output(url: str) -> bool:
    """Return whether there is an object at an address.

    Raises:
        BatchError: there is no such bucket, or the store does not answer.
    """
    with _writing(url, Text("bucket")):
        return cloud.size_of(*split(url)) is not None


def give_output(url: str, aside: Path, *, again: bool) -> None:
    """Put a file into a store, whole or not at all.

    Args:
        url: where to.
        aside: the file.
        again: it may be there already, from before a kill.

    Raises:
        FileExistsError: something else has that name already, and keeps it.
        BatchError: it cannot be written.
    """
    with _writing(url, Text("object")):
        found = cloud.size_of(*split(url))
        if found is None:
            cloud.put(*split(url), aside)
        elif not again or found != aside.stat().st_size:
            raise FileExistsError


@contextmanager
def _writing(url: str, what: Text) -> Iterator[str]:
    scheme = split(url)[0]
    if scheme in web.SCHEMES:
        raise BatchError("Nothing can be written to a web server: name another --out.")
    try:
        yield scheme
    except (FacecoreError, FileExistsError):
        raise
    except Exception as error:
        raise BatchError(
            "{url} cannot be written. {why}", url=url, why=in_words(error, what)
        ) from error


def in_words(error: Exception, what: str) -> Text:
    """Return the sentence for what a store's library raised.

    Never its own words: they may have a signature in them.
    """
    if _is_gone(error):
        return Text("There is no such {what}, or no longer: check the name.", what=what)
    if _is_denied(error):
        return Text(
            "The store denies access to this {what}: check the credentials in the "
            "environment or the profile that its library reads.",
            what=what,
        )
    return Text(
        "The store did not give this {what} ({error}), tried again and again: "
        "check that it can be reached, and give the same command again.",
        what=what,
        error=type(error).__name__,
    )


def _library(scheme: str) -> ModuleType:
    return web if scheme in web.SCHEMES else cloud


def _is_gone(error: Exception) -> bool:
    return isinstance(error, FileNotFoundError) or "NotFound" in type(error).__name__


def _is_denied(error: Exception) -> bool:
    status = getattr(error, "status_code", getattr(error, "code", None))
    said = status in (401, 403) or str(error).startswith("Forbidden")  # the latter is gcsfs's
    return said or any(word in type(error).__name__ for word in _DENIED)


def _is_marker(key: str, size_bytes: int | None) -> bool:
    name = key.rpartition("/")[2]
    return not name or (size_bytes == 0 and ("." not in name or name.endswith("_$folder$")))
