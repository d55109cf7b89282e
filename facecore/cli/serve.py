"""``facecore serve`` and ``facecore dashboard``: the pages with the HTTP API, or alone."""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys

from facecore.errors import FacecoreError
from facecore.places import APP_DIR
from facecore.settings import max_pixels_from_environment
from facecore.settings.server import ServerSettings

_COMMANDS = (
    ("serve", "server_app.py", "serve the dashboard and the HTTP API"),
    ("dashboard", "streamlit_app.py", "serve the dashboard alone"),
)


def add_parser(subcommands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe both subcommands and their options to the command line."""
    for name, script, what in _COMMANDS:
        parser = subcommands.add_parser(name, help=what)
        add = parser.add_argument
        add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
        add("--port", type=_port, default=8501, help="default: %(default)s")
        parser.set_defaults(run=run, script=script)


def run(arguments: argparse.Namespace) -> int:
    """Become the server, in this very process, so that whoever stops it stops the server.

    Raises:
        FacecoreError: it cannot be started.
    """
    # What is wrong with the environment is said here, not to the first visitor.
    ServerSettings.from_environment()
    max_pixels_from_environment()
    if importlib.util.find_spec("streamlit") is None:
        raise FacecoreError("Streamlit is missing: run 'pip install -r requirements.txt'.")
    # -P: the folder it is started in may hold a json.py, and is no part of this program.
    command = [sys.executable, "-P", "-m", "streamlit", "run", str(APP_DIR / arguments.script)]
    command += [f"--server.address={arguments.host}", f"--server.port={arguments.port}"]
    command += ["--server.headless=true"]
    sys.stdout.flush()
    os.execv(sys.executable, command)


def _port(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"a number from 1 to 65535, not {text!r}")
    return int(text)
