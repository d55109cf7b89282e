"""``facecore compare``: measure variants of settings side by side."""

from __future__ import annotations

import argparse
import json
import math
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from facecore.cli.options import add_pixel_limit, check_new, labels_from, max_pixels_from
from facecore.cli.readers import photos_to_measure
from facecore.errors import FacecoreError, SettingsError
from facecore.evaluation.labels import PersonLabel
from facecore.evaluation.right import NONE_OF_THESE
from facecore.experiment import tables
from facecore.experiment.background import BackgroundExperiment
from facecore.experiment.claims import claim_of, claims
from facecore.experiment.record import MAX_REPEATS, Continuation, Experiment, Plan
from facecore.experiment.report import Outcome, claim_sentence
from facecore.experiment.runner import Progress
from facecore.experiment.storage import experiment_to_json, read_experiment
from facecore.experiment.variants import (
    Variant,
    differences_in_words,
    profile_variant,
    read_variants,
)
from facecore.export import csv_bytes
from facecore.machine.new_file import replace_file
from facecore.profiles.profile import MAX_NAME_LETTERS, read_profile
from facecore.settings.presets import RECOMMENDED
from facecore.sources.names import printable, unique_name
from facecore.wording import Text, _, left_in_words, listed

_TEXT_WIDTH = 100
_REPEATS = 10
_LOOK_EVERY_S = 0.2


