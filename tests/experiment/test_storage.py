"""Saved experiments: equal when read back, and refused in a sentence whatever is wrong."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Any

import msgspec
import pytest

from facecore.errors import FacecoreError
from facecore.executors.messages import PlainFace
from facecore.experiment import storage
from facecore.experiment.record import Experiment, Failure
from facecore.experiment.report import Outcome
from facecore.experiment.storage import (
    MAX_FILE_BYTES,
    ExperimentFileError,
    experiment_from_json,
    experiment_to_json,
    without_names,
)
from facecore.experiment.tables import summary_table, trials_table
from facecore.settings import ONE_LOOK
from tests.experiment.conftest import MadeExperiment, made_face

SAVED_BEFORE = FilePath(__file__).with_name("saved_before.json")
"""Measured with `compare --claim optimised` at commit 081353d."""
NAN, INFINITY = float("nan"), float("inf")
MAX_SENTENCE = 300
Path = tuple[str | int, ...]

# Where nothing is known, there is a null.
_NULLABLE = {
    ("failures", "variant"),
    ("plan", "budget_s"),
    ("environment", "cpu_quota"),
    ("other_load_percent",),
    ("photos", "size_wh"),
    ("workers",),
    ("failures", "photo"),
    ("plan", "variants", "settings", "max_side_px"),
    ("plan", "variants", "options", "threads"),
    ("plan", "variants", "options", "engine"),
    ("plan", "variants", "process", "cores"),
}


def _tree(experiment: Experiment) -> dict[str, Any]:
    tree = json.loads(experiment_to_json(experiment))
    assert isinstance(tree, dict)
    return tree


def _paths(node: Any, so_far: Path = ()) -> Iterator[Path]:
    """Return the place of every value below a node, but no table's row twice."""
    if isinstance(node, dict):
        inside: list[tuple[str | int, Any]] = list(node.items())
    elif isinstance(node, list):
        inside = list(enumerate(node))
        if so_far == ("trials", "rows"):
            inside = inside[:2]
    else:
        return
    for key, value in inside:
        yield (*so_far, key)
        yield from _paths(value, (*so_far, key))


def _places(tree: Any) -> list[Path]:
    """Return a place of each kind: of alike ones, such as the numbers of a box, the first."""
    kinds: dict[tuple[str | None, ...], Path] = {}
    for path in _paths(tree):
        kinds.setdefault(tuple(key if isinstance(key, str) else None for key in path), path)
    return list(kinds.values())


def _at(tree: Any, path: Path) -> Any:
    for key in path:
        tree = tree[key]
    return tree


def _with(tree: dict[str, Any], path: Path, value: Any) -> bytes:
    """Write a tree with one value replaced."""
    changed = msgspec.json.decode(msgspec.json.encode(tree))
    _at(changed, path[:-1])[path[-1]] = value
    return json.dumps(changed).encode()


def _without(tree: dict[str, Any], path: Path) -> bytes:
    changed = msgspec.json.decode(msgspec.json.encode(tree))
    del _at(changed, path[:-1])[path[-1]]
    return json.dumps(changed).encode()


def _names(path: Path) -> tuple[str, ...]:
    """Return a place without the numbers of lists."""
    return tuple(key for key in path if isinstance(key, str))


def _refusal(data: bytes) -> str:
    """Read what must be refused; give the sentence, which is one for a page and a terminal."""
    with pytest.raises(ExperimentFileError) as told:
        experiment_from_json(data)
    sentence = str(told.value)
    assert sentence.isprintable()
    assert sentence.endswith(".")
    assert len(sentence) <= MAX_SENTENCE
    return sentence


def _accepts_soundly(data: bytes) -> bool:
    """Read what may be accepted; then it must be a whole experiment that can be saved again."""
    try:
        experiment = experiment_from_json(data)
    except ExperimentFileError as error:
        assert str(error).isprintable()
        assert len(str(error)) <= MAX_SENTENCE
        return False
    assert experiment_from_json(experiment_to_json(experiment)) == experiment
    assert len(trials_table(experiment)) == len(experiment.trials)
    assert len(summary_table(Outcome.of(experiment).reports)) == len(experiment.workers)
    return True


def test_experiment_without_anything_is_read_back(made: MadeExperiment) -> None:
    """One that was stopped before its first worker was ready is saved and read like any other."""
    bare = made(
        trials=(),
        workers=(None, None),
        answers=({}, {}),
        failures=(),
        photos=(),
        other_load_percent=None,
        measured_s=0.0,
        stopped=True,
    )
    assert experiment_from_json(experiment_to_json(bare)) == bare


