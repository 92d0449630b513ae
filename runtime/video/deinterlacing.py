"""Deinterlacing: frames that are woven of two moments become whole frames of one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from mmnet.runtime.video.ffmpeg import pyav

if TYPE_CHECKING:
    from fractions import Fraction

    from av import VideoFrame

# FFmpeg's motion-adaptive filter. One frame for each, so that every frame keeps its time; frames that are not marked as
# interlaced pass unchanged.
_FILTER, _OPTIONS = "bwdif", "mode=send_frame:deint=interlaced"


def deinterlaced(frames: Iterable[VideoFrame], time_base: Fraction) -> Iterator[VideoFrame]:
    """Yield the frames of a video, each that its decoder marks as interlaced made whole.

    As long as no frame is marked, frames pass without a filter.

    Args:
        frames: as decoded, in the order in which they are shown.
        time_base: seconds; the unit of the frames' times, before and after.
    """
    graph: _Graph | None = None
    for frame in frames:
        if graph is not None and not graph.takes(frame):
            yield from graph.end()
            graph = None
        if graph is None and frame.interlaced_frame:
            graph = _Graph(frame, time_base)
        if graph is None:
            yield frame
        else:
            yield from graph.put(frame)
    if graph is not None:
        yield from graph.end()


class _Graph:
    """A filter for frames of one size and format; it holds the last frame back until the next one comes."""

    def __init__(self, frame: VideoFrame, time_base: Fraction) -> None:
        self._shape, self._time_base = _shape(frame), time_base
        self._graph: Any = pyav().filter.Graph()
        width, height, name = self._shape
        source = self._graph.add_buffer(width=width, height=height, format=name, time_base=time_base)
        self._taken, self._given = 0, 0
        self._graph.link_nodes(source, self._graph.add(_FILTER, _OPTIONS), self._graph.add("buffersink")).configure()

    def takes(self, frame: VideoFrame) -> bool:
        """Whether a frame has the size and the format of the filter."""
        return _shape(frame) == self._shape

    def put(self, frame: VideoFrame) -> Iterator[VideoFrame]:
        """Take a frame, and yield those that are done."""
        self._last = frame
        self._taken += 1
        self._graph.push(frame)
        yield from self._done()

    def end(self) -> Iterator[VideoFrame]:
        """Yield what the filter still holds."""
        if self._taken == 1:  # the filter leaves a single frame as it is
            self._graph.push(self._last)
        self._graph.push(None)
        yield from islice(self._done(), self._taken - self._given)

    def _done(self) -> Iterator[VideoFrame]:
        av = pyav()
        while True:
            try:
                frame = self._graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            if frame.pts is not None and frame.time_base is not None:
                frame.pts = round(frame.pts * frame.time_base / self._time_base)  # the filter counts in halves
                frame.time_base = self._time_base
            self._given += 1
            yield frame


def _shape(frame: VideoFrame) -> tuple[int, int, str]:
    return frame.width, frame.height, frame.format.name
