"""The pages in Chinese: no English of ours, and a switch that loses nothing."""

from __future__ import annotations

import io
import json
import re
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from streamlit.elements.widgets.button import ButtonMixin
from streamlit.testing.v1 import AppTest

from facecore import ui
from facecore.experiment.engines import measure_engines
from facecore.experiment.storage import experiment_to_json
from facecore.sources.samples import samples
from facecore.wording import Text, speaking
from tests.experiment.conftest import MadeExperiment
from tests.optimise.conftest import made_result
from tests.pages.conftest import PAGES, TIMEOUT_S, expect_no_error, metrics, upload, visit

_CHINESE = re.compile(r"[\u3400-\u9fff]")
_WORD = re.compile(r"[A-Za-z]{2,}")
_SHOWN = ("label", "body", "help", "placeholder", "options", "alt", "captions", "text", "title")
# Names, units, formats and data, which no language changes.
_MAY_BE = re.compile(
    r"^(English|Language / 语言|F1|CPU|JSON( lines)?|Parquet|CSV|JSONL?|figures\.png|"
    r"ONNX Runtime|OpenCV.*|MNN|LiteRT|OpenVINO|PyTorch|[\d.,/ ]+ (MB|GB|ms|s)|"
    r"auto|none|article|engines?|mnn|litert|openvino|torch|onnxruntime|opencv5?|.*\.(caffemodel|prototxt|png)|"
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
    for table in app.dataframe:
        settings = json.loads(table.proto.columns or "{}")
        yield from (settings.get(name, {}).get("label", name) for name in table.value)
        cells = (*table.value.index, *table.value.to_numpy().flat)
        yield from (one for one in cells if isinstance(one, str) and not one.startswith("data:"))


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


# What is drawn for a person to look at, in that person's words.
_PICTURES = ("annotated.png", "annotated.zip", "engines.png")


def _analyzed(_: MadeExperiment) -> AppTest:
    return visit()


def _batched(_: MadeExperiment) -> AppTest:
    app = visit("batch")
    photos = [("bad.png", b"no picture", ""), ("good.png", samples()[2].read(), "")]
    app.file_uploader(key="batch_uploads").set_value(photos).run()
    app.button(key="batch_start").click().run()
    assert app.session_state["facecore.batch"].wait(TIMEOUT_S)
    return app.run()


def _compared(made: MadeExperiment) -> AppTest:
    app = visit("compare")
    saved = [("saved.json", experiment_to_json(made()), "application/json")]
    app.file_uploader(key="experiment_files").set_value(saved)
    return app.run()


def _optimised(_: MadeExperiment) -> AppTest:
    app = visit("optimise")
    app.session_state["facecore.optimise_found"] = made_result()
    return app.run()


def _engines(_: MadeExperiment) -> AppTest:
    app = visit("engines")
    measured = measure_engines(cancelled=lambda: True)
    measured["engines"][0]["problem"] = Text("{n} photo", "{n} photos", n=2)
    app.session_state["facecore.engines_measured"] = measured
    return app.run()


def _monitored(made: MadeExperiment) -> AppTest:
    return _analyzed(made).switch_page("pages/monitor.py").run()


_UI = Path(ui.__file__).parent
_PROFILE = "profile/take_along.py"
_OFFERED: dict[Callable[[MadeExperiment], AppTest], set[str]] = {
    _analyzed: {"analyze/views.py", _PROFILE},
    _batched: {"batch/results.py", _PROFILE},
    _compared: {"compare/files.py", _PROFILE},
    _optimised: {"optimise/views.py", _PROFILE},
    _engines: {"engines/views.py"},
    _monitored: {"monitor/page.py"},
}


def _caller() -> str:
    frame: FrameType | None = sys._getframe()
    while frame and not Path(frame.f_code.co_filename).is_relative_to(_UI):
        frame = frame.f_back
    return Path(frame.f_code.co_filename).relative_to(_UI).as_posix() if frame else ""


@pytest.mark.parametrize("show", _OFFERED)
def test_what_is_taken_away_is_the_same_in_both_languages(
    show: Callable[[MadeExperiment], AppTest], made: MadeExperiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the same run a file has the same bytes; only pictures are for whoever looks at them."""
    files: dict[str, bytes] = {}
    seen: set[str] = set()
    button = ButtonMixin._download_button

    def note(self: Any, label: str, data: Any, file_name: str, *rest: Any, **more: Any) -> bool:
        seen.add(_caller())
        if not file_name.endswith(_PICTURES):
            content = data() if callable(data) else data
            if file_name.endswith(".zip"):  # which says when it was packed
                with zipfile.ZipFile(io.BytesIO(content)) as packed:
                    content = b"".join(map(packed.read, packed.namelist()))
            files[file_name] = content.encode() if isinstance(content, str) else content
        return button(self, label, data, file_name, *rest, **more)

    monkeypatch.setattr(ButtonMixin, "_download_button", note)
    app = show(made)
    assert app.exception.values == []
    english = dict(files)
    files.clear()
    seen.clear()
    app.query_params["lang"] = "zh"
    app.run()
    assert _CHINESE.search(app.title.values[0])
    # What was made by hand is what it was made of.
    assert _english(app) == set() or show in (_compared, _optimised)
    assert seen == _OFFERED[show]
    assert files == {name: english[name] for name in files}


def test_no_file_is_forgotten() -> None:
    """Each module that offers one is among those of the test above, but for that of a video."""
    offering = {
        one.relative_to(_UI).as_posix()
        for one in _UI.rglob("*.py")
        if ".download_button(" in one.read_text("utf-8")
    }
    assert set().union(*_OFFERED.values()) == offering - {"batch/film.py"}
