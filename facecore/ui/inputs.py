"""Choosing photos: a sample, files, or the camera; what was used last counts."""

from __future__ import annotations

from functools import partial

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from facecore.images import ACCEPTED_SUFFIXES
from facecore.samples import Sample, samples
from facecore.ui import state
from facecore.ui.photos import MAX_PHOTOS, PhotoInput


def chosen_photos() -> list[PhotoInput]:
    """Draw the three ways to choose photos and give those that are chosen; at least one."""
    left, right = st.columns([1, 2])
    with left:
        sample = _sample_choice()
        snapshot = _camera()
    with right:
        uploads = _uploads()
    source = state.photo_source()
    if source == "upload" and uploads:
        return [_from_upload(upload) for upload in uploads[:MAX_PHOTOS]]
    if source == "camera" and snapshot is not None:
        return [
            PhotoInput(
                key=f"camera:{snapshot.file_id}",
                name="camera.jpg",
                source="camera",
                read=snapshot.getvalue,
            )
        ]
    return [_from_sample(sample)]


def _sample_choice() -> Sample:
    by_key = {sample.key: sample for sample in samples()}
    key = st.selectbox(
        "Sample photo",
        list(by_key),
        format_func=lambda key: by_key[key].title,
        key="sample",
        bind="query-params",
        on_change=partial(state.choose_source, "sample"),
    )
    return by_key[key or next(iter(by_key))]


def _camera() -> UploadedFile | None:
    if not st.toggle("Use the camera", key="use_camera"):
        return None
    return st.camera_input(
        "Take a picture", key="camera", on_change=partial(state.choose_source, "camera")
    )


def _uploads() -> list[UploadedFile]:
    uploads = st.file_uploader(
        "Or drop your own photos here: JPEG, PNG, WebP, BMP, TIFF, AVIF",
        type=[suffix.lstrip(".") for suffix in ACCEPTED_SUFFIXES],
        accept_multiple_files=True,
        key="uploads",
        on_change=partial(state.choose_source, "upload"),
        help="They stay in this server's memory while you look at them and are never stored.",
    )
    if len(uploads) > MAX_PHOTOS:
        st.warning(f"Only the first {MAX_PHOTOS} photos are read: upload the others afterwards.")
    return uploads


def _from_upload(upload: UploadedFile) -> PhotoInput:
    return PhotoInput(
        key=f"upload:{upload.file_id}", name=upload.name, source="upload", read=upload.getvalue
    )


def _from_sample(sample: Sample) -> PhotoInput:
    return PhotoInput(
        key=f"sample:{sample.key}",
        name=sample.file_name,
        source="sample",
        read=sample.read,
        truth=sample.truth,
        credit=sample.credit,
    )
