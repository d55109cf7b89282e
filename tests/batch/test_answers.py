"""The answers of a batch as a page keeps them."""

from __future__ import annotations

import base64
import threading

import pandas as pd
import pytest

from facecore.batch.answers import BatchAnswers, ListedPhoto, photo_table
from facecore.batch.summary import BatchSummary
from facecore.errors import ImageError, friendly_message
from facecore.export import FailedRow, Row, to_json_line
from facecore.imaging.decoding import decode_image
from facecore.wording import _, speaking
from tests.batch.conftest import failed_row, row

COLUMNS = ["preview", "photo", "faces", "gender", "age", "latency_ms", "error"]


def test_no_answer_is_an_empty_list() -> None:
    """Before the first photo there is nothing, and the table has its columns."""
    answers = BatchAnswers()
    assert (len(answers), list(answers.rows()), answers.listed()) == (0, [], ())
    assert answers.summary() == BatchSummary()
    table = photo_table(answers.listed())
    assert (len(table), list(table)) == (0, COLUMNS)


def test_rows_come_back_as_they_were() -> None:
    """Packing changes nothing, and the order is that of the photos."""
    rows: list[Row] = [row("b", 3), failed_row("c"), row("a", 0)]
    answers = BatchAnswers()
    for one in rows:
        answers.add(one, b"jpeg")
    assert list(answers.rows()) == rows
    assert len(answers) == 3
    assert (answers.summary().photos, answers.summary().faces) == (3, 3)
    assert answers.listed()[:2] == (
        ListedPhoto(
            name="b",
            faces=3,
            latency_ms=30.125,
            error="",
            thumbnail_jpeg=b"jpeg",
            gender="3 Male",
            age="25-32, 25-32, 25-32",
        ),
        ListedPhoto(
            name="c", faces=None, latency_ms=None, error="It is broken.", thumbnail_jpeg=b"jpeg"
        ),
    )


def test_list_is_in_the_readers_language_and_the_rows_are_english() -> None:
    """What is wrong with a photo, and how many of which gender, is said when it is shown."""
    answers = BatchAnswers()
    answers.add(FailedRow("empty.jpg", _error_of_an_empty_file()))
    answers.add(row("two", 2))
    english = "The file is empty: choose another one."
    failed = answers.row(0)
    assert isinstance(failed, FailedRow)
    with speaking("zh"):
        shown = photo_table(answers.listed())
        rows = [to_json_line(one) for one in answers.rows()]
        assert _(failed.error) == shown["error"][0]
    assert shown["error"][0] != english
    assert "空" in shown["error"][0]
    assert shown["gender"][1] == "男 2"
    assert rows == [to_json_line(one) for one in answers.rows()]
    assert english in rows[0]


def _error_of_an_empty_file() -> str:
    with pytest.raises(ImageError) as raised:
        decode_image(b"")
    return friendly_message(raised.value)


def test_answers_of_a_crowd_are_small() -> None:
    """Two hundred faces take less than a quarter of what their text would."""
    answers = BatchAnswers()
    answers.add(row("crowd", 200))
    assert len(answers._packed[0]) < len(str(row("crowd", 200))) / 4


def test_summary_is_a_copy() -> None:
    """What is counted later does not change what was given out."""
    answers = BatchAnswers()
    before = answers.summary()
    answers.add(row("a"))
    assert before == BatchSummary()


def test_table_has_previews_and_whole_numbers() -> None:
    """A preview is a data URI, counts are whole, and what a failed photo lacks is missing."""
    answers = BatchAnswers()
    answers.add(row("<b>a</b>", 2), b"\xff\xd8")
    answers.add(failed_row("c"))
    table = photo_table(answers.listed())
    assert list(table) == COLUMNS
    assert table["photo"].tolist() == ["<b>a</b>", "c"]
    uri = table["preview"][0]
    assert base64.b64decode(uri.removeprefix("data:image/jpeg;base64,")) == b"\xff\xd8"
    assert pd.isna(table["preview"][1])
    assert table["faces"].tolist() == [2, pd.NA]
    assert table["latency_ms"].tolist() == [30.125, pd.NA]
    assert table["error"].tolist() == ["", "It is broken."]


def test_one_may_look_while_another_adds() -> None:
    """Whoever looks sees whole answers only, however many come meanwhile."""
    answers = BatchAnswers()

    def add() -> None:
        for number in range(300):
            answers.add(row(str(number)))

    thread = threading.Thread(target=add)
    thread.start()
    seen = 0
    while thread.is_alive():
        summary, listed = answers.summary(), answers.listed()
        assert len(listed) >= summary.photos >= seen
        assert summary.faces == summary.photos
        seen = summary.photos
    thread.join()
    assert [one.path for one in answers.rows()] == [str(n) for n in range(300)]
