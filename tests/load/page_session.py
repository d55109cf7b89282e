"""A visitor of the Analyze page without a browser: Streamlit's own messages over its websocket."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import requests
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import FileUploaderState, FileURLs, UploadedFileInfo
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

_XSRF_COOKIE = "_streamlit_xsrf"


class LostAnswerError(Exception):
    """A client gave no answer: the connection broke, or nothing came in time."""


@dataclass
class PageView:
    """What one run of the page's script put on the screen.

    Attributes:
        errors: the red boxes' sentences.
        metrics: label to value.
        exceptions: what Streamlit shows of an exception that nobody caught.
        images: addresses of pictures, relative to the server.
        texts: everything that is shown as Markdown, caption or plain text.
    """

    errors: list[str] = field(default_factory=list)
    metrics: dict[str, str] = field(default_factory=dict)
    exceptions: list[str] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    uploader_id: str = ""
    succeeded: bool = False


class PageSession:
    """One session of the dashboard, as a browser tab has it; for one thread."""

    def __init__(self, address: str, *, timeout_s: float = 120.0) -> None:
        """Open the page; the first view is that of the sample.

        Raises:
            LostAnswerError: the server does not answer.
        """
        self._address = address
        self._timeout_s = timeout_s
        self._open = ExitStack()
        self._http = self._open.enter_context(requests.Session())
        # The server closes idle connections after 5 s, perhaps just when the next request
        # goes out; browsers then ask again, this client does not.
        self._http.headers["Connection"] = "close"
        self._uploaded: list[tuple[UploadedFileInfo, FileURLs]] = []
        self._session_id = ""
        try:
            self._http.get(f"{address}/_stcore/health", timeout=timeout_s)
            self._xsrf = self._http.cookies.get(_XSRF_COOKIE) or ""
            self._socket = self._open.enter_context(
                connect(
                    address.replace("http", "ws", 1) + "/_stcore/stream",
                    origin=Origin("/".join(address.split("/")[:3])),
                    subprotocols=[Subprotocol("streamlit")],
                    additional_headers={"Cookie": self.cookies()},
                    max_size=None,
                    open_timeout=timeout_s,
                )
            )
        except (OSError, TimeoutError, requests.RequestException) as error:
            raise LostAnswerError(f"the page does not open: {error}") from error
        self.view = self._run()

    def upload(self, name: str, data: bytes) -> int:
        """Send a file's bytes to the uploader without showing it yet; gives the HTTP status.

        Raises:
            LostAnswerError: the connection broke.
        """
        urls = self.upload_place(name)
        try:
            answer = self._http.put(
                self._address + urls.upload_url,
                files={"file": (name, data, "application/octet-stream")},
                headers=self.headers(),
                timeout=self._timeout_s,
            )
        except requests.RequestException as error:
            raise LostAnswerError(f"the upload broke: {error}") from error
        if answer.ok:
            info = UploadedFileInfo(file_id=urls.file_id, name=name, size=len(data))
            self._uploaded.append((info, urls))
        return answer.status_code

    def upload_place(self, name: str) -> FileURLs:
        """Ask where a file of this name may be put, as the uploader does.

        Raises:
            LostAnswerError: the connection broke.
        """
        message = BackMsg()
        message.file_urls_request.request_id = uuid.uuid4().hex
        message.file_urls_request.session_id = self._session_id
        message.file_urls_request.file_names.append(name)
        self._send(message)
        for reply in self._messages():
            if reply.WhichOneof("type") == "file_urls_response":
                urls: FileURLs = reply.file_urls_response.file_urls[0]
                return urls
        raise AssertionError("messages never end without an error")

    def headers(self) -> dict[str, str]:
        """Return the header that proves that a request comes from this session's page."""
        return {"X-Xsrftoken": self._xsrf}

    def cookies(self) -> str:
        """Return the header that carries the session's cookie."""
        return f"{_XSRF_COOKIE}={self._xsrf}"

    def show(self) -> PageView:
        """Run the page with what was uploaded, and look at the pictures as a browser does.

        Raises:
            LostAnswerError: the connection broke, or nothing came in time.
        """
        self.view = self._run()
        try:
            for image in self.view.images:
                self._http.get(self._address + image, timeout=self._timeout_s)
        except requests.RequestException as error:
            raise LostAnswerError(f"a picture does not come: {error}") from error
        return self.view

    def remove_uploads(self, keep: int = 0) -> None:
        """Take the oldest files out of the uploader, as its crosses do."""
        while len(self._uploaded) > keep:
            _, urls = self._uploaded.pop(0)
            try:
                self._http.delete(
                    self._address + urls.delete_url,
                    headers=self.headers(),
                    timeout=self._timeout_s,
                )
            except requests.RequestException as error:
                raise LostAnswerError(f"a file is not removed: {error}") from error

    def close(self) -> None:
        """Close the tab."""
        self._open.close()

    def __enter__(self) -> PageSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> PageView:
        message = BackMsg()
        message.rerun_script.query_string = ""
        if self._uploaded:
            message.rerun_script.widget_states.widgets.append(
                WidgetState(
                    id=self.view.uploader_id,
                    file_uploader_state_value=FileUploaderState(
                        uploaded_file_info=[
                            UploadedFileInfo(
                                file_id=info.file_id,
                                name=info.name,
                                size=info.size,
                                file_urls=urls,
                            )
                            for info, urls in self._uploaded
                        ]
                    ),
                )
            )
        self._send(message)
        view = PageView()
        for reply in self._messages():
            kind = reply.WhichOneof("type")
            if kind == "new_session":
                self._session_id = reply.new_session.initialize.session_id
                view = PageView()
            elif kind == "delta" and reply.delta.WhichOneof("type") == "new_element":
                _note(reply.delta.new_element, view)
            elif kind == "script_finished":
                # A run that a later one overtakes is not the answer.
                if reply.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                    continue
                view.succeeded = reply.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
                break
        return view

    def _send(self, message: BackMsg) -> None:
        try:
            self._socket.send(message.SerializeToString())
        except Exception as error:  # its own errors and the system's
            raise LostAnswerError(f"the page's connection broke: {error}") from error

    def _messages(self) -> Iterator[ForwardMsg]:
        deadline = time.monotonic() + self._timeout_s
        while True:
            try:
                data = self._socket.recv(timeout=max(0.0, deadline - time.monotonic()))
            except TimeoutError:
                raise LostAnswerError(f"the page did not answer in {self._timeout_s:g} s") from None
            except Exception as error:
                raise LostAnswerError(f"the page's connection broke: {error}") from error
            yield ForwardMsg.FromString(data if isinstance(data, bytes) else data.encode())


def _note(element: Any, view: PageView) -> None:
    kind = element.WhichOneof("type")
    if kind == "alert" and element.alert.format == element.alert.ERROR:
        view.errors.append(element.alert.body)
    elif kind == "exception":
        view.exceptions.append(f"{element.exception.type}: {element.exception.message}")
    elif kind == "metric":
        view.metrics[element.metric.label] = element.metric.body
    elif kind == "imgs":
        view.images += [image.url for image in element.imgs.imgs if image.url.startswith("/")]
    elif kind == "bidi_component":
        # The photo, with its boxes beside it.
        view.images += re.findall(r'"src": "(/[^"]+)"', element.bidi_component.json)
    elif kind == "file_uploader" and element.file_uploader.multiple_files and not view.uploader_id:
        # The one for photos: the sidebar's takes one file of settings.
        view.uploader_id = element.file_uploader.id
    elif kind in ("markdown", "text"):
        view.texts.append(getattr(element, kind).body)
