"""Batches that this visitor finished before: what is left of them over a restart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pandas as pd
import streamlit as st

from facecore.batch.background import BackgroundBatch
from facecore.batch.summary import FinishedBatch
from facecore.serving.service import process_service
from facecore.settings import AnalysisSettings
from facecore.settings.setting import declared, differences_in_words
from facecore.ui import state
from facecore.wording import Text, _

_KIND = "batch"
_OTHER = {"model_set": Text("networks"), "engine": Text("engine")}


def keeper() -> Callable[[BackgroundBatch], None]:
    """Return what stores a batch of this visitor once all its photos are read."""
    store, owner = process_service().store, state.visitor()

    def keep(batch: BackgroundBatch) -> None:
        if len(batch.answers) == batch.total:
            finished = FinishedBatch.of(batch.answers.summary(), batch.settings)
            store.keep(owner, _KIND, finished.ended_at.isoformat(), finished.to_json())

    return keep


def earlier_batches() -> None:
    """Show the visitor's finished batches in one table, the newest first; nothing without any."""
    found = []
    for body in process_service().store.kept(state.visitor(), _KIND):
        try:
            found.append(FinishedBatch.from_json(body))
        except msgspec.DecodeError:
            continue  # of another version
    if not found:
        return
    st.markdown(_("**Your earlier batches**"))
    st.dataframe(
        pd.DataFrame(
            {
                _("finished"): [one.ended_at for one in found],
                _("photos"): [one.photos for one in found],
                _("could not be read"): [one.failed for one in found],
                _("faces"): [one.faces for one in found],
                _("median, ms"): [one.median_ms for one in found],
                _("settings"): [_in_words(one.settings) for one in found],
            }
        ).iloc[::-1],
        hide_index=True,
        column_config={
            _("finished"): st.column_config.DatetimeColumn(
                format="YYYY-MM-DD HH:mm", timezone=st.context.timezone
            ),
            _("median, ms"): st.column_config.NumberColumn(format="%.0f"),
        },
    )
    st.caption(_("Numbers alone: the photos and their answers are not stored."))


def _in_words(settings: Mapping[str, Any]) -> str:
    known = declared(AnalysisSettings)
    ours = {name: known[name].plain(settings.get(name)) for name in known if name in settings}
    usual = {name: known[name].default for name in ours}
    named = [f"{_(word)} {settings[name]}" for name, word in _OTHER.items() if settings.get(name)]
    differing = _(differences_in_words(ours, usual, known)) or _("otherwise as recommended")
    return _("; ").join([*named, differing])
