"""``facecore settings show``: what holds, and who says so."""

from __future__ import annotations

import argparse
import json

from facecore.cli.options import add_settings_options, configuration_from
from facecore.engines import engine_for
from facecore.profiles.configuration import DEFAULT, ORDER, Configuration
from facecore.profiles.profile import known_settings
from facecore.sources.names import printable
from facecore.wording import aligned


def add_parser(subcommands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe this subcommand and its options to the command line."""
    parser = subcommands.add_parser("settings", help="say which settings hold, and why")
    actions = parser.add_subparsers(required=True, metavar="ACTION", help="what to do")
    show = actions.add_parser(
        "show",
        help="print each setting's value and where it comes from",
        description=f"{ORDER} It prints what 'serve' would begin with, given the same options.",
    )
    show.add_argument("--json", action="store_true", help="one JSON object")
    add_settings_options(show, of_a_server=True)
    show.set_defaults(run=run_show)


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
        print(f"\n{ORDER}")
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
            words = f"{words} ({engine_for(given.options).name})"
        rows.append((name, words, given.origins.get(name, DEFAULT)))
    shown = [row for row in rows if all_of_them or row[2] != DEFAULT]
    return [printable(line) for line in aligned(shown)] if shown else []
