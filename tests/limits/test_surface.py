"""What the code must not do at all with what strangers give, held over its syntax trees."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.conftest import REPOSITORY

SOURCES = sorted(
    [
        *(REPOSITORY / "facecore").rglob("*.py"),
        *(REPOSITORY / "pages").glob("*.py"),
        *REPOSITORY.glob("*.py"),
    ]
)
FORBIDDEN_IMPORTS = {"pickle", "marshal", "shelve", "dill", "joblib", "cloudpickle"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "os.system", "os.popen"}


def _faults(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
            names = {module.split(".", maxsplit=1)[0], *(alias.name for alias in node.names)}
            yield from (f"line {node.lineno}: imports {n}" for n in names & FORBIDDEN_IMPORTS)
        elif isinstance(node, ast.Call):
            called = node.func
            if ast.unparse(called) in FORBIDDEN_CALLS:
                yield f"line {node.lineno}: calls {ast.unparse(called)}"
            for keyword in node.keywords:
                allowed = isinstance(keyword.value, ast.Constant) and not keyword.value.value
                if keyword.arg in ("shell", "unsafe_allow_html", "allow_pickle") and not allowed:
                    yield f"line {node.lineno}: sets {keyword.arg}"


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "import os\nos.system('ls')",
        "eval('1')",
        "run('ls', shell=True)",
        "st.markdown('x', unsafe_allow_html=True)",
        "np.load(f, allow_pickle=yes)",
    ],
)
def test_fault_is_found(source: str) -> None:
    """The search sees what it is for."""
    assert list(_faults(source))


@pytest.mark.parametrize(
    "source", ["", "re.compile('x')", "platform.system()", "run(['ls'], shell=False)"]
)
def test_what_is_fine_is_no_fault(source: str) -> None:
    """Nothing, and look-alikes, are left alone."""
    assert list(_faults(source)) == []


def test_no_shell_no_pickle_no_evaluation() -> None:
    """No module hands text to a shell, to pickle, to Python's compiler or to a page as HTML."""
    found = {str(path): list(_faults(path.read_text(encoding="utf-8"))) for path in SOURCES}
    assert len(found) > 100
    assert {path: faults for path, faults in found.items() if faults} == {}
