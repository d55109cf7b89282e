"""A photo in, JSON out: what is answered, and what to whom."""

from __future__ import annotations

import tempfile
import zlib
from typing import Any

import cv2
import numpy as np
import pytest

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.imaging.decoding import decode_image, encode_jpeg, encode_png
from facecore.profiles.configuration import Configuration
from facecore.settings import (
    DEFAULT_MAX_PIXELS,
    MODELS_DIR_VARIABLE,
    AnalysisSettings,
    RuntimeOptions,
)
from facecore.settings.server import ServerSettings
from tests.http.conftest import BOUNDARY, LIMITS, ServedApi, form


@pytest.fixture(scope="module")
def empty_file() -> bytes:
    """A PNG without a face."""
    return encode_png(np.full((40, 60, 3), 90, np.uint8))


def _sentence(response: Any) -> str:
    """Return the error's sentence: all that there is in the answer."""
    assert response.headers["content-type"] == "application/json"
    (entry,) = response.json().items()
    assert entry[0] == "error"
    assert "Traceback" not in entry[1] and "\n" not in entry[1]
    return str(entry[1])


def test_a_photo_without_a_face_has_no_results(api: ServedApi, empty_file: bytes) -> None:
    """No face is an empty list, and the rest of the answer is there."""
    response = api.predict(empty_file)
    assert response.status_code == 200
    assert response.json()["results"] == []
    assert response.json()["image_size"] == [60, 40]


@pytest.mark.parametrize("photo", ["astronaut_file", "hopper_file"])
def test_faces_are_those_of_the_library(
    api: ServedApi, analyzer: FaceAnalyzer, photo: str, request: pytest.FixtureRequest
) -> None:
    """Box, gender, age group and confidence are the analyzer's own."""
    data: bytes = request.getfixturevalue(photo)
    answer = api.predict(data).json()
    faces = analyzer.analyze(data).faces
    assert answer["results"] == [
        {
            "bbox": list(face.box.xyxy),
            "gender": face.gender.label,
            "age": face.age_group.label,
            "confidence": round(face.confidence, 4),
        }
        for face in faces
    ]
    assert len(faces) == 1


def test_a_request_sets_what_the_server_lets_it(api: ServedApi, astronaut_file: bytes) -> None:
    """The server's own settings hold, a field changes one that it allows, and no other."""

    def results(**fields: str) -> Any:
        files = {"image": ("a.png", astronaut_file)}
        return api.client.post("/predict", files=files, data=fields)

    assert _sentence(results(confidence="0.5")).startswith("A request can set nothing at this serv")
    api.service.begins = Configuration(
        settings=AnalysisSettings(confidence=1.0),
        server=ServerSettings(overrides=("confidence", "careful")),
    )
    assert results().json()["results"] == []
    (face,) = results(confidence="0.5").json()["results"]
    (careful,) = results(confidence="0.5", careful="true").json()["results"]
    assert face["bbox"] == careful["bbox"]
    for fields, sentence in (
        ({"confidence": "2"}, 'The setting "confidence" must be a number from 0 to 1, not 2.0.'),
        ({"confidence": "low"}, 'The setting "confidence" must be a number from 0 to 1, not'),
        ({"careful": "perhaps"}, 'The setting "careful" must be one of True, False, not'),
        ({"rescue": "false"}, "A request can set confidence, careful at this server, and not resc"),
    ):
        refused = results(**fields)
        assert (refused.status_code, _sentence(refused)[: len(sentence)]) == (400, sentence)


def test_the_cost_is_told(api: ServedApi, astronaut_file: bytes) -> None:
    """CPU, memory, the stages' times and the wait are in the answer."""
    answer = api.predict(astronaut_file).json()
    assert set(answer["resource_usage"]) == {"cpu_percent", "memory_mb", "timestamp"}
    assert answer["resource_usage"]["memory_mb"] > 50
    assert answer["resource_usage"]["timestamp"].endswith("+00:00")
    times = answer["timings_ms"]
    assert times["total"] >= times["decode"] + times["detect"] + times["classify"] > 0
    assert answer["waited_ms"] >= 0
    assert answer["model_set"] == "article"


def test_the_drawn_photo_can_be_fetched(api: ServedApi, astronaut_file: bytes) -> None:
    """The link gives a JPEG of the photo's size with something green drawn on it."""
    link = api.predict(astronaut_file).json()["output_image"]
    assert link.startswith("/images/")
    response = api.client.get(link)
    assert response.status_code == 200
    assert response.headers["content-type"] == "image/jpeg"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "no-store"
    drawn = decode_image(response.content)
    assert drawn.shape == (512, 512, 3)
    assert not np.allclose(drawn, decode_image(astronaut_file), atol=60)
    assert api.client.head(link).status_code == 200


