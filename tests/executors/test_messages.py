"""Messages between a worker and its parent: there and back without a change."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import fields, replace
from typing import Any

import msgspec
import pytest

from facecore import errors
from facecore.analysis.analyzer import FaceAnalyzer
from facecore.engines.facts import EngineFacts
from facecore.errors import FacecoreError, SettingsError, WorkerError
from facecore.executors.messages import (
    Analyze,
    Answer,
    Failed,
    Fork,
    Forked,
    Keep,
    Kept,
    Load,
    Loaded,
    Order,
    PlainFace,
    Reap,
    Reaped,
    Said,
    WorkerFacts,
    decode,
    encode,
)
from facecore.results import AgeGroupPrediction, Box, Detection, Face, GenderPrediction
from facecore.settings import AnalysisSettings, RuntimeOptions
from tests.conftest import REPOSITORY

KINDS = [value for value in vars(errors).values() if isinstance(value, type)]

SETTINGS = AnalysisSettings(
    confidence=1 / 3,
    max_side_px=None,
    input_shape="square",
    input_size_px=900,
    drop_outside=False,
    rescue=False,
    closer_look="always",
    orientation="never",
    aligned=True,
    calibrated=False,
    crop_margin_ratio=0.1,
    crop_shape="box",
    crop_source="capped",
    careful=True,
    unsure_below=2 / 3,
    max_faces=7,
    reduced_decode=True,
    batch_faces=False,
)
FACE = Face(
    Detection(Box(0, 1, 2, 3), 0.1 + 0.2),
    {
        "gender": GenderPrediction((1 / 3, 2 / 3)),
        "age_group": AgeGroupPrediction((1 / 7, 2 / 7, 4 / 7, 0.0, 1e-300, 5e-324, 0.0, 0.0)),
    },
)
FACTS = WorkerFacts(
    engine=EngineFacts(
        version="4.14.0",
        threads=2,
        cpus_seen=8,
        optimised=False,
        parallel_framework="pthreads",
        cpu_features=("SSE2", "AVX2"),
        usable_targets=(),
    ),
    cores=3,
    load_time_ms=0.1,
    load_rss_delta_bytes=-5,
    start_up_time_ms=math.pi,
)
ASKED = Analyze(settings=SETTINGS, photo=None, preview_side_px=None, min_interval_ms=0.5)


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[]", b"{}", b"5", b'"do"', b"[" * 100_000])
def test_what_is_no_message_is_one_sentence(data: bytes) -> None:
    """Whatever else arrives, one sentence says so."""
    with pytest.raises(
        WorkerError, match=r"^A worker process sent something that is no message\.$"
    ):
        decode(data, Loaded)


@pytest.mark.parametrize(
    "order",
    [
        Load(RuntimeOptions(), 1),
        Load(
            RuntimeOptions(
                engine="opencv", threads=3, engine_options=(("fusion", False), ("tiles", 3))
            ),
            10**8,
        ),
        Keep("é 東京 🙂"),
        Fork(),
        Reap(7),
        ASKED,
        msgspec.structs.replace(ASKED, settings=AnalysisSettings(), photo="a", preview_side_px=1),
    ],
)
def test_orders_go_there_and_back(order: Order) -> None:
    """All that a parent says arrives as it was, to the last digit."""
    assert decode(encode(order), Order) == order  # type: ignore[arg-type]


def test_the_other_settings_differ_from_the_defaults_in_everything() -> None:
    """The test above would notice any one setting that got lost."""
    for field in fields(AnalysisSettings):
        assert getattr(SETTINGS, field.name) != getattr(AnalysisSettings(), field.name), field.name


def test_setting_outside_its_range_is_told_of_as_such() -> None:
    """A setting that makes no sense is refused by its own error."""
    said = encode(Load(RuntimeOptions(), 1)).replace(b'"threads":null', b'"threads":0')
    with pytest.raises(SettingsError, match='"threads" must be a whole number'):
        decode(said, Load)


@pytest.mark.parametrize("reply", [Loaded(FACTS), Kept(), Forked(7), Forked(None), Reaped(-9)])
def test_replies_go_there_and_back(reply: Any) -> None:
    """What a worker says of itself arrives as it was, tuples as tuples."""
    assert decode(encode(reply), type(reply)) == reply


def test_face_goes_there_and_back() -> None:
    """Box and every probability arrive to the last digit."""
    assert decode(encode(PlainFace.of(FACE)), PlainFace).face() == FACE


def test_analysis_without_faces_goes_there_and_back(
    analyzer: FaceAnalyzer, hopper_file: bytes
) -> None:
    """No face is an answer like any other."""
    analysis = replace(
        analyzer.analyze(hopper_file, AnalysisSettings(confidence=1.0), annotate=False),
        candidates=(),
    )
    assert analysis.faces == ()
    assert decode(encode(Answer.of(analysis)), Answer).analysis() == analysis


def test_analysis_goes_there_and_back(analyzer: FaceAnalyzer, hopper_file: bytes) -> None:
    """Faces, times, costs and settings arrive to the last digit; candidates stay behind."""
    sent = analyzer.analyze(hopper_file, annotate=False)
    sent = replace(sent, settings=SETTINGS, faces=(FACE, *sent.faces), reused=("decode", "resize"))
    got = decode(encode(Answer.of(sent)), Answer).analysis()
    assert got == replace(sent, candidates=())
    assert got.resources.started_at.utcoffset() == sent.resources.started_at.utcoffset()
    assert sent.candidates != ()


def test_every_part_of_an_answer_is_needed(analyzer: FaceAnalyzer, hopper_file: bytes) -> None:
    """An answer that lacks a part is refused, whichever it is."""
    whole = json.loads(encode(Answer.of(analyzer.analyze(hopper_file, annotate=False))))
    assert isinstance(decode(json.dumps(whole).encode(), Answer), Answer)
    for part in whole:
        if not part.startswith("cycle"):
            rest = {name: value for name, value in whole.items() if name != part}
            with pytest.raises(WorkerError, match="no message"):
                decode(json.dumps(rest).encode(), Answer | Kept)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
def test_kind_of_an_error_comes_through(kind: type[FacecoreError]) -> None:
    """An error is what it was again, with its sentence."""
    error = decode(encode(Failed.of(kind("Do this next."))), Failed).exception()
    assert type(error) is kind
    assert str(error) == "Do this next."


def test_unknown_kind_of_error_is_one_all_the_same() -> None:
    """A kind that there is not is no reason to fail otherwise; nor are bytes that are no text."""
    assert str(Failed(Said("what"), "KeyError").exception()) == "what"
    assert decode(encode(Failed.of(WorkerError("a\udce9b"))), Failed).error == Said(r"a\xe9b")


def test_what_nobody_expected_is_logged_where_the_answer_comes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The parent's log, of whatever form, has the traceback of the worker, once."""
    message = encode(Failed.of(ZeroDivisionError("in the worker")))
    caplog.clear()
    assert "the log says more" in str(decode(message, Failed).exception())
    assert caplog.text.count("ZeroDivisionError: in the worker") == 1
    decode(encode(Failed.of(WorkerError("foreseen"))), Failed).exception()
    assert "foreseen" not in caplog.text


def test_numbers_that_json_has_not_never_arrive() -> None:
    """Neither infinity nor not-a-number is taken for a measurement."""
    for number in (math.inf, math.nan):
        with pytest.raises(WorkerError):
            decode(encode(Loaded(replace(FACTS, load_time_ms=number))), Loaded)


@pytest.mark.slow
def test_no_thread_is_the_first_to_read_a_message() -> None:
    """What is read is prepared by the import: msgspec crashes where two threads do that at once."""
    script = (
        "from facecore.executors import messages\n"
        "from facecore.experiment import record, storage\n"
        "from facecore.results import Analysis\n"
        "kinds = (Analysis, messages.WorkerFacts, record.Environment, record.Plan)\n"
        "print([hasattr(kind, '__msgspec_cache__') for kind in kinds])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[True, True, True, True]\n"
