"""``facecore serve`` and ``facecore dashboard``: the pages with the HTTP API, or alone."""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from pathlib import Path

from facecore.cli.options import add_settings_options, configuration_from, flags_from, options_from
from facecore.cli.settings import in_lines
from facecore.engines import ENGINE_VARIABLE
from facecore.errors import FacecoreError
from facecore.executors.launch import environment
from facecore.models.catalogue import set_spec
from facecore.models.files import INSTALL
from facecore.places import APP_DIR
from facecore.profiles.configuration import ORDER, PRESET_VARIABLE, SETTINGS_VARIABLE
from facecore.profiles.profile import known_settings
from facecore.serving.logs import said
from facecore.settings import ProcessOptions
from facecore.wording import Text, _

_COMMANDS = (
    ("serve", True, Text("serve the dashboard and the HTTP API")),
    ("dashboard", False, Text("serve the dashboard alone")),
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
        if with_api:
            add(
                "--grpc-port",
                type=_port,
                metavar="PORT",
                help="also speak the Open Inference Protocol over gRPC there",
            )
        add_settings_options(parser, of_a_server=True)
        parser.set_defaults(run=run, with_api=with_api)


def run(arguments: argparse.Namespace) -> int:
    """Become the server, in this very process, so that whoever stops it stops the server.

    Raises:
        FacecoreError: it cannot be started.
    """
    # What is wrong with the settings is said here, not to the first visitor.
    given = configuration_from(arguments)
    spec = set_spec(given.options.model_set)
    if spec.wheels and not spec.is_there:
        raise FacecoreError(
            "The set {title} is not installed: run '{command}'.", title=spec.title, command=INSTALL
        )
    engine = options_from(arguments).engine
    if importlib.util.find_spec("streamlit") is None:
        raise FacecoreError("Streamlit is missing: run 'pip install -r requirements.txt'.")
    # -P: the folder it is started in may hold a json.py, and is no part of this program.
    command = [sys.executable, "-P", "-m", "facecore.ui.server", str(APP_DIR / "streamlit_app.py")]
    command += [f"--host={arguments.host}", f"--port={arguments.port}"]
    command += [f"--allowed-hosts={arguments.allowed_hosts}"]
    command += ["--with-api"] if arguments.with_api else []
    if arguments.with_api and arguments.grpc_port:
        command += [f"--grpc-port={arguments.grpc_port}"]
    _hand_over(arguments, engine)
    told = in_lines(given, all_of_them=False)
    text = "\n".join([*told, _(ORDER)] if told else [_("All settings are the defaults.")])
    print(said(text, given.server.log), flush=True)
    os.execve(sys.executable, command, environment(ProcessOptions()))


def _hand_over(arguments: argparse.Namespace, engine: str | None) -> None:
    """Tell the server by its environment what the options say."""
    if arguments.settings:
        os.environ[SETTINGS_VARIABLE] = str(Path(arguments.settings.path).absolute())
    flags = flags_from(arguments)
    if "preset" in flags:
        os.environ[PRESET_VARIABLE] = flags.pop("preset")
    for name, value in flags.items():
        one = known_settings()[name]
        # A setting's own words have fewer digits.
        text = repr(value) if isinstance(value, float) else one.text(value)
        os.environ[one.environment_name] = text
    if engine is not None:
        os.environ[ENGINE_VARIABLE] = engine


def _port(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= 65535):
        raise argparse.ArgumentTypeError(_("a number from 1 to 65535, not {text!r}", text=text))
    return int(text)
