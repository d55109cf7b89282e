"""``facecore serve`` and ``facecore dashboard``: the pages with the HTTP API, or alone."""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys

from facecore.analysis.automatic import settled
from facecore.cli.options import add_option
from facecore.engines import ENGINE_VARIABLE, options_from_values
from facecore.errors import FacecoreError
from facecore.executors.launch import environment
from facecore.models.catalogue import set_spec, set_specs
from facecore.models.files import INSTALL
from facecore.places import APP_DIR
from facecore.settings import (
    DEFAULT_MODEL_SET,
    AnalysisSettings,
    ProcessOptions,
    max_pixels_from_environment,
)
from facecore.settings.server import MODEL_SET_VARIABLE, ServerSettings, served_settings
from facecore.settings.setting import declared

_ORIENTATION = declared(AnalysisSettings)["orientation"]
_COMMANDS = (
    ("serve", True, "serve the dashboard and the HTTP API"),
    ("dashboard", False, "serve the dashboard alone"),
)


def add_parser(subcommands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe both subcommands and their options to the command line."""
    for name, with_api, what in _COMMANDS:
        parser = subcommands.add_parser(name, help=what)
        add = parser.add_argument
        add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
        add("--port", type=_port, default=8501, help="default: %(default)s")
        add(
            "--allowed-hosts",
            default="",
            metavar="NAMES",
            help="names that it answers to, with commas between, *.example.org and * for any "
            "(default: FACECORE_ALLOWED_HOSTS, else its own where it listens here alone)",
        )
        add(
            "--engine",
            metavar="NAME",
            type=_engine,
            help="the engine that runs the networks (default: auto)",
        )
        if with_api:
            add_option(parser, _ORIENTATION)
        add(
            "--model-set",
            metavar="NAME",
            help=f"the networks that read: {' or '.join(set_specs())} "
            f"(default: {MODEL_SET_VARIABLE}, else {DEFAULT_MODEL_SET})",
        )
        parser.set_defaults(run=run, with_api=with_api)


def run(arguments: argparse.Namespace) -> int:
    """Become the server, in this very process, so that whoever stops it stops the server.

    Raises:
        FacecoreError: it cannot be started.
    """
    if arguments.model_set:
        os.environ[MODEL_SET_VARIABLE] = arguments.model_set
    # What is wrong with the environment is said here, not to the first visitor.
    spec = set_spec(ServerSettings.from_environment().model_set)
    if spec.wheels and not spec.is_there:
        raise FacecoreError(f"The set {spec.title} is not installed: run '{INSTALL}'.")
    max_pixels_from_environment()
    given = {"engine": arguments.engine} if arguments.engine else {}
    chosen = settled(options_from_values({"model_set": spec.name, **given}))
    if chosen.engine is not None:
        os.environ[ENGINE_VARIABLE] = chosen.engine
    if getattr(arguments, _ORIENTATION.name, None):
        os.environ[_ORIENTATION.variable] = arguments.orientation
    served_settings()
    if importlib.util.find_spec("streamlit") is None:
        raise FacecoreError("Streamlit is missing: run 'pip install -r requirements.txt'.")
    # -P: the folder it is started in may hold a json.py, and is no part of this program.
    command = [sys.executable, "-P", "-m", "facecore.ui.server", str(APP_DIR / "streamlit_app.py")]
    command += [f"--host={arguments.host}", f"--port={arguments.port}"]
    command += [f"--allowed-hosts={arguments.allowed_hosts}"]
    command += ["--with-api"] if arguments.with_api else []
    sys.stdout.flush()
    os.execve(sys.executable, command, environment(ProcessOptions()))


def _engine(text: str) -> str | None:
    return None if text == "auto" else text


def _port(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"a number from 1 to 65535, not {text!r}")
    return int(text)
