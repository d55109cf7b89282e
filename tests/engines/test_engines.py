"""Engines found by their files, and options as one flat table."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from facecore import engines
from facecore.engines.base import Blob, Knob, NetworkFiles, knob_values
from facecore.engines.facts import EngineFacts, NetworkProfile
from facecore.errors import SettingsError
from facecore.models.catalogue import network_spec
from facecore.models.network import load_networks
from facecore.settings import RuntimeOptions


class Constant:
    """A session that answers with as many numbers as it was told, whatever it is given."""

    thread_safe = True

    def __init__(self, value: int) -> None:
        self._value = value

    def run(self, blob: Blob) -> tuple[NDArray[np.float32], ...]:
        """Return two arrays."""
        return np.full(len(blob), self._value, np.float32), np.zeros(1, np.float32)

    def layer_times(self, blob: Blob) -> NetworkProfile:
        """Refuse."""
        raise NotImplementedError


class Dummy:
    """An engine that is no file of the package."""

    name = "dummy"
    title = "Dummy"
    knobs = (Knob(name="value", label="value", help="What it says.", default=1, choices=(1, 2)),)

    def available(self) -> bool:
        """Say yes."""
        return True

    def facts(self, options: RuntimeOptions) -> EngineFacts:
        """Refuse."""
        raise NotImplementedError

    def build(self, network: NetworkFiles, options: RuntimeOptions) -> Constant:
        """Load nothing."""
        return Constant(knob_values(self.knobs, options)["value"])


@pytest.fixture
def dummy() -> Iterator[None]:
    """Register the dummy for one test."""
    engines.register(Dummy())
    yield
    del engines._known()["dummy"]


def test_the_engines_of_this_package_are_found_by_their_files(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each is there, installed or not; by itself the first is taken that is installed."""
    names = {one.name for one in engines.engines()}
    assert names == {"litert", "mnn", "onnxruntime", "opencv", "opencv5", "openvino", "torch"}
    for is_there, taken in ((True, "onnxruntime"), (False, "opencv")):
        monkeypatch.setattr(engines.engine("onnxruntime"), "available", lambda a=is_there: a)
        assert engines.engine() is engines.engine(taken)


def test_an_unknown_engine_is_told_with_those_there_are() -> None:
    """The sentence names both."""
    with pytest.raises(SettingsError, match=r"no engine called nothing: use .*opencv"):
        engines.engine("nothing")


@pytest.mark.usefixtures("dummy")
def test_a_registered_engine_runs_a_network_with_its_own_knob() -> None:
    """Its options are read from a table, reach its session, and all its arrays come out."""
    options = engines.options_from_values({"engine": "dummy", "value": 2})
    assert options == RuntimeOptions(engine="dummy", engine_options=(("value", 2),))
    (network,) = load_networks([network_spec("gender")], options)
    answer, more = network.run(np.zeros((3, 3, 227, 227), np.float32))
    assert answer.tolist() == [2, 2, 2]
    assert more.tolist() == [0]


def test_a_table_of_before_is_opencvs() -> None:
    """Tables of the time when there was one engine have its knobs and not its name."""
    table = {"threads": None, "optimised": True, "winograd": True, "fusion": True}
    opencv = RuntimeOptions(engine="opencv")
    for options in (engines.options_from_values(table), engines.options_from_values({}, opencv)):
        assert engines.engine_for(options).name == "opencv"
        assert engines.option_values(replace(options, engine="opencv")) == {
            "model_set": "article",
            "engine": "opencv",
            **table,
        }
    named = {"model_set": "article", "engine": "opencv", **table, "fusion": False}
    assert engines.option_values(engines.options_from_values(named)) == named
    open_values = engines.option_values(RuntimeOptions())
    assert "engine" not in open_values
    assert engines.options_from_values(open_values) == RuntimeOptions()


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"winograd": 0}, '"Winograd" must be one of True, False'),
        ({"fusion": None}, '"layer fusion" must be one of'),
        ({"value": 1}, "no setting called value"),
        ({"engine": "dummy", "value": 3}, "no engine called dummy"),
        ({"engine": 3}, '"engine" must be a name'),
        ([1], "of the wrong kind"),
    ],
)
def test_a_table_that_no_engine_knows_is_refused(values: object, says: str) -> None:
    """An unknown name, or a value that a knob does not have, is one sentence."""
    with pytest.raises(SettingsError, match=says):
        engines.options_from_values(values)  # type: ignore[arg-type]


@pytest.mark.usefixtures("dummy")
def test_an_engine_has_no_knob_of_another() -> None:
    """What only OpenCV has is refused where another engine is named."""
    with pytest.raises(SettingsError, match="no setting called winograd"):
        engines.options_from_values({"engine": "dummy", "winograd": False})


def test_asking_for_settings_imports_no_engine() -> None:
    """Options can be made without anything heavy being imported."""
    code = "import sys, facecore.settings as s; s.RuntimeOptions(engine='opencv'); "
    code += "sys.exit('cv2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
