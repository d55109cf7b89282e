"""The one tree of errors, and the sentence that a person sees for each."""

from __future__ import annotations

import logging

import pytest

from facecore import errors
from facecore.errors import FacecoreError, friendly_message

ALL = [value for value in vars(errors).values() if isinstance(value, type)]


@pytest.mark.parametrize("error", ALL)
def test_every_error_belongs_to_the_tree(error: type[Exception]) -> None:
    """Whoever catches the base catches them all, and the module's docstring draws each."""
    assert issubclass(error, FacecoreError)
    assert errors.__doc__ is not None
    assert error.__name__ in errors.__doc__


@pytest.mark.parametrize(
    ("kind", "base"),
    [
        (errors.UnsupportedImageError, errors.ImageError),
        (errors.ImageTooLargeError, errors.ImageError),
        (errors.DamagedImageError, errors.ImageError),
        (errors.ModelMissingError, errors.ModelError),
        (errors.ModelHashError, errors.ModelError),
        (errors.EngineError, errors.ModelError),
    ],
)
def test_errors_of_photos_and_of_networks_are_told_apart(
    kind: type[FacecoreError], base: type[FacecoreError]
) -> None:
    """One photo's trouble is not that of the networks, and the other way round."""
    assert issubclass(kind, base)
    assert issubclass(kind, errors.ImageError) != issubclass(kind, errors.ModelError)


@pytest.mark.parametrize("error", ALL)
def test_our_own_errors_speak_for_themselves(
    error: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    """The message of an error of ours is shown as it is, and nothing is logged."""
    assert friendly_message(error("Do this next.")) == "Do this next."
    assert not caplog.records


@pytest.mark.parametrize(
    ("error", "part"), [(MemoryError(), "smaller photo"), (KeyError("secret"), "the log says more")]
)
def test_unexpected_errors_are_logged_and_told_kindly(
    error: Exception, part: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What nobody expected goes to the log as a whole, and to the person as one kind sentence."""
    with caplog.at_level(logging.ERROR):
        message = friendly_message(error)
    assert part in message
    assert "secret" not in message and "\n" not in message
    (record,) = caplog.records
    assert record.exc_info is not None and record.exc_info[1] is error
