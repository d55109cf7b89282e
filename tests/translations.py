"""``make messages``: brings the catalogues in step with what the sources say.

A message is what stands first in a call of `Text`, `_` or an error of ours, a second one is its
plural; what ``counted`` counts; labels and words of a setting; and what TOML files of the package
say to people. Translations of messages that are no more are thrown away.
"""

from __future__ import annotations

import ast
import builtins
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from facecore import results, wording
from facecore.optimise import record
from facecore.settings import AnalysisSettings, RuntimeOptions, presets
from facecore.settings.server import ServerSettings
from facecore.settings.setting import declared

ROOT = Path(wording.__file__).resolve().parents[1]
LOCALES = ROOT / "facecore" / "locale"
_SAID = ("_", "Text")
_SETTING_WORDS = ("label", "help", "unit", "none")
# What parsers tell of themselves (facecore/__main__.py says it), and rows of a terminal's table.
_PARSER_WORDS = ("help", "description")
_ROWS = ("_heading", "_share", "_number")
_TOML_WORDS = ("title", "says", "summary", "licence")
_SETTINGS = {**declared(AnalysisSettings), **declared(RuntimeOptions), **declared(ServerSettings)}
# Data that is shown in words, beside where it is told.
_DATA = {
    "facecore/results.py": (*results.GENDERS, *map(str.lower, results.GENDERS), *results.STAGES),
    "facecore/settings/presets.py": (*presets.PRESETS, *presets.PRESET_HELP.values()),
    "facecore/settings/setting.py": tuple(
        word
        for one in _SETTINGS.values()
        for word in (one.none, *one.choices)
        if isinstance(word, str) and word and one.name not in ("engine", "model_set")
    ),
    "facecore/optimise/record.py": (*get_args(record.ConstraintName), *get_args(record.Fate)),
    "facecore/statistics/agreement.py": (
        *("gender", "age group", "lost", "new", "baseline", "variant", "no face"),
    ),
    "facecore/__main__.py": (
        *("usage: ", "positional arguments", "options", "show this help message and exit"),
        *("%(prog)s: error: %(message)s\n", "argument %(argument_name)s: %(message)s"),
        *("the following arguments are required: %s", "unrecognized arguments: %s"),
        *("expected one argument", "expected at most one argument"),
        *("expected at least one argument", ("expected %s argument", "expected %s arguments")),
        *("invalid %(type)s value: %(value)r", "not allowed with argument %s"),
        "invalid choice: %(value)r (choose from %(choices)s)",
        "ambiguous option: %(option)s could match %(matches)s",
        *("ignored explicit argument %r", "one of the arguments %s is required"),
    ),
    "facecore/experiment/engine_rows.py": ("native", "converted"),
    "facecore/models/files.py": ("data folder", "your folder"),
    # Headings of a terminal's tables.
    "facecore/cli/models.py": ("set", "size", "licence", "path", "WRONG"),
    "facecore/cli/engines.py": (
        *("import ms", "load ms", "first ms", "face ms", "of 8", "detector ms", "CPU s", "CPU %"),
        *("RSS MB", "disk MB", "models MB", "Caffe", "difference", "article"),
    ),
    # Headings of tables that are data as well.
    "facecore/experiment/tables.py": (
        *("variant", "photo", "what", "box", "baseline", "here", "asked", "right", "of"),
        *("right, %", "low, %", "high, %", "experiment", "processor", "typical_ms", "verdict"),
        *("answers", "gender right", "age group right"),
    ),
    "facecore/export.py": (
        *("run", "time", "source", "photo", "width_px", "height_px", "faces", "total_ms"),
        *(f"{stage}_ms" for stage in results.STAGES),
        *("waited_ms", "reused_stages", "cpu_time_s", "cpu_percent_of_core"),
        *("cpu_percent_of_allowed", "rss_before_mb", "rss_after_mb", "peak_rss_mb", "other_runs"),
        *(
            "engine",
            "duration_s",
            "frames_offered",
            "frames_read",
            "latency_p50_ms",
            "latency_p95_ms",
        ),
        *("all", "page", "http", "batch", "compare", "live", "tune"),
        *("sample", "upload", "camera"),
    ),
}

