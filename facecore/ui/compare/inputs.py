"""What is to be compared: ready-made comparisons, variants of one's own, photos, how long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from facecore.evaluation.labels import PersonLabel, decode_table, read_labels
from facecore.experiment.claims import Claim, claims
from facecore.experiment.record import MAX_REPEATS, Plan
from facecore.experiment.variants import (
    MAX_VARIANTS,
    MIN_VARIANTS,
    Variant,
    differences_in_words,
)
from facecore.profiles.profile import MAX_NAME_LETTERS
from facecore.sources.names import unique_name
from facecore.ui import state
from facecore.ui.compare import state as compare_state
from facecore.ui.compare.form import variant_form
from facecore.ui.components import as_text, grid
from facecore.wording import _, counted

_OWN = "own"
_MOST_BUDGET_S = 600
_MOST_PROBLEMS = 5
MAX_TABLE_BYTES = 5_000_000


def chosen_variants() -> tuple[Variant, ...]:
    """Draw the choice of variants, with only their differences, and return them."""
    if not compare_state.variants():
        _use_claim(_claims()["optimised"])
    # Whoever changed the variants did not set the widget, and need not know it.
    state.set_widget_values({"comparison": compare_state.chosen_claim() or _OWN})
    st.selectbox(
        _("Comparison"),
        [*_claims(), _OWN],
        format_func=lambda key: _("My own variants") if key == _OWN else _(_claims()[key].title),
        key="comparison",
        on_change=_take_comparison,
        help=_("Ready-made ones to start from; change, add and remove variants as you like."),
    )
    claim = _claims().get(compare_state.chosen_claim())
    if claim is not None and claim.section:
        with st.popover(_("What was measured of it"), icon=":material/fact_check:"):
            st.markdown(_("The article says that {says}.", says=as_text(_(claim.says))))
            st.markdown(claim.measured_before())
            st.caption(_("From {page}, which has every claim.", page=claim.link))
    variants = compare_state.variants()
    for place, column in enumerate(grid(len(variants))):
        with column.container(border=True):
            _variant_card(variants, place)
    _add_buttons(variants)
    return variants


def chosen_plan(variants: Sequence[Variant]) -> Plan:
    """Draw the choice of how long to measure, and return the plan."""
    left, middle, right = st.columns([2, 1, 1], vertical_alignment="bottom")
    kind = left.segmented_control(
        _("How long"),
        ("repeats", "seconds"),
        default="repeats",
        required=True,
        key="compare_how_long",
        persist_state="session",
        help=_("Starting the variants and warming up come on top."),
        format_func=lambda kind: _("So many repeats") if kind == "repeats" else _("A time budget"),
    )
    budget_s = None
    repeats = MAX_REPEATS
    if kind == "repeats":
        repeats = int(
            middle.number_input(
                _("Repeats"),
                1,
                MAX_REPEATS,
                20,
                key="compare_repeats",
                persist_state="session",
                help=_("How often each variant reads each photo."),
            )
        )
    else:
        budget_s = float(
            middle.number_input(
                _("Seconds"), 5, _MOST_BUDGET_S, 30, key="compare_seconds", persist_state="session"
            )
        )
    seed = _seed(right)
    return Plan(variants=tuple(variants), repeats=repeats, budget_s=budget_s, seed=seed)


def _seed(column: DeltaGenerator) -> int:
    return int(
        column.number_input(
            _("Seed"),
            0,
            2**31 - 1,
            1,
            key="compare_seed",
            persist_state="session",
            help=_("Of the random order of the trials: the same seed gives the same order."),
        )
    )


def known_labels() -> dict[str, PersonLabel]:
    """Draw the upload of labels, and return what is known of photos, by the file's name."""
    st.file_uploader(
        _("Labels of the photos as CSV, if you have them: file, gender, age or age_range"),
        type="csv",
        key="compare_labels",
        on_change=_take_labels,
        help=_(
            "Then each variant also tells how many of its answers are right. The "
            "person of a label is the face nearest to the middle of the photo."
        ),
    )
    labels = compare_state.labels()
    if labels and not state.widget_value("compare_labels"):
        # The uploader forgets its file when another page is opened; the labels still count.
        row = st.container(horizontal=True, vertical_alignment="center")
        row.caption(_("In use: {labels} uploaded before.", labels=counted(len(labels), "label")))
        row.button(_("Remove them"), on_click=partial(compare_state.labels.keep, {}))
    return labels


