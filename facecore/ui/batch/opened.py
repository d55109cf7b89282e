"""A photo of a batch that was clicked on: drawn, with its faces, and what it was read with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import Any

import pandas as pd
import streamlit as st

from facecore.batch.annotated_zip import drawn_jpeg, numbers_of
from facecore.batch.answers import data_uri
from facecore.batch.background import BackgroundBatch
from facecore.engines import titles
from facecore.errors import FacecoreError
from facecore.export import FailedRow, PhotoRow
from facecore.imaging.decoding import BgrImage, cap_longest_side, decode_image, encode_jpeg
from facecore.models.catalogue import set_spec
from facecore.serving.service import process_service
from facecore.settings import AnalysisSettings
from facecore.settings.presets import PRESETS
from facecore.settings.setting import declared, differences, differences_in_words
from facecore.video.tracks import FRAMES
from facecore.wording import Text, _

_CROP_SIDE_PX = 96
_MARGIN_RATIO = 0.2
_ROW_HEIGHT_PX = 72


def reads_with(settings: Mapping[str, Any]) -> str:
    """Return a batch's settings in words: preset, set of networks, engine, and what differs."""
    known = declared(AnalysisSettings)
    ours = {name: settings[name] for name in known if name in settings}
    presets = {name: asdict(one) for name, one in PRESETS.items()}
    nearest = min(presets, key=lambda name: len(differences(ours, presets[name])))
    words = differences_in_words(ours, presets[nearest], known)
    said = _(
        "preset {preset}, networks {networks}, engine {engine}",
        preset=Text(nearest),
        networks=Text(set_spec(str(settings["model_set"])).title),
        engine=titles(str(settings["engine"])),
    )
    if words:
        said += _("; differs by {differences}", differences=words)
    return said + (_("; frames {frames}", frames=settings[FRAMES]) if FRAMES in settings else "")


def opened_photo(
    batch: BackgroundBatch,
    place: int,
    turn: Callable[[], AbstractContextManager[object]],
    key: str = "batch_faces",
) -> None:
    """Show a photo of a batch, counted from 0, with its faces drawn and listed.

    Args:
        batch: holds the photos' files, and their rows.
        place: of the photo.
        turn: held while the photo is decoded and drawn; not while a video's frame is decoded.
        key: of the table of its faces.
    """
    row = batch.row(place)
    st.text(row.path)
    if isinstance(row, FailedRow):
        st.error(_(row.error), icon=":material/broken_image:")
        return
    crops: list[bytes] = []
    try:
        photo = batch.photos[place]
        # Looked for from the key frame before it, which may take a minute, by another process. A
        # photo is inflated in its turn, so that those who wait hold nothing.
        frame = None if photo.time_s is None else photo.read()
        with turn():
            data = photo.read() if frame is None else frame
            image = decode_image(data, max_pixels=process_service().max_pixels)
            drawn = drawn_jpeg(image, row)
            crops = [_crop(image, face.box_xyxy) for face in row.faces]
        st.image(drawn, width="stretch", alt=_("The photo with its faces marked"))
    except FacecoreError as error:
        st.error(_(error), icon=":material/broken_image:")
    _faces(row, crops, key)


def _crop(image: BgrImage, box_xyxy: tuple[int, int, int, int]) -> bytes:
    x0, y0, x1, y1 = box_xyxy
    margin = round(_MARGIN_RATIO * max(x1 - x0, y1 - y0))
    height, width = image.shape[:2]
    left, top = min(max(0, x0 - margin), width - 1), min(max(0, y0 - margin), height - 1)
    part = image[top : max(top + 1, y1 + margin), left : max(left + 1, x1 + margin)]
    return encode_jpeg(cap_longest_side(part, _CROP_SIDE_PX))


def _faces(row: PhotoRow, crops: list[bytes], key: str) -> None:
    if not row.faces:
        st.info(_("No face reaches the confidence that the batch was read with."))
        return
    table = pd.DataFrame(
        {
            "number": numbers_of(row),
            "crop": [data_uri(crop) for crop in crops] or None,
            "gender": [_answer(face.gender, face.gender_probabilities) for face in row.faces],
            "age": [_answer(face.age_group, face.age_group_probabilities) for face in row.faces],
            "years": [face.age_years for face in row.faces],
            "confidence": [face.confidence for face in row.faces],
        }
    )
    st.dataframe(
        table.dropna(axis="columns", how="all"),
        hide_index=True,
        row_height=_ROW_HEIGHT_PX,
        key=key,
        column_config={
            "number": st.column_config.NumberColumn("", width=30),
            "crop": st.column_config.ImageColumn(_("Face"), width=70),
            "gender": st.column_config.TextColumn(_("Gender"), width=80),
            "age": st.column_config.TextColumn(_("Age group"), width=90),
            "years": st.column_config.NumberColumn(_("Years"), format="%.0f", width=50),
            "confidence": st.column_config.NumberColumn(_("Confidence"), format="percent"),
        },
    )


def _answer(label: str, probabilities: Mapping[str, float]) -> str:
    return _("{label}, {probability:.0%}", label=Text(label), probability=probabilities[label])