def add_parser(subcommands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe this subcommand and its options to the command line."""
    parser = subcommands.add_parser(
        "compare",
        help="measure variants of settings side by side",
        description="Each variant gets a process of its own; trials alternate between them.",
    )
    parser.add_argument("paths", nargs="+", metavar="PATH", help="a photo, a folder or a ZIP file")
    _add_variants(parser)
    add = parser.add_argument
    add("--repeats", type=int, metavar="N", help="how often each reads each photo (default: 10)")
    add("--seconds", type=float, metavar="F", help="measure so long instead")
    add("--warm-up", type=int, metavar="N", help="unmeasured passes (default: 2)")
    add("--seed", type=int, metavar="N", help="of the order (default: 1)")
    add_pixel_limit(parser)
    add("--out", type=Path, metavar="FILE", help="save the whole experiment as JSON in a new file")
    add("--csv", type=Path, metavar="FILE", help="write the raw trials as CSV into a new file")
    add("--json", action="store_true", help="print the table as JSON")
    add(
        "--labels",
        type=Path,
        metavar="CSV",
        help="what is true of the photos: file, age or age_range, gender",
    )
    parser.set_defaults(run=run)


def _add_variants(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--variants", type=Path, metavar="FILE", help="a TOML or JSON file of 2 to 8 variants"
    )
    what.add_argument(
        "--claim",
        choices=[claim.key for claim in claims()],
        help="a ready-made comparison",
    )
    what.add_argument(
        "--continue",
        dest="before",
        type=Path,
        metavar="FILE",
        help="a saved experiment to go on with, on the same photos; --repeats are more of them, "
        "and FILE is saved anew, unless --out names another",
    )
    parser.add_argument(
        "--settings",
        dest="profiles",
        action="append",
        type=read_profile,
        default=[],
        metavar="FILE",
        help="a profile as a variant more, or beside the defaults; can be given again",
    )


def run(arguments: argparse.Namespace) -> int:
    """Measure and print the table; 0 whenever something was measured.

    Raises:
        FacecoreError: nothing could be measured at all.
    """
    plan, labels = _plan(arguments), labels_from(arguments.labels)
    photos = photos_to_measure(arguments.paths)
    for path in filter(None, (arguments.out, arguments.csv)):
        # Not after an hour of measuring.
        check_new(path)
    experiment = _measure(plan, photos, max_pixels_from(arguments))
    for failure in experiment.failures:
        print(
            f"{printable(failure.where(experiment.plan))}: "
            + _("error: {problem}", problem=failure.message),
            file=sys.stderr,
        )
    if not experiment.trials:
        if experiment.failures:
            raise FacecoreError("Nothing was measured: see the messages above.")
        raise FacecoreError("Nothing was measured: it was stopped too early.")
    outcome = _judged(Outcome.of(experiment), labels)
    if arguments.json:
        print(json.dumps(tables.as_values(outcome), allow_nan=False))
    else:
        _print(outcome)
    # Last: what was measured must not be lost to a full disk.
    _write(arguments, experiment)
    return 0


def _judged(outcome: Outcome, labels: Mapping[str, PersonLabel]) -> Outcome:
    judged = outcome.judged_by(labels)
    if labels and not judged.is_judged:
        print(_("error: {problem}", problem=NONE_OF_THESE), file=sys.stderr)
    return judged


def _variants(arguments: argparse.Namespace) -> list[Variant]:
    ready_made = {claim.key: claim.variants for claim in claims()}
    variants = list(ready_made.get(arguments.claim, ()))
    if arguments.variants:
        variants += read_variants(arguments.variants)
    if not variants and len(arguments.profiles) == 1:
        variants.append(Variant(name=RECOMMENDED))
    for profile in arguments.profiles:
        name = profile.name or printable(Path(profile.path).stem)[:MAX_NAME_LETTERS]
        variants.append(profile_variant(profile, unique_name(name, {v.name for v in variants})))
    if not variants:
        raise SettingsError(
            "Nothing is to be compared: give --variants, --claim, --settings or --continue."
        )
    return variants


def _plan(arguments: argparse.Namespace) -> Plan | Continuation:
    repeats, budget_s = arguments.repeats, arguments.seconds
    given = {name: getattr(arguments, name) for name in ("warm_up", "seed")}
    more = {name: value for name, value in given.items() if value is not None}
    if repeats is None and budget_s is None:
        repeats = _REPEATS
    if arguments.before is None:
        variants = tuple(_variants(arguments))
        repeats = MAX_REPEATS if repeats is None else repeats
        return Plan(variants=variants, repeats=repeats, budget_s=budget_s, **more)
    if arguments.profiles:
        raise SettingsError("An experiment goes on with its own variants: leave --settings out.")
    continuation = read_experiment(arguments.before).more(1 if repeats is None else repeats)
    if repeats is None:
        more["repeats"] = MAX_REPEATS
    return replace(continuation, plan=replace(continuation.plan, budget_s=budget_s, **more))


def _measure(plan: Plan | Continuation, photos: dict[str, bytes], max_pixels: int) -> Experiment:
    """Measure in the background, so that Ctrl-C stops it and keeps what was measured."""
    # Whoever puts this in the background for an hour has not gone away.
    running = BackgroundExperiment(plan, photos, max_pixels=max_pixels, abandoned_after_s=math.inf)
    shown = sys.stderr.isatty()
    is_over = False
    while not is_over:
        try:
            is_over = running.wait(_LOOK_EVERY_S)
            progress = running.progress
            if shown:
                line = "" if is_over else _in_words(progress)
                print(f"\r\x1b[2K{line}", end="", file=sys.stderr, flush=True)
        except KeyboardInterrupt:
            running.stop()
    if running.result is None:
        raise FacecoreError(running.error)
    return running.result


def _in_words(now: Progress) -> str:
    if not now.done:
        return f"{printable(_(now.phase))} …"
    left = left_in_words(now.left_s)
    return _("{done} of {total} trials{left}", done=now.done, total=now.total, left=left)


def _write(arguments: argparse.Namespace, experiment: Experiment) -> None:
    for path, content in (
        (arguments.out or arguments.before, partial(experiment_to_json, experiment)),
        (arguments.csv, partial(_trials_csv, experiment)),
    ):
        if path is not None:
            try:
                replace_file(path, content())
            except OSError as error:
                raise SettingsError(
                    "{name} cannot be written ({reason}): name another file.",
                    name=printable(path),
                    reason=error.strerror,
                ) from error


def _trials_csv(experiment: Experiment) -> bytes:
    return csv_bytes(tables.trials_table(experiment))


def _print(outcome: Outcome) -> None:
    print(f"{textwrap.fill(printable(_(outcome.advice)), _TEXT_WIDTH)}\n")
    print("\n".join(map(printable, tables.summary_lines(outcome.reports))))
    base = outcome.reports[0].variant
    sentences: list[str] = [
        Text("{name}: {what}.", name=one.variant.name, what=differences_in_words(one.variant, base))
        for one in outcome.reports[1:]
    ]
    sentences += filter(None, [claim_sentence(outcome)])
    claim = claim_of(outcome.experiment.plan.variants)
    if claim is not None:
        sentences.append(Text("What was measured of it before: {link}", link=claim.link))
    for one in outcome.reports[1:]:
        if one.comparison is not None:
            remarks = [*one.comparison.warnings, one.comparison.advice]
            name = one.variant.name
            sentences += [listed([name, remark], ": ") for remark in remarks if remark]
    experiment = outcome.experiment
    sentences += outcome.warnings
    sentences.append(
        Text(
            "{trials} trials in {spent_s:.1f} s, {share:.0%} of them measured time.",
            trials=len(experiment.trials),
            spent_s=experiment.measured_s,
            share=experiment.measured_share,
        )
    )
    for sentence in sentences:
        print(f"\n{textwrap.fill(printable(_(sentence)), _TEXT_WIDTH)}")