def _take_labels() -> None:
    compare_state.labels.keep({})
    file = state.widget_value("compare_labels")
    if file is None:
        return
    if file.size > MAX_TABLE_BYTES:
        state.messages().append(_("{name} is larger than 5 MB, so it is left out.", name=file.name))
        return
    labels, problems = read_labels(decode_table(file.getvalue()))
    compare_state.labels.keep(labels)
    state.messages().extend(problems[:_MOST_PROBLEMS])
    if len(problems) > _MOST_PROBLEMS:
        state.messages().append(
            _(
                "And {n} more row like these.",
                "And {n} more rows like these.",
                n=len(problems) - _MOST_PROBLEMS,
            )
        )


@st.cache_data(show_spinner=False)
def _claims() -> dict[str, Claim]:
    return {claim.key: claim for claim in claims()}


def _use_claim(claim: Claim) -> None:
    named = [replace(variant, name=_(variant.name)) for variant in claim.variants]
    compare_state.keep_variants(named, claim.key)


def _take_comparison() -> None:
    key = state.widget_value("comparison")
    if key == _OWN:
        compare_state.keep_variants(compare_state.variants())
    else:
        _use_claim(_claims()[key])


def _variant_card(variants: Sequence[Variant], place: int) -> None:
    variant = variants[place]
    st.text(variant.name)
    if place == 0:
        st.caption(_("Baseline: the others are compared with it."))
    else:
        st.caption(
            _(
                "Differs: {differences}.",
                differences=differences_in_words(variant, variants[0]),
            )
        )
    row = st.container(horizontal=True)
    if row.button(_("Change"), key=f"change_{place}", icon=":material/edit:"):
        _change(place)
    row.button(
        _("Remove"),
        key=f"remove_{place}",
        icon=":material/close:",
        disabled=len(variants) <= MIN_VARIANTS,
        on_click=partial(compare_state.keep_variants, [*variants[:place], *variants[place + 1 :]]),
    )


def _add_buttons(variants: Sequence[Variant]) -> None:
    row = st.container(horizontal=True)
    is_full = len(variants) >= MAX_VARIANTS
    row.button(
        _("Add the settings of the sidebar"),
        icon=":material/add:",
        disabled=is_full,
        on_click=partial(_add_current, variants),
    )
    row.button(
        _("Add a copy of the baseline"),
        icon=":material/content_copy:",
        disabled=is_full,
        on_click=partial(_add, variants, variants[0], _("copy of {name}", name=variants[0].name)),
    )


def _add_current(variants: Sequence[Variant]) -> None:
    settings, options = state.current_settings()
    _add(variants, Variant(name="sidebar", settings=settings, options=options), "sidebar")


def _add(variants: Sequence[Variant], like: Variant, name: str) -> None:
    taken = {variant.name for variant in variants}
    unique = unique_name(name[: MAX_NAME_LETTERS - 5], taken)
    compare_state.keep_variants([*variants, replace(like, name=unique)])


def _change(place: int) -> None:
    st.dialog(_("Change a variant"), width="large")(_draw_change)(place)


def _draw_change(place: int) -> None:
    variants = list(compare_state.variants())
    changed = variant_form(variants[place], place)
    if changed is None:
        return
    if changed.name in {one.name for number, one in enumerate(variants) if number != place}:
        st.error(_("Another variant has this name: choose a different one."))
        return
    if changed != variants[place]:
        variants[place] = changed
        compare_state.keep_variants(variants)
    st.rerun()