def test_made_experiment_is_read_back_equal(made: MadeExperiment) -> None:
    """Every field has its value and type again, letters beyond ASCII among them."""
    saved = experiment_to_json(made())
    read = experiment_from_json(saved)
    assert read == made()
    assert repr(read) == repr(made())
    assert experiment_to_json(read) == saved


def test_file_of_the_first_version_is_read_to_the_last_digit() -> None:
    """What was measured and saved when there was one engine is all there, and names that."""
    data = SAVED_BEFORE.read_bytes()
    before, after = json.loads(data), _tree(experiment_from_json(data))
    for variant in after["plan"]["variants"]:
        assert variant["options"].pop("engine") == "opencv"
        for name, value in ONE_LOOK.items():
            assert variant["settings"].pop(name) == value
    for worker in after["workers"]:
        assert worker["engine"].pop("name") == ""
    assert len(before["trials"]["rows"]) == 12
    # At that time there was one set of networks.
    for variant in after["plan"]["variants"]:
        assert variant["options"].pop("model_set") == "article"
    assert after == before


def test_names_with_any_letters_are_read_back(made: MadeExperiment) -> None:
    """Photos are called whatever people call them."""
    tree = _tree(made(answers=({}, {}), trials=()))
    for number, name in enumerate(("é 東京 🙂", '"quoted\\"\n')):
        tree["photos"][number]["name"] = name
    read = experiment_from_json(json.dumps(tree).encode())
    assert [photo.name for photo in read.photos] == ["é 東京 🙂", '"quoted\\"\n']


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" ",
        b"null",
        b"[]",
        b"{}",
        b"1",
        b'"facecore experiment"',
        b"{",
        b"\xff\xfe\x00",
        b"\x89PNG\r\n\x1a\n",
        b"PK\x03\x04",
        b"variant,photo\n1,2\n",
        b'{"format": "something else", "version": 1}',
        b'{"format": ["facecore experiment"], "version": 1}',
        b"[" * 100_000,
        b'{"format":' * 100_000,
        b'{"a": ' + b"9" * 5_000 + b"}",
    ],
    ids=lambda data: repr(data[:24]),
)
def test_other_files_are_no_experiments(data: bytes) -> None:
    """The sentence says that it is none, and where they come from."""
    sentence = _refusal(data)
    assert sentence.startswith("The file is no saved experiment")
    assert "python -m facecore compare" in sentence


def test_huge_file_is_refused_unread() -> None:
    """A file beyond the limit is not even parsed."""
    assert "more than 50 MB" in _refusal(b" " * (MAX_FILE_BYTES + 1))


@pytest.mark.parametrize(
    "version", [0, 2, -1, 1.5, "1", None, [1], {}, True, "x" * 100_000, "\x1b[2J", "a\nb"]
)
def test_other_versions_are_refused(made: MadeExperiment, version: Any) -> None:
    """The sentence says which form it is and which one is read, however odd."""
    sentence = _refusal(_with(_tree(made()), ("version",), version))
    assert "this program reads form 1" in sentence


def test_missing_version_is_refused(made: MadeExperiment) -> None:
    """A file that does not say its form is of another one."""
    assert "form" in _refusal(_without(_tree(made()), ("version",)))


def test_every_missing_key_is_noticed(made: MadeExperiment) -> None:
    """Whatever is taken out of the file, it is refused; only what was asked for has defaults."""
    tree = _tree(made())
    keys = [path for path in _places(tree) if isinstance(path[-1], str)]
    assert len(keys) > 80
    for path in keys:
        # So that settings can be added.
        is_optional = path[0] == "plan" and path[-1] not in ("plan", "variants", "name")
        is_newer = path[-2:] == ("engine", "name")
        is_free = _names(path)[-2:-1] in (("packages",), ("model_sha256",), ("answers",))
        if is_optional or is_free or is_newer:
            assert _accepts_soundly(_without(tree, path)), path
        else:
            assert _refusal(_without(tree, path)), path


def test_every_missing_number_of_a_row_or_box_is_noticed(made: MadeExperiment) -> None:
    """Lists of a fixed length are checked for it."""
    tree = _tree(made())
    fixed = [
        path
        for path in _paths(tree)
        if isinstance(path[-1], int)
        and (
            path[-2] in {"box", "gender", "age_group", "size_wh", "columns"} or "rows" in path[:-2]
        )
    ]
    assert len(fixed) > 30
    for path in fixed:
        _refusal(_without(tree, path))


def _leaves(tree: dict[str, Any], kind: type) -> list[Path]:
    found = [path for path in _places(tree) if type(_at(tree, path)) is kind]
    assert found
    return found


