"""The pages in Chinese: no English of ours, and a switch that loses nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from streamlit.testing.v1 import AppTest

from facecore.wording import speaking
from tests.pages.conftest import PAGES, expect_no_error, metrics, upload, visit

_CHINESE = re.compile(r"[\u3400-\u9fff]")
_WORD = re.compile(r"[A-Za-z]{2,}")
_SHOWN = ("label", "body", "help", "placeholder", "options", "alt", "captions", "text", "title")
# Names, units, formats and data, which no language changes.
_MAY_BE = re.compile(
    r"^(English|Language / 语言|F1|CPU|JSON( lines)?|Parquet|CSV|JSONL?|figures\.png|"
    r"ONNX Runtime|OpenCV.*|MNN|LiteRT|OpenVINO|PyTorch|[\d.,/ ]+ (MB|GB|ms|s)|"
    r"auto|none|engines?|mnn|litert|openvino|torch|onnxruntime|opencv5?|.*\.(caffemodel|prototxt)|"
    r"OpenCV 5 DNN|facecore .*|<style.*|<svg.*)$",
    re.DOTALL,
)
# What is not ours to translate here, or stands in a file of its own.
_PARTS = ("code", "component", "plotlyChart", "arrowDataFrame", "imgs", "iframe", "html")


def _words(value: Any, name: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, one in value.items():
            if key not in _PARTS:
                yield from _words(one, key)
    elif isinstance(value, list):
        for one in value:
            yield from _words(one, name)
    elif isinstance(value, str) and name in _SHOWN:
        yield value


def _shown(app: AppTest) -> Iterator[str]:
    for element in (*app.main, *app.sidebar):
        proto = getattr(element, "proto", None)
        if proto is not None:
            yield from _words(MessageToDict(proto))


def _english(app: AppTest) -> set[str]:
    plain = (re.sub(r":material/\w+:|`[^`]*`|[\\*]", "", text).strip() for text in _shown(app))
    return {
        text
        for text in plain
        if _WORD.search(text) and not _CHINESE.search(text) and not _MAY_BE.match(text)
    }


@pytest.mark.parametrize("address", sorted(set(PAGES) - {"models"}))
def test_a_page_in_chinese_has_no_english_of_ours(address: str) -> None:
    """Titles, labels, notes and choices are Chinese, but for names, units and data."""
    app = visit(address, lang="zh")
    expect_no_error(app)
    assert _CHINESE.search(app.title.values[0])
    assert _english(app) == set()


def test_the_switch_loses_nothing(astronaut_file: bytes) -> None:
    """A photo, a setting and the runs are what they were, in words of the other language."""
    app = upload(visit(confidence="0.5"), {"mine.png": astronaut_file})
    assert metrics(app)["Faces"] == "1"
    runs = app.session_state["facecore.history"].records()
    app.button_group(key="language").set_value("zh").run()
    assert app.title.values == ["分析"]
    assert metrics(app)["人脸"] == "1"
    assert app.slider(key="confidence").value == 0.5
    assert app.query_params["lang"] == "zh"
    assert app.session_state["facecore.history"].records() == runs
    with speaking("zh"):  # as the tester is, which writes down what is chosen
        app.button_group(key="language").set_value("en").run()
    assert app.title.values == ["Analyze"]
    assert metrics(app)["Faces"] == "1"
    expect_no_error(app)


def test_a_link_is_the_same_in_both_languages() -> None:
    """What a link says in one language it says in the other; its words are English in both."""
    said = {
        "closer_look": "always",
        "crop_shape": "box",
        "preset": "Crowd",
        "sample": "Grace Hopper",
    }
    apps = [visit(**said), visit(**said, lang="zh")]
    for key in ("closer_look", "crop_shape", "preset", "sample"):
        assert len({str(app.session_state[key]) for app in apps}) == 1
    links = [{k: v for k, v in app.query_params.items() if k != "lang"} for app in apps]
    assert links[0] == links[1]
    assert links[0]["closer_look"] == "always"
