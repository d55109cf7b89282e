"""Enough of the Dockerfile's format to check ours: instructions, their words, what is copied."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import REPOSITORY

DOCKERFILE = REPOSITORY / "Dockerfile"


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction, its name in capitals, and all that follows on its lines joined."""

    name: str
    text: str

    def command(self) -> list[str]:
        """Return the words of a CMD or HEALTHCHECK in the form of a list."""
        found: list[str] = json.loads(self.text[self.text.index("[") :])
        return found


def instructions(path: Path = DOCKERFILE) -> list[list[Instruction]]:
    """Return the instructions of each stage, FROM first."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    stages: list[list[Instruction]] = []
    for line in re.sub(r"\\\n\s*", " ", "\n".join(lines)).splitlines():
        if line.strip():
            name, _, text = line.strip().partition(" ")
            if name == "FROM":
                stages.append([])
            stages[-1].append(Instruction(name, text.strip()))
    return stages


def environment(stage: list[Instruction]) -> dict[str, str]:
    """Return what a stage's ENV sets."""
    words = [word for one in stage if one.name == "ENV" for word in shlex.split(one.text)]
    return dict(word.split("=", 1) for word in words)


def copied(stage: list[Instruction]) -> Iterator[tuple[str, str]]:
    """Return each source in the repository that a stage copies, and its place below /app."""
    for one in stage:
        if one.name == "COPY" and "--from" not in one.text:
            *sources, place = one.text.split()
            for source in sources:
                is_folder = place.endswith("/") or place == "."
                yield source, str(Path(place, Path(source).name)) if is_folder else place