@pytest.mark.parametrize(
    "bad",
    ["1", "", "NaN", None, True, [], {}, [1], NAN, INFINITY, -INFINITY],
    ids=repr,
)
@pytest.mark.parametrize("kind", [int, float])
def test_numbers_must_be_numbers(made: MadeExperiment, kind: type, bad: Any) -> None:
    """Wherever a number belongs, text, truth values, lists, null, NaN and infinity are refused."""
    tree = _tree(made())
    accepted = []
    for path in _leaves(tree, kind):
        if bad is None and _names(path) in _NULLABLE:
            continue
        try:
            _refusal(_with(tree, path, bad))
        except pytest.fail.Exception:
            accepted.append(path)
    assert accepted == []


@pytest.mark.parametrize("bad", ["no", "", 0, 1, None, [], {}], ids=repr)
def test_truth_values_must_be_truth_values(made: MadeExperiment, bad: Any) -> None:
    """Wherever true or false belongs, nothing else is taken for it: "no" is not true."""
    tree = _tree(made())
    accepted = []
    for path in _leaves(tree, bool):
        try:
            _refusal(_with(tree, path, bad))
        except pytest.fail.Exception:
            accepted.append(path)
    assert accepted == []


@pytest.mark.parametrize("bad", [0, 1.5, None, True, [], {}, ["a"], NAN], ids=repr)
def test_text_must_be_text(made: MadeExperiment, bad: Any) -> None:
    """Wherever text belongs, nothing else is turned into it."""
    tree = _tree(made())
    accepted = []
    for path in _leaves(tree, str):
        if bad is None and _names(path) in _NULLABLE:
            continue
        try:
            _refusal(_with(tree, path, bad))
        except pytest.fail.Exception:
            accepted.append(path)
    assert accepted == []


@pytest.mark.parametrize("bad", [None, 0, 1, True, "", "ab", 1.5], ids=repr)
def test_lists_and_objects_must_be_such(made: MadeExperiment, bad: Any) -> None:
    """Wherever a list or an object belongs, nothing else is taken for it, not even an empty one."""
    tree = _tree(made())
    accepted = []
    for path in (*_leaves(tree, list), *_leaves(tree, dict)):
        if bad is None and _names(path) in _NULLABLE:
            continue
        try:
            _refusal(_with(tree, path, bad))
        except pytest.fail.Exception:
            accepted.append(path)
    assert accepted == []


@pytest.mark.parametrize(
    "bad",
    [-1, 0, 10**400, 1e300, "\ud800", "\x1b[2J\n", "x" * 100_000, [[]], {"a": {}}],
    ids=lambda bad: repr(bad)[:12],
)
def test_any_value_in_any_place_is_refused_or_sound(made: MadeExperiment, bad: Any) -> None:
    """No value, wherever it stands, gives anything but a sentence or a whole experiment."""
    tree = _tree(made())
    results = [_accepts_soundly(_with(tree, path, bad)) for path in _places(tree)]
    assert not all(results)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("trials", "rows", 0, 0), 2),
        (("trials", "rows", 0, 0), -1),
        (("trials", "rows", 0, 1), "c.jpg"),
        (("trials", "rows", 0, 2), 1),
        (("trials", "rows", 0, 2), 3),
        (("answers", 0, "a.jpg"), [msgspec.to_builtins(PlainFace.of(made_face()))] * 201),
        (("failures", 0, "variant"), 2),
        (("failures", 0, "variant"), -1),
        (("failures", 0, "photo"), "c.jpg"),
        (("answers", 0, "c.jpg"), []),
        (("photos", 0, "name"), "b.jpg"),
        (("plan", "variants", 0, "name"), "schnell é"),
        (("workers",), [None]),
        (("answers",), [{}, {}, {}]),
        (("started_at",), "2026-02-03T04:05:06"),
        (("started_at",), "yesterday"),
        (("plan", "variants", 0, "settings", "confidence"), 1.5),
        (("plan", "variants", 0, "settings", "colour"), 1.5),
        (("plan", "variants", 1, "process", "cpu_features_off"), ["AVX2,AVX"]),
        (("plan", "variants", 1, "options", "fusion"), "no"),
        (("plan", "variants", 1, "options", "winograd"), 0),
        (("plan", "variants", 1, "options", "optimised"), None),
        (("plan", "variants", 1, "options", "colour"), True),
        (("plan", "variants", 1, "options", "engine"), "none such"),
        (("plan", "variants", 1, "process", "colour"), 1),
        (("plan", "repeats"), 0),
        (("measured_s",), -1),
        (("other_load_percent",), -1),
        (("photos", 0, "size_wh"), [0, 480]),
        (("photos", 0, "size_wh"), [640, 480, 3]),
        (("photos", 0, "file_bytes"), -1),
        (("environment", "cores"), -1),
        (("environment", "memory_bytes"), 10**400),
        (("photos", 0, "size_wh"), [640, 10**400]),
        (("workers", 0, "cores"), -1),
        (("workers", 0, "load_time_ms"), "420"),
        (("workers", 0, "engine", "threads"), "2"),
        (("workers", 0, "engine", "cpu_features"), "AVX2"),
        (("workers", 0, "engine", "cpu_features"), [1]),
        (("answers", 0, "a.jpg", 0, "box"), [60, 20, 10, 90]),
        (("answers", 0, "a.jpg", 0, "box"), [10.5, 20, 60, 90]),
        (("answers", 0, "a.jpg", 0, "confidence"), 1.5),
        (("answers", 0, "a.jpg", 0, "gender"), "01"),
        (("answers", 0, "a.jpg", 0, "gender"), [0.5, 0.25, 0.25]),
        (("answers", 0, "a.jpg", 0, "age_group"), [0.125] * 7),
        (("trials", "columns"), []),
        (("trials", "columns", 0), "photo"),
        (("trials", "rows", 0), {}),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_does_not_hold_together(made: MadeExperiment, path: Path, value: Any) -> None:
    """Values that no experiment can have are refused, each in a sentence."""
    _refusal(_with(_tree(made()), path, value))


