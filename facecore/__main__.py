"""The command line: ``facecore``, or ``python -m facecore`` in a checkout.

The exit status is 0 if all went well, 1 if some files failed or are wrong, 2 if
nothing could be run.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence

from facecore.cli import (
    analyze,
    compare,
    engines,
    evaluate,
    models,
    optimise,
    serve,
    settings,
)
from facecore.errors import FacecoreError
from facecore.wording import Text, _, speaking, terminal_language

# argparse's own words: it takes them by these names, and has no other place to ask.
argparse._ = _  # type: ignore[attr-defined]
argparse.ngettext = lambda one, many, n: _(one, many, n=n)  # type: ignore[attr-defined]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand and return the exit status; it speaks the terminal's language."""
    with speaking(terminal_language()):
        return _main(arguments)


def _say(parser: argparse.ArgumentParser) -> None:
    """Put what a parser and those of its subcommands tell of themselves into words."""
    parser.description = parser.description and _(parser.description)
    for group in parser._action_groups:
        group.title = group.title and _(group.title)
    for action in parser._actions:
        action.help = action.help and _(action.help)
        if isinstance(action, argparse._SubParsersAction):
            for subcommand in action._choices_actions:
                subcommand.help = subcommand.help and _(subcommand.help)
            for parser_of_one in action.choices.values():
                _say(parser_of_one)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="facecore", description="Read faces, gender and age groups on the CPU."
    )
    subcommands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in (analyze, evaluate, compare, optimise, engines, models, settings, serve):
        command.add_parser(subcommands)
    _say(parser)
    return parser


def _main(arguments: Sequence[str] | None) -> int:
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a letter must not end the run.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        # A file that an option names is read here already.
        parsed = _parser().parse_args(arguments)
        status = int(parsed.run(parsed))
        sys.stdout.flush()
        return status
    except FacecoreError as error:
        print(_("error: {problem}", problem=error.text), file=sys.stderr)
        return 2
    except BrokenPipeError:
        _drop_output()  # whoever read it left, as head does; there is nobody to tell
        return 1
    except OSError as error:
        _drop_output()
        problem = Text("The output cannot be written ({reason}).", reason=error.strerror)
        print(_("error: {problem}", problem=problem), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _drop_output() -> None:
    # Python writes what is left at its end, and would complain once more.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
