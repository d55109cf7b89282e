"""The rules of the code base, held over the syntax trees of all modules that exist."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

# A module may import from its own layer and from those above it in this list.
LAYERS = (
    {"facecore", "errors", "geometry", "names", "wording"}
    | {"settings", "server_settings", "gate"},
    {"results"},
    {"registry", "headers", "images", "archives", "profiles", "presets", "switches"}
    | {"pictures", "container", "memory_plan", "allocator"},
    {"network"},
    {"detector", "attributes", "annotate", "resources"},
    {"open_photo", "analyzer", "monitor", "samples", "export", "service"},
    {"agreement", "labels", "statistics", "workers"},
    {"ratios"},
    {"comparison"},
    {"experiment", "evaluation", "batch"},
    {"commands", "__main__", "http"},
    {"ui"},
    {"pages"},
    {"streamlit_app", "server_app"},
)
LAYER_OF = {name: level for level, names in enumerate(LAYERS) for name in names}
ENTRIES = ("streamlit_app.py", "server_app.py")
FORBIDDEN_FILES = {"utils.py", "helpers.py", "common.py"}
MAX_MODULE_LINES = 300
MAX_PAGE_LINES = 80
MAX_ENTRY_LINES = 50
MAX_FUNCTION_LINES = 40

Function = ast.FunctionDef | ast.AsyncFunctionDef
Rule = Callable[[str, str], Iterator[str]]
"""Takes a path relative to the repository and the source; gives what is wrong."""

SOURCES = sorted(
    path.relative_to(REPOSITORY).as_posix()
    for path in (
        *(REPOSITORY / "facecore").rglob("*.py"),
        *(REPOSITORY / "pages").rglob("*.py"),
        *REPOSITORY.glob("*_app.py"),
    )
)


def _component(path: str) -> str:
    """Name the part of the table that a module belongs to."""
    parts = Path(path).with_suffix("").parts
    if parts[0] != "facecore":
        return parts[0]
    return "facecore" if parts[1] == "__init__" else parts[1]


def _imported(path: str, source: str) -> Iterator[tuple[int, str]]:
    """Give line and full dotted name of everything that is imported, absolute or relative."""
    package = Path(path).parts[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join((*above, *filter(None, [node.module])))
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def _is_in_the_ui(path: str) -> bool:
    return path.startswith(("facecore/ui/", "pages/")) or path in ENTRIES


def imports_go_one_way(path: str, source: str) -> Iterator[str]:
    """Modules import from their own layer or lower ones, and every module has a layer."""
    own = _component(path)
    if own not in LAYER_OF:
        yield f"{own!r} is in no layer: give it a place in LAYERS of {Path(__file__).name}"
        return
    for line, name in _imported(path, source):
        parts = name.split(".")
        if parts[0] not in {"facecore", "pages", "streamlit_app", "server_app"}:
            continue
        other = parts[1] if parts[0] == "facecore" and len(parts) > 1 else parts[0]
        if other not in LAYER_OF:
            yield f"line {line} imports {name}, which is in no layer"
        elif LAYER_OF[other] > LAYER_OF[own]:
            yield f"line {line}: {own} must not import {other}, which lies above it"


def streamlit_stays_in_the_ui(path: str, source: str) -> Iterator[str]:
    """Only facecore/ui, the pages and the entry scripts know Streamlit."""
    for line, name in _imported(path, source):
        if name.split(".")[0] == "streamlit" and not _is_in_the_ui(path):
            yield f"line {line} imports {name}"


def the_web_stays_in_http(path: str, source: str) -> Iterator[str]:
    """Only facecore/http knows the web framework, and Streamlit's side does not reach into it."""
    for line, name in _imported(path, source):
        known = path.startswith("facecore/http/")
        if name.split(".")[0] in {"starlette", "uvicorn", "prometheus_client"} and not known:
            yield f"line {line} imports {name}"


