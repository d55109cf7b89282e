"""Names that strangers give to files: shown as they are, on every page, and never interpreted."""

from __future__ import annotations

import html
import json

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Element

from facecore.ui.components import as_text
from tests.pages.conftest import expect_no_error, go_to, upload, visit

BROKEN = b"not a picture"
ODD_NAMES = [
    "<img src=x onerror=alert(1)>.png",
    "![x](http://elsewhere.example/x.png) **bold** [link](javascript:alert(1)).png",
    ":material/home: :red[x] $x^2$ `code`.png",
]


def _interpreted(app: AppTest) -> list[str]:
    """Return every text that the browser takes for Markdown or HTML."""
    kinds = ("markdown", "caption", "error", "warning", "info", "success", "title", "header")
    elements = [element for kind in kinds for element in app.get(kind)]
    found = [str(element.value) for element in elements if isinstance(element, Element)]
    found += [element.value for element in app.html]
    # Labels are Markdown as well.
    for kind in ("metric", "button", "selectbox", "slider", "file_uploader"):
        found += [str(element.label) for element in app.get(kind) if hasattr(element, "label")]
    return found


def _expect_not_interpreted(app: AppTest, name: str) -> None:
    assert not any(name.removesuffix(".png") in text for text in _interpreted(app))


@pytest.mark.parametrize("name", ODD_NAMES)
def test_every_page_shows_a_name_as_text(name: str, astronaut_file: bytes) -> None:
    """One photo, several, broken or not: Analyze, Tune and Monitor show the plain name."""
    app = upload(visit(), {name: astronaut_file})
    expect_no_error(app)
    _expect_not_interpreted(app, name)
    app = upload(app, {name: BROKEN})
    assert app.text.values == [name]
    _expect_not_interpreted(app, name)
    app = upload(app, {name: BROKEN, f"good {name}": astronaut_file, f"two {name}": astronaut_file})
    assert app.text.values == [f"two {name}"]
    assert as_text(name) in app.error[0].value
    tiles = [one.label for one in app.button if str(one.key).startswith("photos_")]
    assert tiles == [as_text(f"good {name}"), as_text(f"two {name}")]
    _expect_not_interpreted(app, name)
    go_to(app, "Tune")
    assert app.text.values == [name]
    assert app.selectbox(key="tune_photo").options == [f"good {name}", f"two {name}"]
    _expect_not_interpreted(app, name)
    go_to(app, "Monitor")
    assert f"good {name}" in app.dataframe[0].value["photo"].tolist()
    _expect_not_interpreted(app, name)
    # A chart's hover text knows a few tags, so there the name is escaped.
    (latency, *_) = app.get("plotly_chart")
    for bars in json.loads(latency.proto.spec)["data"]:
        assert bars["customdata"][-1].startswith(html.escape(f"two {name}"))


@pytest.mark.parametrize("name", ODD_NAMES)
def test_tables_are_quoted_as_text(name: str, astronaut_file: bytes) -> None:
    """What a table says of a photo is shown as it is, and so is what is wrong with it."""
    app = upload(visit("tune"), {"a.png": astronaut_file})
    cell = name.replace('"', '""')
    table = f'file,age,gender\n"{cell}",300,"{cell}"\n'.encode()
    app.file_uploader(key="truth_files").set_value([(f"{name}.csv", table, "text/csv")])
    app.run()
    assert any(name[:20] in text for text in app.text.values)
    _expect_not_interpreted(app, name)
    assert app.exception.values == []
