"""What whoever starts a server may say of its queue."""

from __future__ import annotations

from typing import Any

import pytest

from facecore.errors import SettingsError
from facecore.profiles.configuration import configuration
from facecore.settings.server import ServerSettings
from facecore.settings.setting import declared
from tests.conftest import REPOSITORY

VARIABLES = {
    "FACECORE_REPLICAS": "replicas",
    "FACECORE_CONCURRENCY": "concurrency",
    "FACECORE_QUEUE": "queue_limit",
    "FACECORE_QUEUE_PER_SESSION": "session_limit",
    "FACECORE_MAX_WAIT_S": "max_wait_s",
    "FACECORE_MIN_INTERVAL_MS": "min_interval_ms",
    "FACECORE_OVERRIDES": "overrides",
    "FACECORE_LOG": "log",
    "FACECORE_HISTORY": "history",
    "FACECORE_HISTORY_MB": "history_mb",
    "FACECORE_HISTORY_NAMES": "history_names",
}

TEXTS = {"FACECORE_OVERRIDES", "FACECORE_HISTORY"}


def test_an_empty_environment_gives_the_defaults() -> None:
    """Where nothing is said, or said with an empty text, the defaults hold; no throttle."""
    for environment in ({}, dict.fromkeys(VARIABLES, "")):
        assert configuration(environment=environment).server == ServerSettings()
    assert ServerSettings().min_interval_ms == 0


def test_every_setting_has_its_variable() -> None:
    """Each number can be set, and the documentation gives its variable, default and range."""
    known = declared(ServerSettings)
    assert {one.environment_name: name for name, one in known.items()} == VARIABLES
    table = (REPOSITORY / "docs" / "deployment.md").read_text(encoding="utf-8")
    for name, one in zip(VARIABLES, known.values(), strict=True):
        (row,) = [line for line in table.splitlines() if line.startswith(f"| `{name}` |")]
        default = one.in_words(one.default) if one.is_switch else one.text(one.default)
        assert default in row or one.name == "concurrency"
        if one.limits:
            assert f"{one.limits[1]:g}" in row.replace(" ", "")


def test_variables_are_read() -> None:
    """Each variable sets its own value, whole numbers, fractions and lists alike."""
    given = {
        "FACECORE_REPLICAS": "2",
        "FACECORE_CONCURRENCY": "3",
        "FACECORE_QUEUE": "0",
        "FACECORE_QUEUE_PER_SESSION": "5",
        "FACECORE_MAX_WAIT_S": "2.5",
        "FACECORE_MIN_INTERVAL_MS": "500",
        "FACECORE_OVERRIDES": "confidence, careful",
        "FACECORE_LOG": "json",
        "FACECORE_HISTORY": "/var/lib/faces",
        "FACECORE_HISTORY_MB": "7",
        "FACECORE_HISTORY_NAMES": "on",
    }
    assert configuration(environment=given).server == ServerSettings(
        replicas=2,
        concurrency=3,
        queue_limit=0,
        session_limit=5,
        max_wait_s=2.5,
        min_interval_ms=500,
        overrides=("confidence", "careful"),
        log="json",
        history="/var/lib/faces",
        history_mb=7,
        history_names=True,
    )


def test_as_many_run_at_once_as_there_are_sets() -> None:
    """Where only the number of sets is given, each is used."""
    settings = configuration(environment={"FACECORE_REPLICAS": "4"}).server
    assert (settings.replicas, settings.concurrency) == (4, 4)


@pytest.mark.parametrize("variable", sorted(VARIABLES.keys() - TEXTS))
@pytest.mark.parametrize("text", ["many", "-1", "1e9", "nan", "inf", "1,5"])
def test_what_makes_no_sense_is_one_sentence(variable: str, text: str) -> None:
    """A text that is no number, or a number outside the range, is told with its variable."""
    with pytest.raises(SettingsError, match=f"^{variable} must be ") as caught:
        configuration(environment={variable: text})
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "values", [{"concurrency": 1.0}, {"queue_limit": True}, {"max_wait_s": "30"}]
)
def test_values_of_another_type_are_refused(values: dict[str, Any]) -> None:
    """A number of runs is whole, and nothing else is taken for a number."""
    with pytest.raises(SettingsError, match="must be a"):
        ServerSettings(**values)


def test_what_does_not_go_together_is_refused() -> None:
    """More sets than runs at once would lie in memory for nothing; a request sets no queue."""
    with pytest.raises(SettingsError, match=r"concurrency \(FACECORE_CONCURRENCY\) to replicas or"):
        ServerSettings(replicas=2, concurrency=1)
    with pytest.raises(SettingsError, match="A request cannot set replicas, threads: name"):
        ServerSettings(overrides=("replicas", "confidence", "threads"))
