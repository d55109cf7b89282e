"""``python -m facecore serve``: the dashboard and the HTTP API on one port."""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from pathlib import Path

from facecore.errors import FacecoreError
from facecore.settings import max_pixels_from_environment
from facecore.settings.server import ServerSettings

SERVER_APP = Path(__file__).resolve().parents[2] / "server_app.py"


def add_parser(subcommands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe this subcommand and its options to the command line."""
    parser = subcommands.add_parser("serve", help="serve the dashboard and the HTTP API")
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    add("--port", type=_port, default=8501, help="default: %(default)s")
    parser.set_defaults(run=run)


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
    command = [sys.executable, "-m", "streamlit", "run", str(SERVER_APP)]
    command += [f"--server.address={arguments.host}", f"--server.port={arguments.port}"]
    command += ["--server.headless=true"]
    sys.stdout.flush()
    os.execv(sys.executable, command)


def _port(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"a number from 1 to 65535, not {text!r}")
    return int(text)
