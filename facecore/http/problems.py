"""What goes wrong with a request: a status, and one sentence as JSON."""

from __future__ import annotations

import logging
from typing import Any

from starlette.responses import JSONResponse

from facecore.errors import (
    BusyError,
    FacecoreError,
    ImageError,
    ImageTooLargeError,
    ModelError,
    UnsupportedImageError,
    friendly_message,
)
from facecore.wording import Text, offered_language

# By what is most special first; anything else is 500.
_STATUS_OF: tuple[tuple[type[Exception], int], ...] = (
    (UnsupportedImageError, 415),
    (ImageTooLargeError, 413),
    (ImageError, 400),
    (BusyError, 429),
    (ModelError, 503),
    (MemoryError, 503),
)


class RequestError(FacecoreError):
    """A request that cannot be answered as it is.

    ``status`` is an HTTP status code, ``headers`` go with the answer.
    """

    def __init__(
        self, status: int, message: str, headers: dict[str, str] | None = None, /, **values: Any
    ) -> None:
        super().__init__(message, **values)
        self.status = status
        self.headers = headers or {}


_LOGGER = logging.getLogger(__name__)

NO_NETWORKS = Text("The server cannot load its networks: its log says why.")


def problem_of(error: Exception) -> RequestError:
    """Return an error as the client may see it; an unexpected one is logged with its traceback."""
    message = friendly_message(error)
    if isinstance(error, RequestError | BusyError):
        # Of those that came to a run, it tells.
        _LOGGER.info("%s", message)
    if isinstance(error, RequestError):
        return error
    if isinstance(error, ModelError):
        # It names files of this machine, which are no stranger's business.
        _LOGGER.warning("%s", message)
        message = NO_NETWORKS
    status = next((status for kind, status in _STATUS_OF if isinstance(error, kind)), 500)
    headers = {"Retry-After": str(error.retry_after_s)} if isinstance(error, BusyError) else None
    return RequestError(status, message, headers)


def problem_response(error: Exception, languages: str | None = None) -> JSONResponse:
    """Return the answer for an error; an unexpected one is logged with its traceback.

    ``languages`` are those that the client likes to read (Accept-Language).
    """
    problem = problem_of(error)
    headers = problem.headers
    if "Retry-After" in headers:
        # Who comes back later comes anew: kept open, the connection would end as unused at about
        # the time that the client was told, and cut the next request off.
        headers = {**headers, "Connection": "close"}
    said = problem.text.said_in(offered_language(languages))
    return JSONResponse({"error": said}, problem.status, headers=headers)
