"""Photos on a real web server: links right below the address, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from facecore.errors import BatchError, ImageError
from facecore.sources import stores, web
from facecore.sources.folders import find_photos
from facecore.sources.stores import checked_address

_PAGE = b"""<base href="http://127.0.0.1:1/elsewhere/"><a name="top"><a href="?C=N;O=D">Name</a>
<a href="../">up</a> <a href="a.jpg">a</a> <a href="./a.jpg#again">a</a> <a href="b c.png">b</a>
<a href="\xff.jpg">no text</a> <a href="sub/">sub</a> <a href="/photos/c.jpg">c</a>
<a href="file:///etc/hosts.jpg">file</a> <a href="http://127.0.0.1:1/photos/d.jpg">other</a>
<a href="//127.0.0.1:1/photos/d.jpg">other</a> <a href="http://x@127.0.0.1:1/d.jpg">other</a>
<a href="%2e%2e/d.jpg">out</a> <a href="%2e%2e/">out</a> <a href="a/../../d.jpg">out</a>
<a href="http://[bad/d.jpg">bad</a> <a href="line%0Afeed.jpg">line</a> <a href="n.txt">n</a>
<a href="moved.jpg">moved</a> <a href="gone.jpg">gone</a> <a href="huge.jpg">huge</a>
<a href="./">itself</a>"""


class _Handler(BaseHTTPRequestHandler):
    content = b"photo"

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, with_body: bool) -> None:
        server = self.server
        assert isinstance(server, _Server)
        server.asked.append(f"{self.command} {self.path}")
        name = self.path.rpartition("/")[2]
        if self.path in server.failing:
            server.failing.remove(self.path)
            self.send_error(503)
        elif name == "moved.jpg":
            self.send_response(302)
            self.send_header("Location", "/photos/secret.jpg")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif name == "gone.jpg":
            self.send_error(404)
        else:
            pages = {"/photos/": _PAGE, "/photos/sub/": b'<A HREF="e.jpg">'}
            body = pages.get(self.path, self.content)
            length = 600_000_000 if name == "huge.jpg" else len(body)
            self.send_response(200)
            self.send_header("ETag", f'"{hash(body)}"')
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(body if with_body else b"")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[str] = []
        self.failing: list[str] = []


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Server]:
    """A server with a page of honest and of hostile links."""
    monkeypatch.setattr(web, "_PAUSES_S", (0.0, 0.0))
    with _Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def root(server: _Server) -> str:
    """The address of the page."""
    return checked_address(f"http://127.0.0.1:{server.server_port}/photos/")


def test_only_what_lies_right_below_the_page_is_found(server: _Server, root: str) -> None:
    """Links to other hosts, schemes and folders are ignored, and so is the page's base."""
    names = [photo.name.removeprefix(root) for photo in find_photos([root])]
    honest = ["a.jpg", "b%20c.png", "%FF.jpg", "c.jpg", "line%0Afeed.jpg"]
    assert names == [*honest, "moved.jpg", "gone.jpg", "huge.jpg"]
    assert all(asked.split(" ")[1].startswith("/photos/") for asked in server.asked)
    deeper = {photo.name.removeprefix(root) for photo in find_photos([root], recursive=True)}
    assert deeper == {*names, "sub/e.jpg"}


def test_an_address_is_asked_for_as_it_was_typed(server: _Server, root: str) -> None:
    """Spaces, letters and signs that no request may have are encoded, once."""
    (photo,) = find_photos([checked_address(f"{root}sub/f\u00e4 #1%20.jpg")])
    assert photo.read() == b"photo"
    assert server.asked[-1] == "GET /photos/sub/f%C3%A4%20%231%20.jpg"


def test_each_photo_is_read_or_says_why_not(server: _Server, root: str) -> None:
    """A redirection is not followed, a huge file is not asked for, a 503 is asked again."""
    photos = {photo.name.removeprefix(root): photo for photo in find_photos([root])}
    server.failing += ["/photos/a.jpg", "/photos/a.jpg"]
    server.asked.clear()
    assert photos["a.jpg"].read() == photos["b%20c.png"].read() == b"photo"
    for name, words in [
        ("moved.jpg", "leads to another one, which is not followed"),
        ("gone.jpg", "no such object"),
        ("huge.jpg", "0.6 GB, more than the limit"),
    ]:
        with pytest.raises(ImageError, match=words):
            photos[name].read()
    assert [asked.rpartition("/")[2] for asked in server.asked] == [
        *["a.jpg"] * 3,
        *("b%20c.png", "moved.jpg", "gone.jpg"),
    ]


def test_a_key_changes_with_the_content(
    server: _Server, root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A photo's key is the same until the server says another ETag or size; no key is none."""
    before, same = (next(iter(find_photos([root]))) for _ in range(2))
    monkeypatch.setattr(_Handler, "content", b"other")
    assert before.key == same.key != next(iter(find_photos([root + "a.jpg"]))).key
    (gone,) = [photo for photo in find_photos([root]) if photo.name.endswith("gone.jpg")]
    assert gone.key == ""


def test_what_grows_while_it_is_read_ends_at_the_limit(
    server: _Server, root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No more than the limit is read of a photo, whatever its server said before."""
    (photo,) = find_photos([root + "a.jpg"])
    monkeypatch.setattr(stores, "MAX_PHOTO_BYTES", 5)
    monkeypatch.setattr(_Handler, "content", b"longer than that")
    with pytest.raises(ImageError, match="larger than"):
        photo.read()


def test_a_server_that_is_down_stops_the_search(root: str, server: _Server) -> None:
    """What was found of a listing that breaks off is not taken for all of it."""
    server.failing += ["/photos/"] * 3
    with pytest.raises(BatchError, match="broke off"):
        list(find_photos([root]))


@pytest.mark.parametrize(
    ("bound", "most", "words"),
    [
        ("_DEEPEST", 3, "3 folders in each other"),
        ("_MOST_FOLDERS", 5, "5 folders"),
        ("_MOST_FILES", 4, "4 files"),
        ("_PAGE_LINKS", 2, "2 links in a page"),
        ("_PAGE_BYTES", 40, "40 bytes in a page"),
    ],
)
def test_a_listing_without_end_is_ended(
    root: str, monkeypatch: pytest.MonkeyPatch, bound: str, most: int, words: str
) -> None:
    """What was found until then streams; a server may make up page after page."""
    monkeypatch.setattr(
        _Handler, "content", b'<a href="more/"></a><a href="1.jpg"></a><a href="2.jpg">'
    )
    monkeypatch.setattr(web, bound, most)
    found = find_photos([f"{root}endless/"], recursive=True)
    if most == 4:
        assert [next(found).name[-5:] for _ in range(4)] == ["1.jpg", "2.jpg"] * 2
    with pytest.raises(BatchError, match=f"more than {words}"):
        list(found)