def test_numbers_beyond_all_floats_are_refused(made: MadeExperiment) -> None:
    """JSON has no infinity, but a number can be written that becomes one."""
    text = experiment_to_json(made()).replace(b'"measured_s": 3.5', b'"measured_s": 1e999')
    assert b"1e999" in text
    _refusal(text)


def test_a_setting_s_sentence_is_passed_on(made: MadeExperiment) -> None:
    """Where only a setting is wrong, the sentence says which and how."""
    path = ("plan", "variants", 0, "settings", "confidence")
    sentence = _refusal(_with(_tree(made()), path, 2))
    assert 'The setting "confidence" must be a number from 0 to 1, not 2.' in sentence


@pytest.mark.parametrize(
    "path",
    [
        ("version",),
        ("plan", "variants", 0, "settings", "confidence"),
        ("photos", 0, "name"),
        ("trials", "rows", 0, 3),
    ],
    ids=str,
)
def test_deep_nesting_is_refused(made: MadeExperiment, path: Path) -> None:
    """Lists in lists, just as deep as the reader can go and deeper, are damage like any other."""
    text = _with(_tree(made()), path, "HERE")
    for depth in (*range(700, 990, 29), *range(990, 1010, 3)):
        _refusal(text.replace(b'"HERE"', b"[" * depth + b"]" * depth))


def test_every_cut_is_noticed(made: MadeExperiment) -> None:
    """A file that lost its end is refused, wherever it was cut."""
    data = experiment_to_json(made())
    for length in range(0, len(data), 53):
        _refusal(data[:length])


def test_random_damage_is_refused_or_sound(made: MadeExperiment) -> None:
    """Bytes changed, lost or doubled anywhere: a sentence, or an experiment that is whole."""
    chance = random.Random(20150607)
    data = experiment_to_json(made())
    accepted = 0
    for _ in range(200):
        damaged = bytearray(data)
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(len(damaged))
            what = chance.randrange(4)
            if what == 0:
                damaged[place] = chance.randrange(256)
            elif what == 1:
                damaged[place] = ord(chance.choice('0123456789-+.eE"[]{},:ntf '))
            elif what == 2:
                del damaged[place : place + chance.randint(1, 20)]
            else:
                damaged[place:place] = damaged[place : place + chance.randint(1, 20)]
        accepted += _accepts_soundly(bytes(damaged))
    assert 0 < accepted < 200


def test_refusals_are_facecore_s_errors() -> None:
    """Whoever catches the tree of errors catches these."""
    assert issubclass(ExperimentFileError, FacecoreError)
    assert storage.VERSION == 1


def test_what_is_stored_for_later_names_no_photo(made: MadeExperiment) -> None:
    """Photos are numbered, their hashes gone, and what was measured comes to the same."""
    experiment = made()
    first = experiment.photos[0]
    failure = Failure(variant=None, photo=first.name, message=f"{first.name} is damaged.")
    stored = without_names(replace(experiment, failures=(failure,)))
    text = experiment_to_json(stored).decode()
    assert experiment_from_json(text.encode()) == stored
    for photo in experiment.photos:
        assert photo.name not in text
        assert photo.sha256 not in text
    before, after = (summary_table(Outcome.of(one).reports) for one in (experiment, stored))
    assert before.equals(after)