def test_a_drawn_photo_is_no_larger_than_needed(api: ServedApi) -> None:
    """Of a large photo a smaller copy is drawn, so that memory stays bounded."""
    large = encode_jpeg(np.full((1000, 4000, 3), 90, np.uint8))
    answer = api.predict(large).json()
    assert answer["image_size"] == [4000, 1000]
    assert decode_image(api.client.get(answer["output_image"]).content).shape == (400, 1600, 3)


def test_a_photo_is_turned_upright(api: ServedApi, hopper_file: bytes) -> None:
    """A photo that is stored lying has its box in the upright photo's pixels."""
    upright = api.predict(hopper_file).json()
    lying = cv2.rotate(decode_image(hopper_file), cv2.ROTATE_90_COUNTERCLOCKWISE)
    turned = b"\xff\xd8" + _exif_orientation(6) + encode_jpeg(lying.astype(np.uint8), 95)[2:]
    answer = api.predict(turned).json()
    assert answer["image_size"] == upright["image_size"]
    np.testing.assert_allclose(answer["results"][0]["bbox"], upright["results"][0]["bbox"], atol=6)


def test_a_photo_without_a_mark_says_by_how_much_it_was_turned(
    api: ServedApi, hopper_file: bytes
) -> None:
    """Of a photo that lies on its side the answer says how it was read, of another nothing."""
    lying = np.rot90(decode_image(hopper_file))
    (face,) = api.predict(encode_png(np.ascontiguousarray(lying))).json()["results"]
    assert face["turned_degrees"] == 90


def _exif_orientation(value: int) -> bytes:
    """Write the APP1 segment of a JPEG with one tag (EXIF 2.32)."""
    tiff = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01" + bytes([0, value, 0, 0]) + bytes(4)
    body = b"Exif\0\0" + tiff
    return b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body


@pytest.mark.parametrize("name", ["../../etc/passwd", "a\0b", "x" * 3000, "élève 東京.png", ""])
def test_a_files_name_means_nothing(api: ServedApi, astronaut_file: bytes, name: str) -> None:
    """Whatever a client calls its file, the photo is read, or the form refused; nothing else."""
    response = api.client.post("/predict", files={"image": (name, astronaut_file)})
    assert response.status_code in (200, 400)
    assert name not in response.text or not name


@pytest.mark.parametrize(
    ("files", "data", "part"),
    [
        (None, None, "has no photo in it"),
        (None, {"image": "text"}, "has no photo in it"),
        ({"photo": b"x"}, None, "There is no file 'image'"),
        ({"other": b"x"}, {"image": "text"}, "There is no file 'image'"),
        ({"image": b""}, None, "The file is empty"),
        ([("image", b"x"), ("image", b"y")], None, "The form cannot be read"),
    ],
)
def test_a_request_without_a_photo_is_400(api: ServedApi, files: Any, data: Any, part: str) -> None:
    """No form, no such field, no file, an empty one or several: a sentence says what to send."""
    response = api.client.post("/predict", files=files, data=data)
    assert response.status_code == 400
    assert part in _sentence(response)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"--b\r\ngarbage", "multipart/form-data; boundary=b"),
        (b"no boundary", "multipart/form-data; boundary=b"),
        (b"no boundary", "multipart/form-data"),
        (b"", "multipart/form-data; boundary=b"),
        (b"{}", "application/json"),
        (b"\xff\xd8\xff", "image/jpeg"),
    ],
)
def test_a_form_that_is_none_is_400(api: ServedApi, body: bytes, kind: str) -> None:
    """A body that is no form, or a broken one, is told kindly."""
    response = api.client.post("/predict", content=body, headers={"Content-Type": kind})
    assert response.status_code == 400
    assert "multipart/form-data" in _sentence(response)


@pytest.mark.parametrize("charset", ["undefined", "idna", "base64", "no-such-one", "\xff"])
def test_charset_that_nobody_uses_does_no_harm(
    api: ServedApi, astronaut_file: bytes, charset: str
) -> None:
    """A form is read in spite of its charset, or refused with a sentence."""
    kind = f"multipart/form-data; boundary={BOUNDARY}; charset={charset}"
    response = api.client.post(
        "/predict",
        content=form(astronaut_file),
        headers={b"Content-Type": kind.encode("latin-1")},
    )
    assert response.status_code == (400 if charset == "undefined" else 200)
    if charset == "undefined":
        assert "its charset is of no use" in _sentence(response)


