"""Every error that facecore raises on purpose.

::

    FacecoreError
    ├── SettingsError            a setting is outside its range
    ├── BusyError                no turn is free now; one may be in a moment
    ├── ImageError               this one file cannot be read; others may
    │   ├── UnsupportedImageError    not a picture, or a format we do not take
    │   ├── ImageTooLargeError       more pixels than the limit, told by the header
    │   └── DamagedImageError        the header is fine, the pixels are not
    ├── ArchiveError             a ZIP file is refused as a whole
    ├── BatchError               many photos cannot be begun, gone on with or written
    ├── ServerError              a server cannot listen where it was asked to
    ├── WorkerError              a worker process cannot be had, or is gone
    │   ├── WorkerDiedError          it ended by itself or was killed
    │   └── WorkerTimeoutError       it did not answer in time and was stopped
    └── ModelError               nothing can be read until it is mended
        ├── ModelMissingError        a network's file is in none of the folders
        ├── ModelHashError           a file is there, but is not the known one
        └── EngineError              the engine cannot load or run the networks

The message of each is one sentence or two for the person in front of the
screen: what is wrong and what to do next. It is written with named places, as
a `Text`: ``SettingsError("The seed must be 1 to {most}.", most=9)``; as a
string it is English, and `facecore.wording` says it in other languages.
"""

import logging

from facecore import wording

_LOGGER = logging.getLogger(__name__)


class FacecoreError(Exception):
    """Base of all errors that facecore raises on purpose; ``text`` is its message as a `Text`."""

    def __init__(self, message: str = "", plural: str = "", /, **values: object) -> None:
        self.text = wording.Text(message, plural, **values)
        super().__init__(self.text)


class SettingsError(FacecoreError):
    """A setting is outside its range or of the wrong type."""


class BusyError(FacecoreError):
    """Too many runs wait already; ``retry_after_s`` (whole seconds) says when to try again."""

    def __init__(self, message: str, /, retry_after_s: int = 1, **values: object) -> None:
        super().__init__(message, **values)
        self.retry_after_s = retry_after_s


class ImageError(FacecoreError):
    """One picture cannot be read."""


class UnsupportedImageError(ImageError):
    """The bytes are no picture, or a format that is not accepted."""


class ImageTooLargeError(ImageError):
    """The header claims more pixels than the limit allows."""


class DamagedImageError(ImageError):
    """The header can be read, the pixels cannot."""


class ArchiveError(FacecoreError):
    """A ZIP file is refused as a whole."""


class BatchError(FacecoreError):
    """A batch of photos cannot be begun, gone on with or written."""


class ServerError(FacecoreError):
    """A server cannot be started where it was asked to."""


class WorkerError(FacecoreError):
    """A worker process cannot be started or is of no more use."""


class WorkerDiedError(WorkerError):
    """A worker process ended by itself or was killed."""


class WorkerTimeoutError(WorkerError):
    """A worker process did not answer in time and was stopped."""


class ModelError(FacecoreError):
    """The networks are not usable."""


class ModelMissingError(ModelError):
    """A file of a network was found in none of the places."""


class ModelHashError(ModelError):
    """A file of a network was found, but its SHA-256 is not the known one."""


class EngineError(ModelError):
    """The inference engine cannot load or run a network."""


def friendly_message(error: Exception) -> wording.Text:
    """Return the sentence to show for an error; an unexpected one is logged with its traceback."""
    if isinstance(error, FacecoreError):
        return error.text
    _LOGGER.error("unexpected error", exc_info=error)
    if isinstance(error, MemoryError):
        return wording.Text("There is not enough memory for this: try a smaller photo.")
    return wording.Text(
        "Something unexpected went wrong: try again, or another photo (the log says more)."
    )
