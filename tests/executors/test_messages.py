"""Messages between a worker and its parent: there and back without a change."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, fields, replace
from typing import Any

import pytest

from facecore import errors
from facecore.analysis.analyzer import FaceAnalyzer
from facecore.engines import option_values, options_from_values
from facecore.engines.facts import EngineFacts
from facecore.errors import FacecoreError, SettingsError, WorkerError
from facecore.executors.messages import (
    WorkerFacts,
    analysis_from_dict,
    analysis_to_dict,
    decode,
    encode,
    error_message,
    face_from_dict,
    face_to_dict,
    facts_from_dict,
    facts_to_dict,
    process_options_from_dict,
    raise_if_error,
    settings_from_dict,
)
from facecore.results import AgeGroupPrediction, Analysis, Box, Detection, Face, GenderPrediction
from facecore.settings import AnalysisSettings, ProcessOptions, RuntimeOptions

KINDS = [value for value in vars(errors).values() if isinstance(value, type)]
# They never come from within a worker.
OWN_KINDS = {
    errors.ArchiveError,
    errors.BatchError,
    errors.BusyError,
    errors.WorkerDiedError,
    errors.WorkerTimeoutError,
}

SETTINGS = AnalysisSettings(
    confidence=1 / 3,
    max_side_px=None,
    input_shape="square",
    input_size_px=900,
    drop_outside=False,
    rescue=False,
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
    GenderPrediction((1 / 3, 2 / 3)),
    AgeGroupPrediction((1 / 7, 2 / 7, 4 / 7, 0.0, 1e-300, 5e-324, 0.0, 0.0)),
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


def _over_the_wire(message: dict[str, Any]) -> dict[str, Any]:
    return decode(encode(message))


def test_empty_message_goes_there_and_back() -> None:
    """A message without content is one."""
    assert _over_the_wire({}) == {}


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[]", b"5", b'"do"', b"[" * 100_000])
def test_what_is_no_message_is_one_sentence(data: bytes) -> None:
    """Whatever else arrives, one sentence says so."""
    with pytest.raises(
        WorkerError, match=r"^A worker process sent something that is no message\.$"
    ):
        decode(data)


@pytest.mark.parametrize("settings", [AnalysisSettings(), SETTINGS])
def test_settings_go_there_and_back(settings: AnalysisSettings) -> None:
    """All settings arrive as they were, to the last digit."""
    assert settings_from_dict(_over_the_wire(asdict(settings))) == settings


def test_the_other_settings_differ_from_the_defaults_in_everything() -> None:
    """The test above would notice any one setting that got lost."""
    for field in fields(AnalysisSettings):
        assert getattr(SETTINGS, field.name) != getattr(AnalysisSettings(), field.name), field.name


@pytest.mark.parametrize(
    "options",
    [
        RuntimeOptions(),
        RuntimeOptions(
            threads=3, engine_options=(("fusion", False), ("optimised", False), ("winograd", False))
        ),
    ],
)
def test_runtime_options_go_there_and_back(options: RuntimeOptions) -> None:
    """All options of the networks arrive as they were."""
    assert options_from_values(_over_the_wire(option_values(options))) == options


@pytest.mark.parametrize(
    "options",
    [
        ProcessOptions(),
        ProcessOptions(cores=2, cpu_features_off=("AVX2", "FMA3"), min_interval_ms=0.5),
    ],
)
def test_process_options_go_there_and_back(options: ProcessOptions) -> None:
    """All options of a process arrive as they were, the features as a tuple again."""
    assert process_options_from_dict(_over_the_wire(asdict(options))) == options


@pytest.mark.parametrize(
    "build", [settings_from_dict, options_from_values, process_options_from_dict]
)
def test_unknown_setting_is_named(build: Any) -> None:
    """A setting that there is not is told by its name."""
    with pytest.raises(SettingsError, match="There is no setting called nothing"):
        build({"nothing": 1})


@pytest.mark.parametrize(
    ("build", "values"),
    [
        (settings_from_dict, {"confidence": 2}),
        (settings_from_dict, {"confidence": "high"}),
        (settings_from_dict, {"max_side_px": []}),
        (options_from_values, {"threads": 0}),
        (process_options_from_dict, {"cores": "all"}),
        (process_options_from_dict, {"cpu_features_off": [1]}),
        (process_options_from_dict, {"cpu_features_off": "AVX2"}),
    ],
)
def test_value_that_makes_no_sense_is_one_sentence(build: Any, values: dict[str, Any]) -> None:
    """A value outside its range, or of the wrong kind, is refused by our own error."""
    with pytest.raises(SettingsError) as caught:
        build(values)
    assert "\n" not in str(caught.value)


def test_face_goes_there_and_back() -> None:
    """Box and every probability arrive to the last digit."""
    assert face_from_dict(_over_the_wire(face_to_dict(FACE))) == FACE


def test_facts_go_there_and_back() -> None:
    """What a worker says of itself arrives as it was, tuples as tuples."""
    assert facts_from_dict(_over_the_wire(facts_to_dict(FACTS))) == FACTS


def test_analysis_without_faces_goes_there_and_back(
    analyzer: FaceAnalyzer, hopper_file: bytes
) -> None:
    """No face is an answer like any other."""
    analysis = replace(
        analyzer.analyze(hopper_file, AnalysisSettings(confidence=1.0), annotate=False),
        candidates=(),
    )
    assert analysis.faces == ()
    assert analysis_from_dict(_over_the_wire(analysis_to_dict(analysis))) == analysis


def test_analysis_goes_there_and_back(analyzer: FaceAnalyzer, hopper_file: bytes) -> None:
    """Faces, times, costs and settings arrive to the last digit; candidates stay behind."""
    sent = analyzer.analyze(hopper_file, SETTINGS, annotate=False)
    sent = replace(sent, faces=(FACE, *sent.faces), reused=("decode", "resize"))
    got = analysis_from_dict(_over_the_wire(analysis_to_dict(sent)), b"picture")
    assert got == replace(sent, candidates=())
    assert got.resources.started_at.utcoffset() == sent.resources.started_at.utcoffset()
    assert got.preview_jpeg == b"picture"
    assert sent.candidates != ()


def test_every_part_of_an_analysis_is_needed(analyzer: FaceAnalyzer, hopper_file: bytes) -> None:
    """An analysis that lacks a part is refused, whichever it is."""
    whole = _over_the_wire(analysis_to_dict(analyzer.analyze(hopper_file, annotate=False)))
    assert isinstance(analysis_from_dict(whole), Analysis)
    for part in whole:
        with pytest.raises(KeyError, match=part):
            analysis_from_dict({name: value for name, value in whole.items() if name != part})


@pytest.mark.parametrize("kind", KINDS)
def test_kind_of_an_error_comes_through(kind: type[FacecoreError]) -> None:
    """An error is raised again as what it was, with its sentence."""
    with pytest.raises(FacecoreError) as caught:
        raise_if_error(_over_the_wire(error_message(kind("Do this next."))))
    assert type(caught.value) is (FacecoreError if kind in OWN_KINDS else kind)
    assert str(caught.value) == "Do this next."


def test_answer_without_an_error_raises_none() -> None:
    """What is no error is none, nor is an unknown kind a reason to fail otherwise."""
    raise_if_error({})
    with pytest.raises(FacecoreError, match="what"):
        raise_if_error({"error": "what", "kind": "KeyError"})


def test_numbers_that_json_has_not_are_never_sent() -> None:
    """Neither infinity nor not-a-number goes over the wire."""
    for number in (math.inf, math.nan):
        with pytest.raises(ValueError, match="JSON"):
            encode({"number": number})
    assert json.loads(encode({"number": 1.5})) == {"number": 1.5}
