"""Photos on web servers: the links of a page are the listing of a folder.

What a page says is a stranger's: only what lies below the address that the user gave is asked
for, on that host and by that scheme, and no redirection is followed.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from html.parser import HTMLParser
from itertools import islice
from urllib.error import HTTPError, URLError
from urllib.parse import quote, unquote, urljoin
from urllib.request import HTTPRedirectHandler, Request, build_opener

from facecore.errors import BatchError, ImageError
from facecore.wording import Text

SCHEMES = ("https", "http")

_TIMEOUT_S = 30
_PAUSES_S = (0.5, 2.0)
_TRY_AGAIN = (429, 500, 502, 503, 504)
_PAGE_BYTES = 16_000_000
_LONGEST_KEY = 2000
_PAGE_LINKS = 200_000
_MOST_FOLDERS, _MOST_FILES, _DEEPEST = 10_000, 1_000_000, 32
_AT_ONCE, _LOOKS = 8, 64
# What a path may have in it (RFC 3986, 3.3), and what is encoded already.
_SAFE = "%/!$&'()*+,;=:@~"

Listed = tuple[str, str, int | None]
"""A path on its host, a word that is the same for the same content, and its bytes if told."""


def objects(scheme: str, host: str, path: str, *, recursive: bool) -> Iterator[Listed]:
    """Find the file of this path, or, where it ends in /, what its page links to right below.

    Raises:
        BatchError: there are too many files, or folders, or those too deep in each other.
        ImageError: the address leads to another one.
        FileNotFoundError, PermissionError: the server says so.
        OSError: the server does not answer.
    """
    root = f"{scheme}://{host}/"
    if path and not path.endswith("/"):
        yield path, *_look(root + path)
        return
    folders, folders_found, files_found = [path], 0, 0
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        while folders:
            folder = folders.pop()
            links = _links(root + folder)
            found = [folder + link for link in links if not link.endswith("/")]
            if recursive:
                folders += [folder + link for link in links if link.endswith("/")]
                folders_found += len(links) - len(found)
            files_found += len(found)
            _check_end(Text("files"), files_found, _MOST_FILES)
            _check_end(Text("folders"), folders_found, _MOST_FOLDERS)
            _check_end(Text("folders in each other"), folder.count("/") - path.count("/"), _DEEPEST)
            files = iter(found)
            while some := list(islice(files, _LOOKS)):
                looks = threads.map(partial(_soft_look, root), some)
                yield from ((file, *look) for file, look in zip(some, looks, strict=True))


def _check_end(what: Text, number: int, most: int) -> None:
    """Raise where a listing goes on and on, as a server's may that makes its pages up."""
    if number > most:
        raise BatchError(
            "This listing has no end in sight (more than {most:,} {what}): name a "
            "folder that is further down.",
            most=most,
            what=what,
        )


def read(scheme: str, host: str, path: str, most_bytes: int) -> bytes:
    """Return a file's bytes, no more than so many; raises what `objects` raises."""
    return _asked(f"{scheme}://{host}/{path}", most_bytes)[1]


def encoded(path: str) -> str:
    """Return a path as a request may have it; what is encoded already stays."""
    return quote(path, safe=_SAFE, errors="surrogateescape")


def _look(url: str) -> tuple[str, int | None]:
    headers, _ = _asked(url, 0, "HEAD")
    length = headers.get("Content-Length", "")
    size = int(length) if length.isdecimal() else None
    etag, when = headers.get("ETag", ""), headers.get("Last-Modified", "")
    return f"{etag} {length} {when}", size


def _soft_look(root: str, path: str) -> tuple[str, int | None]:
    try:
        return _look(root + path)
    except (ImageError, OSError, http.client.HTTPException):
        return "", None  # reading it tells


def _asked(url: str, most_bytes: int, method: str = "GET") -> tuple[http.client.HTTPMessage, bytes]:
    request = Request(url, method=method, headers={"User-Agent": "facecore"})
    for pause_s in (*_PAUSES_S, None):
        try:
            with _OPENER.open(request, timeout=_TIMEOUT_S) as answer:
                return answer.headers, answer.read(most_bytes)
        except HTTPError as error:
            error.close()
            if pause_s is None or error.code not in _TRY_AGAIN:
                raise _said(error.code) from None
        except (URLError, OSError, http.client.HTTPException):
            if pause_s is None:
                raise
        time.sleep(pause_s)
    raise AssertionError  # the last attempt returns or raises


def _said(code: int) -> Exception:
    if 300 <= code < 400:
        return ImageError(
            "This address leads to another one, which is not followed: name that one (a folder's "
            "ends in /)."
        )
    if code in (404, 410):
        return FileNotFoundError()
    return PermissionError() if code in (401, 403) else OSError(code, f"status {code}")


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Follow nobody: a page could lead to where only this machine gets."""


_OPENER = build_opener(_Stay)


class _Hrefs(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found += [value for name, value in attrs if name == "href" and value]
            _check_end(Text("links in a page"), len(self.found), _PAGE_LINKS)


def _links(page: str) -> list[str]:
    """Return what a page links to right below itself, each once; folders end in /."""
    hrefs = _Hrefs()
    data = _asked(page, _PAGE_BYTES + 1)[1]
    _check_end(Text("bytes in a page"), len(data), _PAGE_BYTES)
    # Bytes that are no valid text stay what they are.
    hrefs.feed(data.decode("utf-8", "surrogateescape"))
    below = dict.fromkeys(_below(page, href) for href in hrefs.found)
    return [link for link in below if link]


def _below(page: str, href: str) -> str:
    try:
        url = urljoin(page, href.strip()).partition("#")[0]
    except ValueError:
        return ""
    name = url.removeprefix(page)
    if not url.startswith(page) or "?" in name or len(url) > _LONGEST_KEY:
        return ""
    name = encoded(name)
    plain = unquote(name.removesuffix("/"))
    return "" if plain in ("", ".", "..") or "/" in plain else name
