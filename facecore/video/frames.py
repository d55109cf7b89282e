"""The frames of videos as photos, each when it is its turn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from facecore.errors import FacecoreError, ImageError, UnsupportedImageError, WorkerError
from facecore.imaging.kinds import HEAD_BYTES, PHOTO_FORMATS, container_of, kind_of
from facecore.settings import DEFAULT_MAX_PIXELS
from facecore.sources.photo import Photo
from facecore.video.decoder import Decoder
from facecore.video.sampling import Sampling
from facecore.wording import clock

_MOMENT = "#t="


@dataclass(slots=True, kw_only=True)
class FrameReader:
    """How videos are read: give it photos, take photos from it.

    Attributes:
        sampling: which frames.
        max_pixels: of one frame; a video with larger ones is refused.
        wanted: says of each frame, and of the sentence about a video, whether it is read; the
            pixels of the others are not asked for.
        most_frames: of all videos together.
        passed: called on the way, with the video, the seconds that are decoded, and how many it
            says it has (0 where it does not); what it raises ends it all.
    """

    sampling: Sampling
    max_pixels: int = DEFAULT_MAX_PIXELS
    wanted: Callable[[Photo], bool] = lambda _: True
    most_frames: int = 10_000_000
    passed: Callable[[Photo, float, float], object] = lambda *_: None
    _taken: int = field(default=0, init=False)

    def read(self, photos: Iterable[Photo]) -> Iterator[Photo]:
        """Return photos as they are, and in each video's place its frames, in order of time.

        A frame has its bytes with it, as a BMP; one at a time is decoded. A video that cannot
        be read, or not to its end, has a photo that says so behind its frames.
        """
        self._taken = 0
        for photo in photos:
            if photo.is_video:
                yield from self._frames(photo)
            else:
                yield photo

    def _frames(self, video: Photo) -> Iterator[Photo]:
        at_s = 0.0
        try:
            data = video.read()
            if kind_of(data[:HEAD_BYTES]) in PHOTO_FORMATS:
                yield replace(video, is_video=False)
                return
            with Decoder() as decoder:
                duration_s = _open(decoder, data, self.sampling, self.max_pixels)
                del data
                while not (step := decoder.step()).ended:
                    at_s = step.time_s
                    self.passed(video, at_s, duration_s)
                    if step.frame is not None:
                        self._count()
                        frame = frame_of(video, at_s, step.frame, self.max_pixels)
                        if self.wanted(frame):
                            yield replace(frame, read=_held(decoder.picture()))
        except FacecoreError as error:
            told = _told(error, at_s)
            if self.wanted(replace(video, is_video=False)):
                yield replace(video, read=_telling(told), problem=True, is_video=False)

    def anew(self, frame: Photo, videos: Mapping[str, Photo]) -> Photo:
        """Return a frame without its bytes, to be decoded anew; what is none stays as it is.

        Args:
            frame: that was read.
            videos: where it may be from, by their names.
        """
        if frame.time_s is None or frame.frame is None:
            return frame
        return frame_of(videos[video_of(frame.name)], frame.time_s, frame.frame, self.max_pixels)

    def _count(self) -> None:
        self._taken += 1
        if self._taken > self.most_frames:
            raise ImageError(
                "Only {most} frames are read of all videos together: choose fewer of each second.",
                most=self.most_frames,
            )


def frame_of(video: Photo, time_s: float, frame: int, max_pixels: int) -> Photo:
    """Return a frame of a video as a photo, which is decoded anew each time that it is read.

    Args:
        video: where it is from.
        time_s: when it is shown, seconds; a part of its name, such as "clip.mp4#t=12.480".
        frame: its number, from 0.
        max_pixels: larger ones are refused.
    """
    return Photo(
        name=f"{video.name}{_MOMENT}{time_s:.3f}",
        read=partial(_decoded, video, frame, time_s, max_pixels),
        key=f"{video.key}#{frame}" if video.key else "",
        time_s=time_s,
        frame=frame,
    )


def video_of(name: str) -> str:
    """Return the name of the video that a frame is from, by the frame's name."""
    return name.rpartition(_MOMENT)[0]


def _open(decoder: Decoder, data: bytes, sampling: Sampling, max_pixels: int) -> float:
    container = container_of(data[:HEAD_BYTES])
    if not container:
        raise UnsupportedImageError(
            "This is not a video that is read, whatever its name says: save it as MP4 (H.264) or "
            "WebM (VP9)."
        )
    return decoder.open(data, container, sampling, max_pixels)


def _decoded(video: Photo, frame: int, time_s: float, max_pixels: int) -> bytes:
    with Decoder() as decoder:
        _open(decoder, video.read(), Sampling(), max_pixels)
        decoder.go_to(frame, time_s)
        return decoder.picture()


def _held(data: bytes) -> Callable[[], bytes]:
    return lambda: data


def _telling(error: FacecoreError) -> Callable[[], bytes]:
    def tell() -> bytes:
        raise error

    return tell


def _told(error: FacecoreError, at_s: float) -> FacecoreError:
    if not isinstance(error, WorkerError):
        return error
    return ImageError(
        "This video ended its decoder after {time}. {error} What was read before that stays: save "
        "the video as MP4 (H.264) or WebM (VP9) and try again.",
        time=clock(at_s),
        error=error.text,
    )
