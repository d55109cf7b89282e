"""The settings of the networks and of a worker process, each declared once."""

from __future__ import annotations

from dataclasses import dataclass

from facecore.errors import SettingsError
from facecore.settings.setting import check_all, setting

KnobValue = bool | int | str
"""Value of an option that only one inference engine has."""

DEFAULT_MODEL_SET = "article"
"""The set that the dashboard is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeOptions:
    """How the networks are built and run; another value needs other networks.

    ``engine_options`` are pairs of name and value, kept sorted, of the engine's own knobs
    that are not as it has them by itself. Which there are, the engine knows.

    Raises:
        SettingsError: a value is outside its range or of the wrong kind.
    """

    model_set: str = setting(
        DEFAULT_MODEL_SET,
        "model set",
        pattern=r"[^\W\d]\w*",
        help="Which networks read: article or modern.",
    )
    engine: str | None = setting(
        None,
        "engine",
        pattern=r"[^\W\d]\w*",
        none="auto",
        help="What runs the networks; auto takes ONNX Runtime where it is installed and agrees "
        "with OpenCV here, else OpenCV. A change loads the networks again.",
    )
    threads: int | None = setting(
        None,
        "threads",
        limits=(1, 256),
        none="auto",
        help="How many threads one photo may use; auto leaves it to the engine, within the "
        "container's CPU quota. A change loads the networks again.",
    )
    engine_options: tuple[tuple[str, KnobValue], ...] = ()

    def __post_init__(self) -> None:
        check_all(self)
        pairs = self.engine_options
        if not isinstance(pairs, tuple) or not all(
            isinstance(pair, tuple)
            and len(pair) == 2
            and isinstance(pair[0], str)
            and pair[0].isidentifier()
            and isinstance(pair[1], bool | int | str)
            for pair in pairs
        ):
            raise SettingsError("The engine's options must be pairs of name and value.")
        if len(dict(pairs)) < len(pairs):
            raise SettingsError("An option of the engine is given twice: give it once.")
        object.__setattr__(self, "engine_options", tuple(sorted(pairs, key=lambda p: p[0])))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessOptions:
    """What is done to a whole worker process; nobody else shares it.

    Raises:
        SettingsError: a value is outside its range.
    """

    cores: int | None = setting(
        None,
        "cores",
        limits=(1, 256),
        none="all",
        help="Processors of this machine that it may run on.",
    )
    cpu_features_off: tuple[str, ...] = setting(
        (),
        "CPU features off",
        # They go into a worker's environment, separated by commas.
        pattern=r"[A-Z0-9][A-Z0-9._-]{0,31}",
        none="none",
        empty=(),
        help="Vector units that OpenCV must not use, as on an older processor, by its own names, "
        "such as AVX2.",
    )
    min_interval_ms: float = setting(
        0.0,
        "throttle",
        limits=(0.0, 60_000.0),
        step=100.0,
        unit="ms",
        none="none",
        empty=0.0,
        help="The next photo waits until this long after the beginning of the one before.",
    )

    def __post_init__(self) -> None:
        check_all(self)