Message = str | tuple[str, str]


def messages() -> dict[Message, list[str]]:
    """Return what is to be translated, each with the files that say it; pairs have a plural."""
    found: dict[Message, list[str]] = {}
    for path in sorted((ROOT / "facecore").rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        for message in (*_of_source(path.read_text(encoding="utf-8"), name), *_DATA.get(name, ())):
            _note(found, message, name)
    for path in sorted((ROOT / "facecore").rglob("*.toml")):
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        for message in _of_table(table):
            _note(found, message, path.relative_to(ROOT).as_posix())
    return found


def _note(found: dict[Message, list[str]], message: Message, name: str) -> None:
    # A pair stands for its singular as well.
    pair = next((one for one in found if isinstance(one, tuple) and one[0] == message), message)
    alone = message[0] if isinstance(message, tuple) else ""
    names = [*found.pop(alone, ()), *found.pop(pair, ())]
    found[pair] = names if name in names else [*names, name]


def _of_source(source: str, name: str) -> Iterator[Message]:
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        called = getattr(node.func, "id", getattr(node.func, "attr", ""))
        if called == "counted" and len(node.args) == 2:
            if isinstance(node.args[1], ast.Constant):
                one = f"{{n}} {_literal(node.args[1])}"
                yield one, f"{one}s"
        elif called in ("setting", "Setting", "Knob", "Group"):
            words = node.args if called == "Group" else node.args[1:2]
            words += [one.value for one in node.keywords if one.arg in _SETTING_WORDS]
            yield from (word for one in words if (word := _literal(one)))
        elif called in ("add", "add_argument", "add_parser", "add_subparsers", "ArgumentParser"):
            words = [one.value for one in node.keywords if one.arg in _PARSER_WORDS]
            yield from (word for one in words if (word := _literal(one)))
        elif called == "add_argument_group" or (called in _ROWS and "/cli/" in name):
            yield from (word for one in node.args if (word := _literal(one)))
        elif called in _SAID or (called.endswith("Error") and not hasattr(builtins, called)):
            if called in _SAID and any(isinstance(one, ast.JoinedStr) for one in node.args):
                raise SystemExit(f"{name}:{node.lineno}: name the places instead of an f-string.")
            yield from _first_strings(node)


def _first_strings(call: ast.Call) -> Iterator[Message]:
    texts = [text for one in call.args[:3] if (text := _literal(one))]
    if len(texts) > 1:
        yield texts[0], texts[1]
    elif texts:
        yield texts[0]


def _literal(node: ast.expr) -> str:
    value = node.value if isinstance(node, ast.Constant) else ""
    return value if isinstance(value, str) else ""


def _of_table(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, one in value.items():
            if key in _TOML_WORDS and isinstance(one, str):
                yield one
            elif key == "variant":
                yield from (variant["name"] for variant in one)
            else:
                yield from _of_table(one)
    elif isinstance(value, list):
        for one in value:
            yield from _of_table(one)


def catalogue(code: str) -> Catalog:
    """Return the catalogue of a language as it is."""
    with (LOCALES / code / "LC_MESSAGES" / "facecore.po").open("rb") as file:
        return read_po(file, locale=code)


def update(code: str) -> Catalog:
    """Write a language's catalogue anew: what it says already is kept, what is no more is not."""
    old = catalogue(code)
    new = Catalog(
        locale=code,
        header_comment=old.header_comment,
        project="facecore",
        version="1",
        creation_date=old.creation_date,
        revision_date=old.revision_date,
        fuzzy=False,
    )
    for message, names in sorted(messages().items(), key=lambda one: (one[1], str(one[0]))):
        known = old.get(message if isinstance(message, str) else message[0])
        new.add(message, known.string if known else None, [(name, 1) for name in names])
    with (LOCALES / code / "LC_MESSAGES" / "facecore.po").open("wb") as file:
        write_po(file, new, width=0, include_lineno=False)
    return new


if __name__ == "__main__":
    for one in sorted(path.name for path in LOCALES.iterdir()):
        written = update(one)
        missing = [message.id for message in written if message.id and not message.string]
        sys.stdout.write(f"{one}: {len(written)} messages, {len(missing)} without a translation\n")
