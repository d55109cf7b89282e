"""Photos in a real S3 server: found page by page, read by their addresses."""

from __future__ import annotations

import io
import pickle
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from facecore.errors import BatchError, ImageError, SettingsError
from facecore.sources import cloud
from facecore.sources.folders import find_photos
from facecore.sources.sorting import PassedOver
from facecore.sources.stores import Address, checked_address, in_words, is_address
from tests.conftest import REPOSITORY
from tests.s3_server import S3Server, s3_server


@pytest.fixture(scope="module")
def store() -> Iterator[S3Server]:
    """A store with a few photos, and what else lies among them."""
    with pytest.MonkeyPatch.context() as patch, s3_server(patch) as server:
        # Pages of three: what is found in one is not all.
        patch.setattr(cloud, "PAGE_OBJECTS", 3)
        for name in ("a.jpg", "b c#1%41.jpg", "c?*[d]\\.jpg", "hash", "sub/e.jpg", "notes.txt"):
            server.put(f"2026/{name}", name.encode())
        for marker in ("2026/", "2026/sub/", "2026/old_$folder$", "2026/empty.jpg"):
            server.put(marker, b"")
        server.put("2026/f/../g.jpg", b"leads elsewhere")
        server.put("2026-other.jpg", b"not below it")
        yield server


def test_photos_are_found_page_by_page_and_read_by_their_addresses(store: S3Server) -> None:
    """Each photo's address, sent to another process, gives its bytes; markers are no photos."""
    passed_over = PassedOver()
    photos = list(find_photos(["s3://photos/2026"], passed_over=passed_over))
    names = [photo.name.removeprefix("s3://photos/2026/") for photo in photos]
    assert names == ["a.jpg", "b c#1%41.jpg", "c?*[d]\\.jpg", "empty.jpg", "hash"]
    addresses = [pickle.loads(pickle.dumps(photo.address)) for photo in photos]
    assert [address.read().decode() for address in addresses] == [
        "" if name == "empty.jpg" else name for name in names
    ]
    assert passed_over == {"TXT": 1}
    assert not len(cloud.file_system("s3").dircache)  # it would grow with each object


def test_all_below_is_found_but_no_name_is_taken_for_another(store: S3Server) -> None:
    """With recursive also what lies deeper; a name with .. in it is listed, and not asked for."""
    photos = {photo.name: photo for photo in find_photos(["s3://photos/2026"], recursive=True)}
    assert photos["s3://photos/2026/sub/e.jpg"].read() == b"sub/e.jpg"
    with pytest.raises(ImageError, match="rename it"):
        photos["s3://photos/2026/f/../g.jpg"].read()
    assert "s3://photos/2026-other.jpg" not in photos


def test_a_key_changes_with_the_content(store: S3Server) -> None:
    """The key of a photo is the same until its object is another one, named alone or listed."""
    store.put("keys/a.jpg", b"one")
    (first,) = find_photos(["s3://photos/keys/"])
    (alone,) = find_photos(["s3://photos/keys/a.jpg"])
    store.put("keys/a.jpg", b"two")
    (second,) = find_photos(["s3://photos/keys/"])
    assert first.key == alone.key != second.key
    assert first.key.startswith("s3:")


def test_what_is_not_there_is_told_in_a_sentence(store: S3Server) -> None:
    """No such bucket, nothing below the name, and an object gone since it was listed."""
    for address, words in [
        ("s3://no-such-bucket", "no such bucket"),
        ("s3://photos/nothing", "no photos right below it"),
    ]:
        (problem,) = find_photos([address])
        assert problem.problem
        with pytest.raises(ImageError, match=words):
            problem.read()
    store.put("gone.jpg", b"photo")
    (photo,) = find_photos(["s3://photos/gone.jpg"])
    store.delete("gone.jpg")
    with pytest.raises(ImageError, match="no longer"):
        photo.read()


def test_a_zip_file_that_is_named_gives_its_photos(store: S3Server) -> None:
    """Its photos are read out of the store, a part of the file at a time."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.jpg", b"packed")
    store.put("album.zip", packed.getvalue())
    (photo,) = find_photos(["s3://photos/album.zip"])
    assert (photo.name, photo.read()) == ("s3://photos/album.zip/a.jpg", b"packed")


def test_a_store_that_is_down_costs_this_photo_alone(
    store: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library's attempts at an end, the photo has a sentence without the endpoint in it."""
    address = Address(url="s3://photos/2026/a.jpg", size_bytes=5)
    assert address.read() == b"a.jpg"
    with monkeypatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        patch.setenv("AWS_MAX_ATTEMPTS", "1")
        cloud.file_system("s3").clear_instance_cache()
        cloud.file_system("s3").retries = 2
        with pytest.raises(ImageError, match="tried again and again") as caught:
            address.read()
        with pytest.raises(BatchError, match="broke off"):
            list(find_photos(["s3://photos/2026"]))
        cloud.file_system("s3").clear_instance_cache()
    assert "127.0.0.1" not in str(caught.value)


class _ForbiddenRequest(Exception):  # noqa: N818 - as Azure's is
    status_code = 403


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (_ForbiddenRequest("https://me:hush@host"), "denies access"),
        (PermissionError("hush"), "denies access"),
        (OSError("Forbidden: hush"), "denies access"),
        (FileNotFoundError("hush"), "no such object"),
        (TimeoutError("hush"), r"\(TimeoutError\), tried again"),
    ],
)
def test_what_a_library_raises_is_told_without_its_words(error: Exception, words: str) -> None:
    """Denied, gone or unreachable: a sentence each, and nothing of what the library said."""
    sentence = in_words(error, "object")
    assert re.search(words, sentence)
    assert "hush" not in sentence


def test_no_library_is_imported_before_a_store_is_named(tmp_path: Path) -> None:
    """Files of this machine are found without any package of a store; missing, it is named."""
    code = (
        "import sys; from pathlib import Path; from facecore.sources.folders import find_photos\n"
        "list(find_photos([Path(sys.argv[1])]))\n"
        "assert not {'fsspec', 's3fs', 'botocore', 'aiohttp', 'gcsfs', 'adlfs'} & {*sys.modules}\n"
        "sys.modules['fsspec'] = None\n"
        "list(find_photos(['gs://photos']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr.splitlines()[-1].endswith('pip install "facecore-dashboard[gs]"\'.')


@pytest.mark.parametrize(
    "address",
    [
        "s3://someone:hush-hush@photos/a",
        "s3://someone:hush/hush@photos/a",
        "https://someone:hush@host:80/a",
        "https://host/a.jpg?sig=hush-hush",
        "s3://photos/a.jpg?X-Amz-Signature=hush-hush",
        "s3://",
    ],
)
def test_an_address_with_a_secret_is_refused_without_saying_it(address: str) -> None:
    """A password or a signature in an address is not taken, and not said again."""
    assert is_address(address)
    with pytest.raises(SettingsError) as caught:
        checked_address(address)
    assert "hush" not in str(caught.value)
