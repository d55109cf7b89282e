"""Small pieces of sentences."""

from __future__ import annotations

import copy
import json
import pickle
import sqlite3

import msgspec
import pandas as pd
import pyarrow as pa
import pytest

from facecore import wording
from facecore.errors import FacecoreError
from facecore.wording import (
    Text,
    _,
    _Filler,
    aligned,
    clock,
    counted,
    data_size,
    left_in_words,
    listed,
    offered_language,
    plain,
    speaking,
    time_left_s,
)


@pytest.mark.parametrize(
    ("n", "expected"), [(0, "0 photos"), (1, "1 photo"), (2, "2 photos"), (100, "100 photos")]
)
def test_one_is_singular(n: int, expected: str) -> None:
    """Only one is a single one."""
    assert counted(n, "photo") == expected


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, "0.0 MB"), (5_000_000, "5.0 MB"), (500_000_000, "0.5 GB"), (20_000_000_000, "20.0 GB")],
)
def test_sizes_are_in_powers_of_ten(count: int, expected: str) -> None:
    """Small ones are in MB, large ones in GB."""
    assert data_size(count) == expected


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    """Text is flush left, numbers are flush right, and no line ends in spaces."""
    rows = [("name", "n", "unit"), ("a", "100", ""), ("longer", "7", "ms")]
    assert aligned(rows, right=(1,)) == ["name      n  unit", "a       100", "longer    7  ms"]


def test_no_rows_are_no_lines() -> None:
    """A table without rows has no lines."""
    assert aligned([]) == []


def test_nothing_is_known_before_the_first_photo() -> None:
    """Without a photo done there is no pace."""
    assert time_left_s(0, 10, 5.0) is None


@pytest.mark.parametrize(("done", "left_s"), [(1, 27.0), (5, 3.0), (10, 0.0)])
def test_the_pace_so_far_goes_on(done: int, left_s: float) -> None:
    """What is left takes as long per photo as what is done."""
    assert time_left_s(done, 10, 3.0) == pytest.approx(left_s)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0:00:00"),
        (59.6, "0:01:00"),
        (83, "0:01:23"),
        (3599.4, "0:59:59"),
        (90_061, "25:01:01"),
    ],
)
def test_seconds_are_written_as_a_clock(seconds: float, text: str) -> None:
    """Hours, minutes and seconds, rounded to whole seconds."""
    assert clock(seconds) == text


def test_what_is_left_continues_a_sentence() -> None:
    """Nothing is said where nothing is known yet."""
    assert left_in_words(None) == ""
    assert left_in_words(3723.4) == ", about 1:02:03 left"


def test_a_text_is_english_and_is_said_in_chinese() -> None:
    """As a string it is English, whoever looks; what it is filled with is said as well."""
    text = Text("The server is busy, {why}.", why=Text("{n} photo", "{n} photos", n=3))
    with speaking("zh"):
        assert text == "The server is busy, 3 photos."
        assert _(counted(1, "photo")) == "1 张照片"
        assert _(Text("<{what}>", what=counted(2, "photo"))) == "<2 张照片>"
        assert _("{n} photo", "{n} photos", n=2) == "2 张照片"
    assert _(text) == text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_has_no_translation_is_english(language: str) -> None:
    """No word of ours, a stranger's braces and nothing at all are said as they are."""
    with speaking(language):
        assert [_("no {word}"), _(""), _(3)] == ["no {word}", "", "3"]


def test_numbers_are_written_as_the_language_does() -> None:
    """A German has commas for points, and points for commas."""
    assert Text("{mb:,.1f} MB", mb=1234.5).said_in("en") == "1,234.5 MB"
    assert _Filler("de").vformat("{mb:,.1f} MB {on}", (), {"mb": 1234.5, "on": True}) == (
        "1.234,5 MB True"
    )


@pytest.mark.parametrize("template", ["{a.__class__}", "{0}", "{b}", "{a:9999999}", "{a[0]}", "{"])
def test_a_template_has_names_alone(template: str) -> None:
    """What came from elsewhere reaches into no value, and makes no endless line."""
    with pytest.raises(ValueError):
        Text(template, a=1)


def test_an_error_keeps_what_it_says() -> None:
    """An error is English as a string, and is said in the language of whoever looks."""
    error = FacecoreError("{photos}.", photos=counted(2, "photo"))
    with speaking("zh"):
        assert (str(error), _(error)) == ("2 photos.", "2 张照片.")


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (None, "en"),
        ("", "en"),
        ("zh-CN,en;q=0.9", "zh"),
        ("fr, zh_CN.UTF-8", "zh"),
        ("EN-us", "en"),
        ("C.UTF-8", "en"),
        ("en;q=0.9, zh;q=1", "zh"),
        ("en; q = 0.5,zh-TW", "zh"),
        ("zh-CN, en;q=0.95, zh;q=0.9", "zh"),
        ("zh;q=0", "en"),
        ("zh;q=0.0, fr", "en"),
        ("zh;q=0.8, *;q=0.9", "en"),
        ("en;q=0, *", "zh"),
        ("*", "en"),
    ],
)
def test_only_what_is_offered_is_spoken(
    wanted: str | None, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of what is offered that is taken which is liked best, the first of equals; else English."""
    monkeypatch.setattr(wording, "OFFERED", ("en", "zh"))
    assert offered_language(wanted) == expected


def test_a_text_is_a_string_wherever_it_goes() -> None:
    """Copied or pickled it can still be said; what knows strings alone has its English."""
    text = Text("The server is busy, {why}.", why=counted(3, "photo"))
    for kept in (text, pickle.loads(pickle.dumps(text)), copy.deepcopy(text)):
        assert (kept, kept.said_in("zh")) == (text, text.said_in("zh"))
    assert json.dumps([text]) == msgspec.json.encode([text], enc_hook=plain).decode()
    assert pa.array([text]).to_pylist() == list(pd.Series([text])) == [str(text)]
    with sqlite3.connect(":memory:") as store:
        assert store.execute("SELECT ? || '', typeof(?)", (text, text)).fetchone() == (text, "text")


def test_a_value_meets_a_sentence_as_chinese_is_written() -> None:
    """A space between an ideograph and a digit, none between two; a name stays as it is."""
    pairs = counted(2, "photo")
    with speaking("zh"):
        assert _("starting {name}", name=pairs) == "正在启动 2 张照片"
        assert _("starting {name}", name=Text("baseline")) == "正在启动基准"
        assert _("starting {name}", name="照 片1") == "正在启动照 片1"
        assert _(listed([Text("Male"), Text("Female")])) == "男，女"
    assert listed(["a", "b"], "; ") == "a; b"
