"""What the environment may say to a server."""

from __future__ import annotations

from typing import Any

import pytest

from facecore.errors import SettingsError
from facecore.settings import AnalysisSettings
from facecore.settings.server import ServerSettings, served_settings
from facecore.settings.setting import declared
from tests.conftest import REPOSITORY

VARIABLES = {
    "FACECORE_REPLICAS": "replicas",
    "FACECORE_MODEL_SET": "model_set",
    "FACECORE_CONCURRENCY": "concurrency",
    "FACECORE_QUEUE": "queue_limit",
    "FACECORE_QUEUE_PER_SESSION": "session_limit",
    "FACECORE_MAX_WAIT_S": "max_wait_s",
    "FACECORE_MIN_INTERVAL_MS": "min_interval_ms",
}


def test_an_empty_environment_gives_the_defaults() -> None:
    """Where nothing is said, or said with an empty text, the defaults hold; no throttle."""
    assert ServerSettings.from_environment({}) == ServerSettings()
    assert ServerSettings.from_environment(dict.fromkeys(VARIABLES, "")) == ServerSettings()
    assert ServerSettings().min_interval_ms == 0


def test_every_setting_has_its_variable() -> None:
    """Each number can be set, and the documentation gives its variable, default and range."""
    known = declared(ServerSettings)
    assert {one.variable: name for name, one in known.items()} == VARIABLES
    table = (REPOSITORY / "docs" / "deployment.md").read_text(encoding="utf-8")
    for one in known.values():
        (row,) = [line for line in table.splitlines() if line.startswith(f"| `{one.variable}` |")]
        assert one.text(one.default) in row or one.name == "concurrency"
        if one.limits:
            assert f"{one.limits[1]:g}" in row.replace(" ", "")


def test_variables_are_read() -> None:
    """Each variable sets its own value, whole numbers and fractions alike."""
    given = {
        "FACECORE_REPLICAS": "2",
        "FACECORE_CONCURRENCY": "3",
        "FACECORE_QUEUE": "0",
        "FACECORE_QUEUE_PER_SESSION": "5",
        "FACECORE_MAX_WAIT_S": "2.5",
        "FACECORE_MIN_INTERVAL_MS": "500",
    }
    assert ServerSettings.from_environment(given) == ServerSettings(
        replicas=2,
        concurrency=3,
        queue_limit=0,
        session_limit=5,
        max_wait_s=2.5,
        min_interval_ms=500,
    )


def test_as_many_run_at_once_as_there_are_sets() -> None:
    """Where only the number of sets is given, each is used."""
    settings = ServerSettings.from_environment({"FACECORE_REPLICAS": "4"})
    assert (settings.replicas, settings.concurrency) == (4, 4)


@pytest.mark.parametrize("variable", [one for one in VARIABLES if one != "FACECORE_MODEL_SET"])
@pytest.mark.parametrize("text", ["many", "-1", "1e9", "nan", "inf", "1,5"])
def test_what_makes_no_sense_is_one_sentence(variable: str, text: str) -> None:
    """A text that is no number, or a number outside the range, is told with its variable."""
    with pytest.raises(SettingsError, match=f"^{variable} must be ") as caught:
        ServerSettings.from_environment({variable: text})
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "values", [{"concurrency": 1.0}, {"queue_limit": True}, {"max_wait_s": "30"}]
)
def test_values_of_another_type_are_refused(values: dict[str, Any]) -> None:
    """A number of runs is whole, and nothing else is taken for a number."""
    with pytest.raises(SettingsError, match="must be a"):
        ServerSettings(**values)


def test_sets_that_could_never_be_used_are_refused() -> None:
    """More sets than runs at once would lie in memory for nothing."""
    given = {"FACECORE_REPLICAS": "2", "FACECORE_CONCURRENCY": "1"}
    with pytest.raises(SettingsError, match="FACECORE_CONCURRENCY to FACECORE_REPLICAS or more"):
        ServerSettings.from_environment(given)


def test_the_environment_says_how_the_api_reads() -> None:
    """What a variable says takes the default's place; what is no choice names the variable."""
    assert served_settings({}) == AnalysisSettings()
    assert served_settings({"FACECORE_ORIENTATION": "never"}).orientation == "never"
    with pytest.raises(SettingsError, match="FACECORE_ORIENTATION must be one of never, when-in"):
        served_settings({"FACECORE_ORIENTATION": "sideways"})
