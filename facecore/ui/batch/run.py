"""Starting a batch, watching it, stopping it; it goes on while other pages are open."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Generator, Iterable
from dataclasses import asdict, replace
from typing import Any

import pandas as pd
import streamlit as st

from facecore.analysis.automatic import settled
from facecore.batch.answers import photo_table
from facecore.batch.background import BackgroundBatch, ClusterBatch, ReadPhoto, ReadPhotos
from facecore.engines import option_values
from facecore.executors.cluster import CLUSTER_VARIABLE, ClusterOptions, ClusterProgress
from facecore.executors.crew import read_on_cluster
from facecore.executors.reading import Outcome
from facecore.results import Analysis
from facecore.serving.service import process_service
from facecore.settings import AnalysisSettings, RuntimeOptions
from facecore.sources.photo import Photo
from facecore.ui import state
from facecore.ui.batch.earlier import keeper
from facecore.ui.batch.film import frames_control
from facecore.ui.batch.inputs import BUDGET, MAX_BATCH_PHOTOS, ChosenPhotos
from facecore.ui.batch.opened import reads_with
from facecore.ui.batch.results import metrics, table
from facecore.ui.components import bar_and_stop, friendly_errors, sign
from facecore.ui.readings import thumbnail
from facecore.video.frames import FrameReader
from facecore.video.sampling import Sampling
from facecore.video.tracks import FRAMES
from facecore.wording import Text, _, clock, counted, left_in_words, time_left_s

THUMBNAIL_SIDE_PX = 112
_LOOK_EVERY_S = 1.0
_NEWEST = 10
NO_ROOM = Text(
    "The server holds as many files of other visitors' batches as it has room for: try again later."
)
_NUMBERS = itertools.count()
session_batch = state.Remembered[BackgroundBatch | None]("batch", lambda: None, lasts=True)
"""This session's batch of photos, under way or ended."""


def start_button(chosen: ChosenPhotos) -> None:
    """Draw the button that starts a batch of these photos."""
    for message in state.messages.take():
        st.error(_(message), icon=":material/error:")
    settings, options = state.current_settings()
    st.caption(_("Reads with {settings}.", settings=reads_with(_stored(settings, options))))
    count = sum(not photo.passed_over for photo in chosen.photos)
    frames = frames_control(chosen)
    what = "file" if frames else "photo"
    words = _("Read {photos}", photos=counted(count, what)) if count else _("Read photos")
    on_cluster = bool(os.environ.get(CLUSTER_VARIABLE)) and st.toggle(
        _("Read on the cluster"),
        key="batch_on_cluster",
        help=_(
            "On the machines that this server has for it, many photos at once. They "
            "are sent there; the list has no small pictures then."
        ),
    )
    st.button(
        words,
        key="batch_start",
        type="primary",
        icon=":material/play_arrow:",
        on_click=_start,
        args=(chosen, on_cluster, frames),
        disabled=not count,
        help=_("With the settings of the sidebar as they are when you click."),
    )


def progress(batch: BackgroundBatch) -> bool:
    """Show how far a batch is, or how it ended and what is next; return whether it ended."""
    if _is_under_way(batch):
        _running()
        return False
    row = st.container(horizontal=True, vertical_alignment="center")
    row.markdown(f"**{_end_in_words(batch)}**")
    if batch.error:
        st.error(_(batch.error), icon=":material/error:")
    if batch.state != "complete":
        words = _("Try again") if batch.error else _("Go on")
        row.button(words, icon=":material/play_arrow:", on_click=_go_on, args=(batch,))
    row.button(_("New batch"), key="batch_new", icon=":material/add:", on_click=_forget)
    return True


@st.fragment(run_every=_LOOK_EVERY_S)
def _running() -> None:
    with friendly_errors():
        batch = session_batch()
        if batch is None or not batch.is_running:
            st.rerun()
        note = _("What is done is kept, and you can go on later.")
        st.caption(_("Reading with {settings}.", settings=reads_with(batch.settings)))
        if isinstance(batch, ClusterBatch):
            _nodes(batch.progress)
        bar_and_stop(batch, batch.share, in_words(batch), note)
        metrics(batch.answers.summary())
        if len(batch.answers):
            st.markdown(_("**The newest**"))
            newest_first = batch.answers.listed()[: -_NEWEST - 1 : -1]
            # Pictures would be loaded anew, and flicker, each second.
            table(photo_table(newest_first).drop(columns="preview"))


def batch_sign() -> None:
    """Show in the sidebar of every page that a batch is under way; goes on where it was paused."""
    batch = session_batch()
    if batch is not None and _is_under_way(batch):
        sign("photo_library", _sign_in_words)


def _sign_in_words() -> str | None:
    batch = session_batch()
    if batch is None:
        return None
    words = in_words(batch) if _is_under_way(batch) else _("done, its page has the answers.")
    return _("Batch: {words}", words=words)


def _nodes(progress: ClusterProgress) -> None:
    if progress.said or not progress.nodes:
        st.caption(
            _(progress.said) or _("The cluster is reached, and its workers load their networks.")
        )
    if progress.nodes:
        left_out = _("Left out")
        nodes = pd.DataFrame(
            {
                _("Node"): [node.name for node in progress.nodes],
                _("Workers"): [node.workers for node in progress.nodes],
                _("Photos"): [node.photos for node in progress.nodes],
                _("Photos a second"): [round(node.photos_per_s, 1) for node in progress.nodes],
                _("Workers lost"): [node.lost for node in progress.nodes],
                left_out: [_(node.note) for node in progress.nodes],
            }
        )
        hidden = [] if nodes[left_out].any() else [left_out]
        st.dataframe(nodes.drop(columns=hidden), hide_index=True)