def test_what_is_no_picture_is_415(api: ServedApi) -> None:
    """Text, and a format that is not taken, are of an unsupported media type."""
    for data in (b"not a picture", b"GIF89a", b"%PDF-1.7", b"8BPS\0\1"):
        response = api.predict(data)
        assert response.status_code == 415
        assert "JPEG" in _sentence(response)


def test_a_damaged_picture_is_400(api: ServedApi, hopper_file: bytes) -> None:
    """A picture whose header can be read but not its pixels is a bad request."""
    response = api.predict(encode_png(np.zeros((300, 300, 3), np.uint8))[:200])
    assert response.status_code == 400
    assert "damaged" in _sentence(response)


def test_too_many_pixels_are_413(api: ServedApi) -> None:
    """A small file that claims to be huge is refused by its header."""
    small = encode_png(np.zeros((4, 4, 3), np.uint8))
    # A PNG begins with 8 bytes, the length of its first chunk, its name, width and height.
    chunk = small[12:16] + (13_000).to_bytes(4, "big") * 2 + small[24:29]
    huge = small[:12] + chunk + zlib.crc32(chunk).to_bytes(4, "big") + small[33:]
    response = api.predict(huge)
    assert response.status_code == 413
    assert f"{DEFAULT_MAX_PIXELS / 1e6:g} megapixels" in _sentence(response)


def test_too_large_a_file_is_413(api: ServedApi) -> None:
    """One byte more than is taken is too much, and says how much is."""
    assert api.predict(bytes(LIMITS.max_bytes)).status_code == 415
    response = api.predict(bytes(LIMITS.max_bytes + 1))
    assert response.status_code == 413
    assert "larger than 2.86102 MB" in _sentence(response)


def test_a_busy_server_is_429(api: ServedApi, astronaut_file: bytes) -> None:
    """Where no turn is free, the client hears when to come back, and then is answered."""
    with api.service.queue.enter("somebody else"):
        response = api.predict(astronaut_file)
    assert response.status_code == 429
    assert int(response.headers["retry-after"]) >= 1
    assert response.headers["connection"] == "close"
    assert "busy" in _sentence(response)
    assert api.predict(astronaut_file).status_code == 200


def test_networks_that_cannot_be_loaded_are_503(
    api: ServedApi, astronaut_file: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """The client hears that there are none, without the names of the server's folders."""
    monkeypatch.undo()  # the real loading again
    monkeypatch.setenv(MODELS_DIR_VARIABLE, str(tmp_path / "secret"))
    response = api.predict(astronaut_file)
    assert response.status_code == 503
    assert _sentence(response) == "The server cannot load its networks: its log says why."


def test_the_unexpected_is_500_without_a_traceback(
    api: ServedApi,
    astronaut_file: bytes,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The client gets one kind sentence, the log the rest, and the turn is free again."""

    def fail(*_: object) -> None:
        raise ZeroDivisionError("secret")

    with monkeypatch.context() as broken:
        broken.setattr(FaceAnalyzer, "memory", fail)
        response = api.predict(astronaut_file)
    assert response.status_code == 500
    assert "secret" not in _sentence(response)
    assert any(record.exc_info for record in caplog.records)
    assert api.predict(astronaut_file).status_code == 200


def test_photos_are_not_taken_from_other_sites(api: ServedApi, astronaut_file: bytes) -> None:
    """A browser that says another site is behind a request is refused; others need say nothing."""
    for site, status in (("cross-site", 403), ("same-origin", 200), ("none", 200)):
        response = api.client.post(
            "/predict", files={"image": astronaut_file}, headers={"Sec-Fetch-Site": site}
        )
        assert response.status_code == status


def test_nothing_is_written_to_disk(
    api: ServedApi, hopper_file: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A photo of more than a megabyte, where the framework would, goes to no file."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a temporary file was asked for")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    noise = np.random.default_rng(1).integers(0, 256, (700, 900, 3), dtype=np.uint8)
    photo = encode_png(noise)
    assert 1_500_000 < len(photo) < LIMITS.max_bytes
    assert api.predict(photo).status_code == 200


def test_runs_wait_at_the_one_gate(api: ServedApi, astronaut_file: bytes) -> None:
    """Each photo is one visit, by the client's address, with the default networks."""
    before = api.service.queue.stats().admitted
    api.predict(astronaut_file)
    assert api.service.queue.stats().admitted == before + 1
    assert len(api.service.loaded(RuntimeOptions())) == 1
