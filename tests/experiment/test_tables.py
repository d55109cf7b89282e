"""Tables of an experiment, for a page, a terminal and CSV files."""

from __future__ import annotations

from dataclasses import replace

import pytest

from facecore.experiment.record import Plan
from facecore.experiment.report import report
from facecore.experiment.tables import (
    agreement_table,
    differences_table,
    effective_table,
    events_table,
    stages_table,
    summary_table,
    trials_table,
)
from facecore.experiment.variants import Variant
from facecore.export import csv_bytes
from facecore.settings import AnalysisSettings, RuntimeOptions
from tests.experiment.conftest import MadeExperiment, two_variants


def test_tables_of_nothing(made: MadeExperiment) -> None:
    """Without trials, answers and workers each table is there, and CSV can be made of it."""
    nothing = made(trials=(), answers=({}, {}), workers=(None, None), photos=(), failures=())
    reports = report(nothing)
    assert list(summary_table(reports)["variant"]) == ["basis", "schnell é"]
    assert summary_table(reports)["typical_ms"].isna().all()
    assert len(stages_table(reports)) == 0
    assert len(trials_table(nothing)) == 0
    assert len(events_table(reports)) == 0
    assert len(effective_table(reports)) > 0
    for table in (
        summary_table(reports),
        stages_table(reports),
        agreement_table(reports),
        events_table(reports),
        effective_table(reports),
        trials_table(nothing),
    ):
        assert csv_bytes(table)


def test_summary_has_a_row_per_variant(made: MadeExperiment) -> None:
    """The baseline has no ratio; memory and load times are those of each worker."""
    table = summary_table(report(made()))
    first, second = table.to_dict("records")
    assert (first["variant"], first["verdict"], first["trials"]) == ("basis", "baseline", 6)
    assert table["ratio"].isna()[0]
    assert second["trials"] == 6
    assert second["peak_memory_mb"] == pytest.approx(310.000001)
    assert (second["model_load_ms"], second["start_up_ms"]) == (420.5, 600.25)
    assert first["cpu_s_per_photo"] == pytest.approx((40 + 41 + 42) / 3 / 500)


def test_summary_of_a_dead_variant_has_no_numbers(made: MadeExperiment) -> None:
    """What was not measured is missing, and not zero."""
    whole = made()
    dead = replace(
        whole,
        trials=tuple(trial for trial in whole.trials if trial.variant == 0),
        workers=(whole.workers[0], None),
    )
    table = summary_table(report(dead))
    missing = ["typical_ms", "median_ms", "peak_memory_mb", "cpu_s_per_photo"]
    assert table.loc[1, [*missing, "model_load_ms", "start_up_ms"]].isna().all()
    assert table.loc[0, missing].notna().all()
    assert table["trials"].tolist() == [6, 0]


def test_stages_are_by_variant_in_their_order(made: MadeExperiment) -> None:
    """One row for each variant and stage that took any time."""
    table = stages_table(report(made()))
    assert table[["variant", "stage"]].to_numpy().tolist() == [
        ["basis", "decode"],
        ["basis", "detect"],
        ["schnell é", "decode"],
        ["schnell é", "detect"],
    ]
    assert table["verdict"].tolist()[:2] == ["baseline", "baseline"]
    assert table["typical_ms"].tolist()[1] == pytest.approx(25)


def test_only_differing_settings_are_shown(made: MadeExperiment) -> None:
    """A row for each setting in which any two differ, in the order and by the name of a page."""
    table = differences_table(report(made()))
    assert list(table.columns) == ["basis", "schnell é"]
    assert table.to_dict("index") == {
        "threads": {"basis": "auto", "schnell é": "1"},
        "layer fusion": {"basis": "on", "schnell é": "off"},
        "cores": {"basis": "all", "schnell é": "1"},
        "CPU features off": {"basis": "none", "schnell é": "AVX2"},
        "throttle": {"basis": "none", "schnell é": "0.5 ms"},
    }


def test_same_settings_have_no_differences(made: MadeExperiment) -> None:
    """Two variants that are the same have a table without rows."""
    assert len(differences_table(report(made(plan=Plan(variants=two_variants()))))) == 0


def test_a_difference_of_the_third_is_shown_for_all(made: MadeExperiment) -> None:
    """A setting in which only one of three differs has each one's value."""
    whole = made()
    variants = (
        *two_variants(),
        Variant(name="third", settings=AnalysisSettings(max_side_px=None)),
    )
    three = made(
        plan=Plan(variants=variants),
        workers=(*whole.workers, None),
        answers=(*whole.answers, {}),
    )
    assert differences_table(report(three)).to_dict("index") == {
        "longest side for detection": {"once": "800 px", "again": "800 px", "third": "none"}
    }


def test_effective_is_by_variant_and_setting(made: MadeExperiment) -> None:
    """Each setting of each process stands in a row with what was asked and what was effective."""
    variants = (Variant(name="auto"), Variant(name="one", options=RuntimeOptions(threads=1)))
    table = effective_table(report(made(plan=Plan(variants=variants))))
    threads = table[table["setting"] == "threads"]
    assert threads[["variant", "asked for", "effective"]].to_numpy().tolist() == [
        ["auto", "auto", "2"],
        ["one", "1", "1"],
    ]
    assert len(table) == 2 * table["setting"].nunique()


def test_agreement_is_of_all_but_the_baseline(made: MadeExperiment) -> None:
    """The baseline is not compared with itself."""
    assert agreement_table(report(made()))["variant"].tolist() == ["schnell é"]


def test_trials_are_raw_and_in_their_order(made: MadeExperiment) -> None:
    """Every trial is a row under its variant's name, with nothing left out or rounded."""
    experiment = made()
    table = trials_table(experiment)
    assert len(table) == len(experiment.trials)
    for row, trial in zip(table.to_dict("records"), experiment.trials, strict=True):
        assert row["variant"] == experiment.plan.variants[trial.variant].name
        assert (row["photo"], row["repeat"], row["faces"]) == (trial.photo, trial.repeat, 1)
        assert row["started_s"] == trial.started_s
        assert row["total_ms"] == trial.timings.total_ms
        assert row["decode_ms"] == trial.timings.decode_ms
        assert row["annotate_ms"] == 0
        assert row["cpu_percent_of_core"] == pytest.approx(200)
        assert row["peak_rss_mb"] == trial.peak_rss_bytes / 1e6
