"""The rows of the article's table of engines, one an engine, and what the article says of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, files, packages_distributions
from pathlib import Path
from typing import Any

import pandas as pd

from facecore.engines.base import Engine
from facecore.wording import Text

BUSY_PERCENT = 10
"""What others may use of the machine meanwhile before it is told."""

ADVISED = ("ONNX Runtime", "OpenVINO")
"""What the article advises where speed matters."""


@dataclass(kw_only=True)
class EngineRow:
    """What was measured of one engine; None where it could not be.

    Attributes:
        name: of the engine.
        title: what a page calls it.
        version: installed, or "".
        installed: whether it can be used here.
        install: the command that installs it, or "".
        problem: why it could not be measured, or "".
        import_ms: to import it in a fresh process, numpy included, which all need; median.
        load_ms: to load three networks after that, converted files at hand.
        first_ms: for its first answer after that.
        face_ms: gender and age of one face, one thread; median.
        face_ms_of_8: the same a face, eight at once.
        detector_ms: a detector pass of 300×300, one thread; median.
        face_ms_all, face_ms_of_8_all, detector_ms_all: the same with all threads.
        intervals: the 95 % interval of each of these six medians, by its name.
        cpu_s: CPU time of the medians of one face and one detector pass, one thread.
        rss_mb: by how much its process grew, from this program and OpenCV's library on.
        wheel_mb: of what is installed, on disk.
        model_mb: of the networks' files.
        caffe: "native" or "converted".
        agreement: share of labels that are the reference's, 0 to 1.
        max_difference: of a probability from the reference's.
        box_difference_px: of a box's edge from the reference's.
        article_stars: for speed, in the article; None where it does not name it.
        article_holds: whether the engines that it says are slower are so; None likewise.
    """

    name: str
    title: str
    version: str = ""
    installed: bool = False
    install: str = ""
    problem: str = ""
    import_ms: float | None = None
    load_ms: float | None = None
    first_ms: float | None = None
    face_ms: float | None = None
    face_ms_of_8: float | None = None
    detector_ms: float | None = None
    face_ms_all: float | None = None
    face_ms_of_8_all: float | None = None
    detector_ms_all: float | None = None
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    cpu_s: float | None = None
    rss_mb: float | None = None
    wheel_mb: float | None = None
    model_mb: float | None = None
    caffe: str = "converted"
    agreement: float | None = None
    max_difference: float | None = None
    box_difference_px: float | None = None
    article_stars: int | None = None
    article_holds: bool | None = None


def row_of(engine: Engine) -> EngineRow:
    """Return an engine's row before anything of it is measured."""
    return EngineRow(
        name=engine.name,
        title=engine.title,
        installed=engine.available(),
        install=getattr(engine, "install", ""),
        wheel_mb=_installed_mb(getattr(engine, "package", "cv2")) if engine.available() else None,
        caffe="native" if getattr(engine, "reads_caffe", False) else "converted",
        article_stars=getattr(engine, "article_stars", None),
    )


def _installed_mb(package: str) -> float | None:
    for name in packages_distributions().get(package, []):
        try:
            paths = [Path(str(path.locate())) for path in files(name) or []]
        except PackageNotFoundError:
            continue
        return sum(path.stat().st_size for path in paths if path.is_file()) / 1e6
    return None


def judge(rows: list[EngineRow]) -> None:
    """Mark what the article says of an engine's speed, where the measured order is another."""
    rated = [row for row in rows if row.article_stars is not None and row.face_ms is not None]
    for row in rated:
        stars, ms = row.article_stars or 0, row.face_ms or 0.0
        row.article_holds = all(
            (stars - (other.article_stars or 0)) * (ms - (other.face_ms or 0.0)) <= 0
            for other in rated
        )


def advice_in_words(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return what the article advises beside what was the fastest here; "" without a figure."""
    measured = [row for row in rows if row["face_ms"] is not None]
    if not measured:
        return ""
    best = min(measured, key=lambda row: row["face_ms"])["title"]
    named = dict(zip(("first", "second"), ADVISED, strict=True), best=best)
    if best in ADVISED:
        return Text(
            "Where speed matters the article advises {first} or {second}, which holds here: {best} "
            "was the fastest for one face.",
            **named,
        )
    return Text(
        "Where speed matters the article advises {first} or {second}, which does not hold here: "
        "{best} was the fastest for one face.",
        **named,
    )


def warnings(measured: Mapping[str, Any]) -> list[Text]:
    """Return what should be known before a measurement is believed, each in a sentence."""
    machine, found = measured["machine"], []
    others = machine["other_load_percent"]
    if others is not None and others > BUSY_PERCENT:
        found.append(
            Text(
                "Others used {others:.0f} % of this machine meanwhile: measure again "
                "when it is idle.",
                others=others,
            )
        )
    if machine["engines_at_once"] < sum(row["installed"] for row in measured["engines"]):
        found.append(
            Text(
                "The memory holds {n} of the engines at a time, so that what "
                "drifts on the machine does not hit all alike.",
                n=machine["engines_at_once"],
            )
        )
    return found


def engines_table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return a row an engine with every figure; intervals have columns of their own."""
    lines = []
    for row in rows:
        line = {name: value for name, value in row.items() if name != "intervals"}
        for name, (low, high) in row["intervals"].items():
            line |= {f"{name}_low": low, f"{name}_high": high}
        lines.append(line)
    return pd.DataFrame(lines)
