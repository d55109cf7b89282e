"""Taking settings along: a profile for download, a command to copy, a profile to drop."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from typing import Any

import streamlit as st

from facecore.errors import SettingsError, friendly_message
from facecore.profiles.configuration import Configuration, configuration
from facecore.profiles.profile import MAX_BYTES, MAX_NAME_LETTERS, checked_name, profile_from_bytes
from facecore.profiles.writing import flags_of, profile_text
from facecore.settings import AnalysisSettings, RuntimeOptions
from facecore.sources.names import printable
from facecore.ui import state
from facecore.ui.components import as_text
from facecore.ui.profile.controls import offered_engines, start_from
from facecore.wording import _

UPLOADER = "profile_file"
_UNUSUAL = re.compile(r"[^\w.-]+")


def take_along(settings: AnalysisSettings, options: RuntimeOptions) -> None:
    """Draw what opens to the file, the command and the place for a file."""
    with st.popover(_("Take these settings along"), icon=":material/save:", width="stretch"):
        name = st.text_input(
            _("Name"),
            # Else the page's own part begins with nothing once this opens, and sends that.
            state.widget_value("profile") or "",
            key="profile",
            max_chars=MAX_NAME_LETTERS,
            persist_state="session",
            help=_("What the file is called, and the link carries."),
        )
        given = in_sidebar(_usable(name), settings, options)
        file = profile_button(given, width="stretch")
        st.caption(_("Serve photos with it, or read them on the command line:"))
        st.code(
            f"facecore serve --settings {shlex.quote(file)}\n"
            f"{shlex.join(['facecore', 'analyze', 'PHOTO', *flags_of(given)])}",
            language="bash",
            wrap_lines=True,
        )
        st.caption(_("The link in the address bar carries these settings, too."))
        st.file_uploader(
            _("Or drop a profile here"), key=UPLOADER, on_change=_take_file, max_upload_size=1
        )


def profile_button(given: Configuration, **how: Any) -> str:
    """Draw the button that downloads a configuration, and return the file's name."""
    file = f"{_UNUSUAL.sub('-', given.name).strip('-.') or 'settings'}.toml"
    st.download_button(
        _("Download as a profile"),
        lambda: profile_text(given).encode(),
        file,
        "application/toml",
        icon=":material/download:",
        on_click="ignore",
        **how,
    )
    return file


def take_over(given: Configuration, source: str) -> None:
    """Fill the sidebar, from a callback of any page; what it cannot hold is told of ``source``."""
    start_from(given)
    state.settings_notes().extend(_left_out(given, source))


def settings_notes() -> None:
    """Draw the sentences about what a link or a file said in vain, once."""
    for note in state.settings_notes.take():
        st.warning(as_text(note))


def in_sidebar(name: str, settings: AnalysisSettings, options: RuntimeOptions) -> Configuration:
    """Return what the sidebar says; the queue and the limits are what it was begun with."""
    began = state.began_with()
    if options == replace(began.options, engine_options=()):
        options = began.options
    chosen = state.widget_value("preset")
    return replace(began, name=name, preset=chosen, settings=settings, options=options)


def _usable(name: str) -> str:
    try:
        return checked_name(name)
    except SettingsError:
        return ""


def _take_file() -> None:
    file = state.widget_value(UPLOADER)
    if file is None:
        return
    source = printable(file.name)
    try:
        given = configuration(
            profile=profile_from_bytes(file.read(MAX_BYTES + 1), source), environment={}
        )
    except SettingsError as error:
        state.settings_notes().append(_(friendly_message(error)))
        return
    take_over(given, source)


def _left_out(given: Configuration, source: str) -> list[str]:
    engine, knobs = given.options.engine, [one[0] for one in given.options.engine_options]
    notes = []
    if engine not in offered_engines().values():
        notes.append(
            _(
                "{source}: the engine {engine} is not installed here, so it is auto.",
                source=source,
                engine=engine,
            )
        )
    elif knobs:
        notes.append(
            _(
                "{source}: {names} would act on all visitors: these pages leave it as it "
                "is, the profile keeps it.",
                source=source,
                names=", ".join(knobs),
            )
        )
    return notes
