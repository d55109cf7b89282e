"""How large rooms, modules and functions are; ruff and import-linter hold the other rules."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.conftest import REPOSITORY

PACKAGE = REPOSITORY / "facecore"
# What a generator wrote is as long as it is.
MODULES = sorted(p for p in PACKAGE.rglob("*.py") if not p.stem.endswith("_pb2"))
PAGES = [*(REPOSITORY / "pages").glob("*.py"), *REPOSITORY.glob("*_app.py")]


def _lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_no_package_has_more_modules_than_one_takes_in() -> None:
    """The root has at most seven modules beside its packages, each package at most twelve."""
    count = {
        folder: sum(module.name != "__init__.py" for module in folder.glob("*.py"))
        for folder in {module.parent for module in MODULES}
    }
    assert 0 < count.pop(PACKAGE) <= 7
    assert {str(folder): n for folder, n in count.items() if n > 12} == {}


def test_modules_are_short_and_pages_shorter() -> None:
    """Modules have at most 300 lines, pages and entries 15, and none is a drawer for odds."""
    assert {str(path) for path in MODULES if _lines(path) > 300} == set()
    assert {str(path) for path in PAGES if _lines(path) > 15} == set()
    assert not {path.stem for path in MODULES} & {"utils", "helpers", "common"}


def test_functions_are_short() -> None:
    """Functions have at most 40 lines, docstring included, but for the pipeline itself."""
    long = [
        f"{path.relative_to(PACKAGE).as_posix()} {node.name}"
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= 40
    ]
    # All stages in one place, from bytes to faces, is worth more than a short function.
    assert long == ["analysis/analyzer.py read"]
