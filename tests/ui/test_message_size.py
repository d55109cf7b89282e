"""The largest messages that pages are sent fit through the websocket."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import numpy as np
import pytest
from streamlit.dataframe_util import convert_pandas_df_to_arrow_bytes

from facecore.batch.answers import ListedPhoto, photo_table
from facecore.experiment.environment import MAX_PHOTOS
from facecore.experiment.record import MAX_REPEATS
from facecore.experiment.variants import MAX_VARIANTS
from facecore.imaging.decoding import encode_jpeg
from facecore.serving.history import MAX_RECORDS
from facecore.ui.batch.inputs import MAX_BATCH_PHOTOS
from facecore.ui.batch.run import THUMBNAIL_SIDE_PX
from facecore.ui.compare.charts import latency_violins
from facecore.ui.monitor.charts import latency_by_run
from facecore.ui.readings import THUMBNAIL_QUALITY
from tests.conftest import REPOSITORY
from tests.experiment.conftest import made_trial
from tests.ui.test_charts import RUN

LONG_NAME = "x" * 250 + ".jpg"


@pytest.fixture(scope="module")
def most_bytes() -> int:
    """The largest message that a page is sent; what is taken from it is another limit."""
    config = tomllib.loads((REPOSITORY / ".streamlit/config.toml").read_text())
    megabytes = config["server"]["maxMessageSize"]
    assert megabytes <= 20
    return int(megabytes * 1e6)


def test_list_of_a_full_batch_fits(most_bytes: int) -> None:
    """As many photos as there may be, with small pictures that cannot be packed any smaller."""
    side = (THUMBNAIL_SIDE_PX, THUMBNAIL_SIDE_PX, 3)
    noise = np.random.default_rng(1).integers(0, 256, side, dtype=np.uint8)
    listed = ListedPhoto(
        name=LONG_NAME,
        faces=3,
        latency_ms=1 / 3,
        error="",
        thumbnail_jpeg=encode_jpeg(noise, THUMBNAIL_QUALITY),
    )
    table = photo_table([listed] * MAX_BATCH_PHOTOS)
    assert len(convert_pandas_df_to_arrow_bytes(table)) < most_bytes


def test_chart_of_a_full_history_fits(most_bytes: int) -> None:
    """As many runs as are kept, of photos with long names."""
    runs = [replace(RUN, number=number, name=LONG_NAME) for number in range(MAX_RECORDS)]
    assert len(latency_by_run(runs).to_json()) < most_bytes


@pytest.mark.slow
def test_chart_of_the_longest_experiment_fits(most_bytes: int) -> None:
    """As many trials as an experiment may have."""
    names = [str(number) for number in range(MAX_VARIANTS)]
    each = MAX_PHOTOS * MAX_REPEATS
    trials = [
        one
        for place in range(MAX_VARIANTS)
        for one in [made_trial(place, "a", 1, 123 + 1 / 3)] * each
    ]
    assert len(latency_violins(trials, names).to_json()) < most_bytes
