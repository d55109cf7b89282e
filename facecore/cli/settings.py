"""``facecore settings show`` and ``facecore deploy compose``: what holds, and where it runs."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from facecore.cli.options import add_settings_options, configuration_from
from facecore.engines import AUTOMATIC, engine_for
from facecore.errors import SettingsError
from facecore.profiles.compose import compose_text
from facecore.profiles.configuration import DEFAULT, ORDER, Configuration, configuration
from facecore.profiles.profile import known_settings, read_profile
from facecore.sources.names import printable
from facecore.wording import Text, _, aligned


def add_parser(subcommands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe both subcommands and their options to the command line."""
    parser = subcommands.add_parser("settings", help="say which settings hold, and why")
    actions = parser.add_subparsers(required=True, metavar="ACTION", help="what to do")
    show = actions.add_parser(
        "show",
        help="print each setting's value and where it comes from",
        description=Text(
            "{order} It prints what 'serve' would begin with, given the same options.", order=ORDER
        ),
    )
    show.add_argument("--json", action="store_true", help="one JSON object")
    add_settings_options(show, of_a_server=True)
    show.set_defaults(run=run_show)
    parser = subcommands.add_parser("deploy", help="write what runs a profile elsewhere")
    actions = parser.add_subparsers(required=True, metavar="ACTION", help="what to write")
    compose = actions.add_parser(
        "compose",
        help="write a Compose file that serves a profile in a container",
        description="Its limits on processors and memory are those that the profile needs.",
    )
    add = compose.add_argument
    add("--settings", type=read_profile, required=True, metavar="FILE", help="the profile")
    add("--out", type=Path, metavar="FILE", help="write it there (default: print it)")
    add("--image", default="facecore-dashboard", metavar="NAME", help="default: %(default)s")
    compose.set_defaults(run=run_compose)


def run_show(arguments: argparse.Namespace) -> int:
    """Print every setting; 0.

    Raises:
        SettingsError: a variable, the file or an option cannot be used.
    """
    given = configuration_from(arguments)
    if arguments.json:
        values = {
            name: {"value": value, "from": given.origins.get(name, DEFAULT)}
            for name, value in {"preset": given.preset, **given.values()}.items()
        }
        values["engine"]["effective"] = engine_for(given.options).name
        print(json.dumps({"name": given.name, "settings": values}, indent=2))
    else:
        print("\n".join(in_lines(given)))
        print(f"\n{_(ORDER)}")
    return 0


def run_compose(arguments: argparse.Namespace) -> int:
    """Write a Compose file; 0.

    Raises:
        SettingsError: what the profile says does not go together, or the file cannot be written.
    """
    profile, out = arguments.settings, arguments.out
    given = configuration(profile=profile, environment={})
    if given.options.engine not in (None, *AUTOMATIC):
        print(
            _(
                "warning: The image has no engine {engine}: add its package to the image, else "
                "another reads.",
                engine=given.options.engine,
            ),
            file=sys.stderr,
        )
    folder = out.parent if out else Path()
    source = os.path.relpath(profile.path, folder)
    text = compose_text(
        given, f"./{source}" if not source.startswith(".") else source, arguments.image
    )
    if out is None:
        print(text, end="")
        return 0
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise SettingsError(
            "{name} cannot be written ({reason}): name another file.",
            name=printable(out),
            reason=error.strerror,
        ) from error
    return 0


def in_lines(given: Configuration, *, all_of_them: bool = True) -> list[str]:
    """Return a table of settings, values and where they come from, a line each.

    Without ``all_of_them``, of what is not the default alone.
    """
    rows = [("preset", given.preset, given.origins.get("preset", DEFAULT))]
    known = known_settings()
    for name, value in given.values().items():
        words = known[name].in_words(value)
        if name == "engine" and value is None:
            words = Text("{value} ({engine})", value=words, engine=engine_for(given.options).name)
        rows.append((name, words, given.origins.get(name, DEFAULT)))
    # Names and values are what a profile says.
    shown = [(*row[:2], _(row[2])) for row in rows if all_of_them or row[2] != DEFAULT]
    return [printable(line) for line in aligned(shown)] if shown else []
