"""What the Tune page scores: answers of some photos, what is known of them, how they were read."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from facecore.errors import SettingsError
from facecore.evaluation.kept import Scored
from facecore.evaluation.thresholds import MatchedPhoto, ThresholdScores
from facecore.evaluation.truth import Truth
from facecore.models.catalogue import set_specs
from facecore.settings import DEFAULT_MODEL_SET, AnalysisSettings, RuntimeOptions
from facecore.settings.presets import PRESETS, check_together, preset_options
from facecore.settings.setting import declared, differences, differences_in_words
from facecore.sources.photo import Photo
from facecore.ui import state
from facecore.wording import Text, _

_SETTINGS = {**declared(AnalysisSettings), **declared(RuntimeOptions)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How photos are read: settings and options, and both in words."""

    settings: AnalysisSettings
    options: RuntimeOptions

    @property
    def values(self) -> dict[str, Any]:
        """All that an answer depends on, but for the threads that it is read with."""
        named = {"model_set": self.options.model_set, "engine": self.options.engine}
        return {**asdict(self.settings), **named}

    def in_words(self) -> str:
        """Return the nearest preset and what differs from it, without the confidence."""
        ours = self.values | {"confidence": 0}
        presets = {title: one.values | {"confidence": 0} for title, one in ways().items()}
        title, values = min(presets.items(), key=lambda one: len(differences(ours, one[1])))
        words = differences_in_words(ours, values, _SETTINGS)
        return (
            _("{preset}, but {differences}", preset=_(title), differences=words)
            if words
            else _(title)
        )

    def with_confidence(self) -> str:
        """Return the same with the confidence, which is of its own."""
        return _(
            "{settings}, from confidence {confidence:.2f} on",
            settings=self.in_words(),
            confidence=self.settings.confidence,
        )

    def unlike(self, other: Way) -> str:
        """Return in words what another way of reading has that this one has not; "" for nothing."""
        return _(differences_in_words(other.values, self.values, _SETTINGS))


def ways() -> dict[str, Way]:
    """Return the presets with each set of networks that is there, by title."""
    found: dict[str, Way] = {}
    for spec in set_specs().values():
        for name, settings in PRESETS.items():
            options = preset_options(name)
            if spec.name != options.model_set:
                options = RuntimeOptions(model_set=spec.name)
            if spec.is_there and _go_together(name, options):
                title = Text(name)
                if spec.name != DEFAULT_MODEL_SET:
                    title = Text("{preset}, {model_set}", preset=title, model_set=Text(spec.title))
                found[title] = Way(settings=settings, options=options)
    return found


def _go_together(preset: str, options: RuntimeOptions) -> bool:
    try:
        check_together(preset, options)
    except SettingsError:
        return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Photos that were read, by name, and what is known of them.

    ``key`` is another whenever the answers or what is known are others.
    """

    photos: Mapping[str, Photo]
    answers: Mapping[str, Scored]
    reading: Way
    truth: Truth
    key: Hashable

    def matched(self) -> dict[str, MatchedPhoto]:
        """Return the photos with known faces, matched; made once for the same answers."""
        made = _MATCHED()
        if self.key not in made:
            made[self.key] = {
                name: MatchedPhoto.of(self.answers[name].candidates, self.truth.boxes[name])
                for name in self.truth.boxes
                if name in self.answers
            }
            while len(made) > _MOST_MATCHED:
                made.pop(next(iter(made)))
        return made[self.key]

    def scores(self) -> ThresholdScores:
        """Return the scores of the photos with known faces over all thresholds."""
        return ThresholdScores(list(self.matched().values()))


# Two ways side by side.
_MOST_MATCHED = 2
_MATCHED = state.Remembered[dict[Hashable, dict[str, MatchedPhoto]]]("tune_matched", dict)
