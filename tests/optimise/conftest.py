"""A result of a search made by hand, so that its figures are known."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from facecore.experiment.record import PhotoFacts
from facecore.optimise.record import (
    Confirmation,
    Constraints,
    Figure,
    Importance,
    Point,
    Result,
    Violation,
    profile_values,
)
from facecore.profiles.configuration import configuration
from tests.experiment.conftest import made_environment


def made_point(number: int, speed: float = 1.0, **changes: Any) -> Point:
    """Make a point that takes 100 ms over ``speed``."""
    values: dict[str, Any] = {
        "number": number,
        "name": f"candidate {number}" if number else "baseline",
        "profile": profile_values(configuration(flags={"engine": "opencv"}, environment={})),
        "changes": "",
        "engine": "opencv",
        "engine_version": "4.14.0",
        "model_set": "article",
        "threads": None,
        "replicas": 1,
        "latency_p50_ms": Figure(100 / speed, (95 / speed, 105 / speed), 40),
        "latency_p95_ms": Figure(120 / speed, None, 40),
        "speed": Figure(speed, (0.9 * speed, 1.1 * speed), 40),
        "photos_per_s": Figure(10 * speed, (9.5 * speed, 10.5 * speed), 40),
        "peak_memory_mb": 400.0,
        "agreement_percent": Figure(100.0, (92.0, 100.0), 44),
        "accuracy_percent": Figure(),
        "rounds": 40,
        "violations": (),
        "fate": "kept" if number else "baseline",
        "why": "",
        "is_on_front": False,
    }
    return Point(**values | changes)


def made_result(**changes: Any) -> Result:
    """Make a result of four points: the third is recommended, the last violates a constraint."""
    one_thread = configuration(flags={"engine": "onnxruntime", "threads": 1}, environment={})
    violation = Violation(
        constraint="agreement",
        limit=99.0,
        measured=88.5,
        excess=10.5,
        is_certain=True,
        words="agreement 88.5 %, at least 99 % is wanted",
    )
    points = (
        made_point(0),
        made_point(1, 0.5, fate="dropped", why="Clearly slower than candidate 2.", rounds=8),
        made_point(
            2,
            2.3,
            profile=profile_values(one_thread),
            changes="engine onnxruntime (not opencv), threads 1 (not auto)",
            engine="onnxruntime",
            engine_version="1.32.0",
            threads=1,
            peak_memory_mb=250.0,
            is_on_front=True,
        ),
        made_point(
            3,
            4.0,
            violations=(violation,),
            fate="dropped",
            why="Agreement is too low.",
            agreement_percent=Figure(88.5, (75.9, 95.0), 44),
        ),
    )
    confirmation = Confirmation(
        number=2,
        search=Figure(2.3, (2.1, 2.5), 40),
        fresh=Figure(2.25, (2.12, 2.38), 120),
        baseline_p50_ms=Figure(101.0, (99.0, 103.0), 120),
        p50_ms=Figure(45.0, (44.0, 46.0), 120),
        p95_ms=Figure(52.0, (50.0, 58.0), 120),
        memory_saved_mb=150.0,
        agreement_percent=Figure(100.0, (92.0, 100.0), 44),
        faces=44,
        accuracy_percent=Figure(),
        rounds=120,
        is_better=True,
        violations=(),
    )
    values: dict[str, Any] = {
        "objective": "latency",
        "constraints": Constraints(min_agreement_percent=99.0),
        "vary": ("engine", "threads"),
        "left_out": ("mnn is not installed.",),
        "seed": 1,
        "budget_s": 300.0,
        "spent_s": 297.5,
        "started_at": datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC),
        "environment": made_environment(),
        "photos": (PhotoFacts(name="a.jpg", sha256="ab" * 32, file_bytes=9, size_wh=(640, 480)),),
        "faces": 44,
        "labels": 0,
        "points": points,
        "recommended": 2,
        "sentence": "Take candidate 2: 2.25× faster than your baseline (2.12× to 2.38×), the same "
        "answers for 100 % of 44 faces, 150 MB less memory.",
        "confirmations": (confirmation,),
        "importance": (Importance("engine", "engine", 0.8), Importance("threads", "threads", 0.1)),
        "warnings": (),
        "command": "facecore optimise photos --objective latency --seconds 300 --seed 1",
        "stopped": False,
    }
    return Result(**values | changes)


@pytest.fixture
def result() -> Result:
    """The result that `made_result` makes."""
    return made_result()