def _start(chosen: ChosenPhotos, on_cluster: bool, frames: str) -> None:
    settings, options = state.current_settings()
    room = BUDGET.share(state.session_key())
    if not room.grow(chosen.size_bytes):
        state.messages().append(NO_ROOM)
        return
    stored = _stored(settings, options) | ({FRAMES: frames} if frames else {})
    videos = _frame_reader(frames) if frames else None
    batch = (
        ClusterBatch(chosen.photos, _cluster_reader(settings, options), stored, room, frames=videos)
        if on_cluster
        else BackgroundBatch(chosen.photos, reader(settings, options), stored, room, frames=videos)
    )
    batch.at_the_end = keeper()
    session_batch.keep(batch)
    state.batch_files.keep(frozenset(chosen.file_ids))
    _go_on(batch)


def _frame_reader(frames: str) -> FrameReader:
    return FrameReader(
        sampling=Sampling.parse(frames),
        max_pixels=process_service().max_pixels,
        most_frames=MAX_BATCH_PHOTOS,
    )


def _stored(settings: AnalysisSettings, options: RuntimeOptions) -> dict[str, Any]:
    return {**asdict(settings), **option_values(process_service().effective(options))}


def reader(settings: AnalysisSettings, options: RuntimeOptions, source: str = "batch") -> ReadPhoto:
    """Return what reads a photo in a job's thread, where the session cannot be asked.

    Args:
        settings: of every photo.
        options: likewise.
        source: what the history calls it.
    """
    faces, session_key, history = process_service(), state.session_key(), state.history()

    def read(photo: Photo, check: Callable[[object], None]) -> Analysis:
        with faces.turn(session_key, options, on_wait=check) as turn:
            # Inflated in here, so that batches that wait hold nothing.
            opened = turn.analyzer.memory(photo.read())
            analysis = turn.read(
                opened, settings, preview_side_px=THUMBNAIL_SIDE_PX, name=photo.name
            )
            small = thumbnail(opened, settings, analysis, THUMBNAIL_SIDE_PX)
        history.add(
            analysis,
            source=source,
            name=photo.name,
            runtime=options,
            waited_ms=turn.waited_ms,
        )
        return replace(analysis, preview_jpeg=small)

    return read


def _cluster_reader(settings: AnalysisSettings, options: RuntimeOptions) -> ReadPhotos:
    address, max_pixels = os.environ[CLUSTER_VARIABLE], process_service().max_pixels

    def read(
        photos: Iterable[Photo], progress: ClusterProgress, check: Callable[[], None]
    ) -> Generator[Outcome, None, None]:
        runtime = settled(options)
        cluster = ClusterOptions(address=address, runtime=runtime, max_pixels=max_pixels)
        return read_on_cluster(photos, settings, cluster, progress, check)

    return read


def _is_under_way(batch: BackgroundBatch) -> bool:
    if batch.state == "paused":
        # The connection was lost, and here is somebody again.
        _go_on(batch)
    return batch.is_running


def _go_on(batch: BackgroundBatch) -> None:
    _tied_to_session(batch, next(_NUMBERS))
    batch.start()


def _forget() -> None:
    # Lets go of the batch, its files and answers.
    _tied_to_session.clear()
    batch = session_batch()
    if batch is not None and batch.room:
        batch.room.give_back()
    session_batch.keep(None)
    state.batch_files.keep(frozenset())


@st.cache_resource(
    scope="session", max_entries=1, show_spinner=False, on_release=BackgroundBatch.pause
)
def _tied_to_session(_batch: BackgroundBatch, number: int) -> BackgroundBatch:
    """Pause a batch when its session ends or loses its connection, which releases this."""
    del number  # each start is tied anew; the one before is released
    return _batch


def in_words(batch: BackgroundBatch) -> str:
    """Return how far it is, and how long it will take."""
    if batch.state == "stopping":
        return _("Stopping after the photo under way …")
    done, total, done_now = len(batch.answers), batch.total, batch.done_now
    if total is None:
        if not batch.video:
            return _("{done} photos and frames done", done=done)
        return _(
            "{done} photos and frames done; {video}, {at} of {length}",
            done=done,
            video=batch.video,
            at=clock(batch.at_s),
            length=clock(batch.duration_s) if batch.duration_s else "…",
        )
    left_s = time_left_s(done_now, total - done + done_now, batch.elapsed_s)
    return _(
        "{done} of {photos}{left}",
        done=done,
        photos=counted(total, "photo"),
        left=left_in_words(left_s),
    )


def _end_in_words(batch: BackgroundBatch) -> str:
    done, total = len(batch.answers), batch.total
    if FRAMES in batch.settings:
        if batch.state == "complete":
            return _("All {total} photos and frames are done.", total=done)
        return _("Stopped after {done} photos and frames.", done=done)
    if batch.state == "complete":
        return _("The one photo is done.", "All {n} photos are done.", n=total)
    return _(
        "Stopped after {done} of {photos}.", done=done, photos=counted(len(batch.photos), "photo")
    )