def the_engine_stays_in_network(path: str, source: str) -> Iterator[str]:
    """Only network.py knows that ``cv2.dnn`` runs the networks."""
    if path == "facecore/engines/opencv.py":
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr == "dnn":
            yield f"line {node.lineno} uses {ast.unparse(node)}"
    for line, name in _imported(path, source):
        if name.startswith("cv2.dnn"):
            yield f"line {line} imports {name}"


def session_state_stays_in_state(path: str, source: str) -> Iterator[str]:
    """Only facecore/ui/state.py touches Streamlit's session state."""
    if path == "facecore/ui/state.py":
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr == "session_state":
            yield f"line {node.lineno} uses session_state"
    for line, name in _imported(path, source):
        if name.endswith(".session_state"):
            yield f"line {line} imports {name}"


def no_bare_except(path: str, source: str) -> Iterator[str]:
    """Every except says what it catches."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ExceptHandler) and node.type is None:
            yield f"line {node.lineno} of {path} catches everything"


def modules_are_short(path: str, source: str) -> Iterator[str]:
    """Modules have at most 300 lines, pages 80, the entry scripts 50."""
    entries = dict.fromkeys(("streamlit_app", "server_app"), MAX_ENTRY_LINES)
    limits = {"pages": MAX_PAGE_LINES, **entries}
    limit = limits.get(_component(path), MAX_MODULE_LINES)
    lines = len(source.splitlines())
    if lines > limit:
        yield f"{lines} lines, {limit} are allowed"


def functions_are_short(path: str, source: str) -> Iterator[str]:
    """Functions have at most 40 lines, docstring included."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, Function) and node.end_lineno is not None:
            lines = node.end_lineno - node.lineno + 1
            if lines > MAX_FUNCTION_LINES:
                yield f"line {node.lineno} of {path}: {node.name} has {lines} lines"


def names_say_what_is_inside(path: str, source: str) -> Iterator[str]:
    """No module is a drawer for odds and ends."""
    if Path(path).name in FORBIDDEN_FILES:
        yield f"{path} ({len(source)} characters) says nothing of its content"


def the_public_is_documented(path: str, source: str) -> Iterator[str]:
    """Every public module, class, method and function of facecore has a docstring."""
    if not path.startswith("facecore/"):
        return
    module = ast.parse(source)
    if not ast.get_docstring(module):
        yield "the module has no docstring"
    open_scopes: list[ast.Module | ast.ClassDef] = [module]
    while open_scopes:
        for node in open_scopes.pop().body:
            if not isinstance(node, Function | ast.ClassDef) or node.name.startswith("_"):
                continue
            if not ast.get_docstring(node):
                yield f"line {node.lineno}: {node.name} has no docstring"
            if isinstance(node, ast.ClassDef):
                open_scopes.append(node)


RULES: tuple[Rule, ...] = (
    imports_go_one_way,
    streamlit_stays_in_the_ui,
    the_web_stays_in_http,
    the_engine_stays_in_network,
    session_state_stays_in_state,
    no_bare_except,
    modules_are_short,
    functions_are_short,
    names_say_what_is_inside,
    the_public_is_documented,
)


@pytest.mark.parametrize("path", SOURCES)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_modules_keep_the_rules(rule: Rule, path: str) -> None:
    """Each rule holds for each module."""
    found = list(rule(path, (REPOSITORY / path).read_text(encoding="utf-8")))
    assert not found, f"{path}: {'; '.join(found)}"


def test_the_core_is_among_the_sources() -> None:
    """The rules above looked at the modules that there must be."""
    core = ("errors", "geometry", "results", "registry", "images", "network", "analyzer")
    assert {f"facecore/{name}.py" for name in core} < set(SOURCES)


