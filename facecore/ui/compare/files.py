"""Experiments as files: save one, load others, and see them together."""

from __future__ import annotations

import streamlit as st

from facecore.errors import friendly_message
from facecore.experiment import tables
from facecore.experiment.report import Outcome
from facecore.experiment.storage import MAX_FILE_BYTES, experiment_from_json, experiment_to_json
from facecore.experiment.variants import variant_configuration
from facecore.export import csv_bytes
from facecore.profiles.configuration import Configuration
from facecore.serving.service import process_service
from facecore.settings import ProcessOptions
from facecore.ui import state
from facecore.ui.compare import state as compare_state
from facecore.ui.compare.results import all_variants_table
from facecore.ui.profile.take_along import profile_button, take_over
from facecore.ui.uploader import uploader
from facecore.wording import _


def chosen_experiment() -> Outcome | None:
    """Draw the heading, the upload and the choice among several; return the one to show."""
    st.header(_("What was measured"))
    uploader(
        _("Load saved experiments (JSON), also from other machines"),
        "experiment_files",
        on_change=_load,
    )
    known = compare_state.experiments()
    newest = compare_state.show_next.take()
    if not known:
        st.caption(_("Nothing yet."))
        return None
    if newest in known:
        state.set_widget_values({"shown_experiment": newest})
    title = st.selectbox(_("Experiment"), list(known)[::-1], key="shown_experiment")
    return known.get(title)


def downloads(outcome: Outcome) -> None:
    """Offer the whole experiment as JSON, and its tables as CSV."""
    stem = f"experiment-{outcome.experiment.started_at:%Y%m%d-%H%M%S}"
    row = st.container(horizontal=True)
    row.download_button(
        _("Save the experiment (JSON)"),
        lambda: experiment_to_json(outcome.experiment),
        f"{stem}.json",
        "application/json",
        on_click="ignore",
        icon=":material/save:",
        help=_(
            "Settings, machine, OpenCV build, hashes of the networks and all samples; no photos."
        ),
    )
    for label, name, table_csv in (
        (_("Summary CSV"), "summary", lambda: csv_bytes(tables.summary_table(outcome.reports))),
        (_("Trials CSV"), "trials", lambda: csv_bytes(tables.trials_table(outcome.experiment))),
    ):
        row.download_button(
            label,
            table_csv,
            f"{stem}.{name}.csv",
            "text/csv",
            on_click="ignore",
            icon=":material/table:",
        )


def take_a_variant(outcome: Outcome) -> None:
    """Offer a variant's settings to the sidebar, and as a profile."""
    by_name = {variant.name: variant for variant in outcome.experiment.plan.variants}
    row = st.container(horizontal=True, vertical_alignment="bottom")
    name = row.selectbox(_("Take a variant along"), list(by_name), key="taken_variant")
    variant = by_name[name]
    given = variant_configuration(variant, process_service().begins)
    row.button(
        _("Use this variant"),
        icon=":material/tune:",
        on_click=_use,
        args=(given, variant.process),
        help=_("It fills the sidebar, for all pages."),
    )
    with row:
        profile_button(given, key="variant_profile")


def _use(given: Configuration, process: ProcessOptions) -> None:
    take_over(given, given.name)
    if process != ProcessOptions():
        state.settings_notes().append(
            _(
                "{name}: its cores, CPU features and throttle are those of a worker "
                "process, and are left out.",
                name=given.name,
            )
        )


def all_experiments() -> None:
    """Show the variants of all experiments in one table, where there are several."""
    known = compare_state.experiments()
    if len(known) < 2:
        return
    st.header(_("All experiments together"))
    table = all_variants_table(known)
    columns = ["experiment", "processor", "variant", "typical_ms", "verdict", "answers"]
    shown = table[columns].round({"typical_ms": 1})
    # A table's cells are plain strings: what can be said is in the reports themselves.
    reports = [one for outcome in known.values() for one in outcome.reports]
    shown["verdict"] = [_(one.verdict) for one in reports]
    shown["answers"] = [_(one.agreement.words if one.agreement else "baseline") for one in reports]
    st.dataframe(shown.rename(columns=_), hide_index=True)


def _load() -> None:
    for file in state.widget_value("experiment_files") or []:
        if file.file_id in compare_state.loaded_files():
            continue
        compare_state.loaded_files().add(file.file_id)
        try:
            if file.size > MAX_FILE_BYTES:
                state.messages().append(
                    _("{name}: the file is too large for an experiment.", name=file.name)
                )
                continue
            experiment = experiment_from_json(file.getvalue())
            compare_state.keep_experiment(file.name, Outcome.of(experiment))
        except Exception as error:  # noqa: BLE001 - one file must not stop the others
            state.messages().append(
                _("{name}: {problem}", name=file.name, problem=_(friendly_message(error)))
            )