DOC = '"""Says what it is."""\n'


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("facecore/__init__.py", DOC),
        (
            "facecore/analysis/analyzer.py",
            DOC + "import cv2\nfrom facecore import images\nfrom . import errors",
        ),
        ("facecore/engines/opencv.py", DOC + "import cv2\nnet = cv2.dnn.Net()"),
        ("facecore/ui/state.py", DOC + "import streamlit as st\nst.session_state['a'] = 1"),
        ("facecore/ui/charts.py", DOC + "from .state import kept\nfrom ..results import Face"),
        ("pages/1_live.py", "import streamlit as st\nfrom facecore.ui.state import kept"),
        ("streamlit_app.py", "import streamlit\n" * MAX_ENTRY_LINES),
        ("facecore/imaging/decoding.py", DOC + "try:\n    pass\nexcept Exception:\n    pass"),
        (
            "facecore/imaging/decoding.py",
            DOC + "def _hidden():\n    def inner(): ...\nclass _Own:\n    x = 1",
        ),
    ],
)
def test_rules_allow_what_is_right(path: str, source: str) -> None:
    """No rule objects to code as it should be."""
    assert [found for rule in RULES for found in rule(path, source)] == []


@pytest.mark.parametrize(
    ("rule", "path", "source"),
    [
        (imports_go_one_way, "facecore/new.py", ""),
        (imports_go_one_way, "facecore/errors.py", "import facecore.results"),
        (
            imports_go_one_way,
            "facecore/imaging/decoding.py",
            "from facecore.engines.opencv import Network",
        ),
        (imports_go_one_way, "facecore/imaging/decoding.py", "from facecore import network"),
        (imports_go_one_way, "facecore/imaging/decoding.py", "from . import network"),
        (
            imports_go_one_way,
            "facecore/imaging/decoding.py",
            "def f():\n    from .network import Network",
        ),
        (imports_go_one_way, "facecore/commands/read.py", "from ..ui import state"),
        (imports_go_one_way, "facecore/export.py", "from facecore.new import thing"),
        (imports_go_one_way, "facecore/ui/state.py", "import pages.live"),
        (streamlit_stays_in_the_ui, "facecore/serving/history.py", "import streamlit as st"),
        (
            streamlit_stays_in_the_ui,
            "facecore/serving/history.py",
            "from streamlit.runtime import x",
        ),
        (imports_go_one_way, "facecore/http/door.py", "from facecore.ui import state"),
        (streamlit_stays_in_the_ui, "facecore/http/door.py", "import streamlit"),
        (the_web_stays_in_http, "facecore/ui/server.py", "from starlette.routing import Route"),
        (the_engine_stays_in_network, "facecore/imaging/decoding.py", "cv2.dnn.blobFromImage(x)"),
        (the_engine_stays_in_network, "facecore/imaging/decoding.py", "import cv2.dnn"),
        (the_engine_stays_in_network, "facecore/imaging/decoding.py", "from cv2 import dnn"),
        (the_engine_stays_in_network, "facecore/imaging/decoding.py", "from cv2.dnn import Net"),
        (session_state_stays_in_state, "pages/live.py", "st.session_state['a'] = 1"),
        (session_state_stays_in_state, "pages/live.py", "from streamlit import session_state"),
        (no_bare_except, "pages/live.py", "try:\n    pass\nexcept:\n    pass"),
        (modules_are_short, "facecore/imaging/decoding.py", "\n" * (MAX_MODULE_LINES + 1)),
        (modules_are_short, "pages/live.py", "\n" * (MAX_PAGE_LINES + 1)),
        (modules_are_short, "streamlit_app.py", "\n" * (MAX_ENTRY_LINES + 1)),
        (functions_are_short, "pages/live.py", "def f():\n" + "    x = 1\n" * MAX_FUNCTION_LINES),
        (names_say_what_is_inside, "facecore/ui/helpers.py", ""),
        (the_public_is_documented, "facecore/imaging/decoding.py", "x = 1"),
        (the_public_is_documented, "facecore/imaging/decoding.py", DOC + "def f(): ..."),
        (
            the_public_is_documented,
            "facecore/imaging/decoding.py",
            DOC + f"class A:\n    {DOC}    def f(s): ...",
        ),
    ],
)
def test_rules_object_to_what_is_wrong(rule: Rule, path: str, source: str) -> None:
    """Each rule finds the one thing wrong in code that was written to break it."""
    assert len(list(rule(path, source))) == 1
