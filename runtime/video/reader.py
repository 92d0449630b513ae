"""Reading of video files: frames that are upright and RGB, each with its own timestamp."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmnet.arrays import AnyArray, U8Array
from mmnet.closing import Closing
from mmnet.errors import MMNetError
from mmnet.failures import note
from mmnet.runtime.imaging.stored import MAX_PIXELS
from mmnet.runtime.video.colour import Colour, has_alpha, to_alpha, to_rgb
from mmnet.runtime.video.deinterlacing import deinterlaced
from mmnet.runtime.video.ffmpeg import VideoError, pyav, reason
from mmnet.runtime.video.opening import open_video
from mmnet.runtime.video.spans import Spans

if TYPE_CHECKING:
    from av import VideoFrame

_DEFAULT_RATE = Fraction(25)
_ODD_ANGLE = 0.02  # tangent of the largest deviation from a quarter turn that is not mentioned
_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}


@dataclass(frozen=True)
class TimedFrame:
    """A frame and when it is shown.

    Attributes:
        frame: uint8 [H, W, 3], RGB, upright.
        timestamp_ms: milliseconds from the beginning of the video.
    """

    frame: U8Array
    timestamp_ms: Fraction


class VideoInput(Closing):
    """An open video: anything that FFmpeg decodes. It can be iterated once.

    Attributes:
        name: what messages call the video.
        height, width: of its frames, upright, in pixels.
        pixel_aspect: width of a pixel divided by its height, upright.
        time_base: seconds; the time of every frame is a multiple of it.
        rate: frames per second, the average that the file states.
        length: how many frames it has, roughly; None if the file does not tell.
        colour: how its numbers are converted to RGB.
        has_alpha: whether its frames have an alpha channel; iterating composites them over white.
        metadata: title, date and so on.
        start: seconds that are subtracted from every timestamp of the file, so that the video begins at 0.
        damage: what was skipped of a damaged video with `salvage`; None if nothing was.
    """

    def __init__(self, source: Path | str, *, salvage: bool = False) -> None:
        """Open a video and decode its first frame.

        Args:
            source: a file, or as a string a URL or a device that FFmpeg opens.
            salvage: skip what is damaged instead of raising, and stop where nothing further can be read.

        Raises:
            VideoError: there is no such file, it holds no video, or it is damaged before its first frame.
            MissingExtraError: PyAV is not installed.
        """
        av = pyav()
        self.name = str(source)
        self.damage: str | None = None
        self._salvage = salvage
        self._path = source if isinstance(source, Path) else None
        if self._path is not None:
            _check_file(self._path)
        self._container = open_video(source)
        try:
            self._begin(av)
        except (MMNetError, KeyboardInterrupt):
            self._container.close()
            raise
        except Exception as error:  # PyAV raises many kinds for what it does not know
            self._container.close()
            raise VideoError(f"{self.name}: cannot be read: {reason(error)}") from error

    def _begin(self, av: Any) -> None:
        self._stream = self._choose_stream(av)
        self._decoder = _decoder(self.name, self._stream, av)
        self._decoder.thread_type = "AUTO"
        width, height = self._stream.codec_context.width, self._stream.codec_context.height
        if width * height > MAX_PIXELS:
            raise VideoError(
                f"{self.name}: {width}×{height} is too large; frames of at most {MAX_PIXELS:,} pixels are read"
            )
        self._decoder.options = {"max_pixels": str(MAX_PIXELS)}  # a later frame may be larger
        self.time_base: Fraction = self._stream.time_base or 1 / _DEFAULT_RATE
        self.rate: Fraction = self._stream.average_rate or self._stream.guessed_rate or _DEFAULT_RATE
        self.metadata: dict[str, str] = dict(self._container.metadata)
        self.start = Fraction(max(0, self._container.start_time or 0), av.time_base)
        self._decoded = 0
        self._frames = self._decode(av)
        try:
            first = next(self._frames)
        except StopIteration:
            raise VideoError(f"{self.name}: has no frame in it that can be decoded") from None
        self._ahead: list[VideoFrame] | None = [first]
        if self._container.format.name == "gif":
            self._ahead += islice(self._frames, 1)
            if len(self._ahead) == 1:
                raise VideoError(f"{self.name}: is a GIF image without motion, not a video; save it as a PNG")
        self.colour, self.has_alpha = Colour.of(first), has_alpha(first)
        self._stored_height, self._stored_width = first.height, first.width
        self._upright = _Upright.of(first)
        if self._upright.is_approximate:
            note(f"{self.name}: is to be shown at an angle that is no quarter turn; its frames get the nearest one")
        turned = self._upright.transposed
        self.height, self.width = (first.width, first.height) if turned else (first.height, first.width)
        aspect = self._stream.sample_aspect_ratio or Fraction(1)
        self.pixel_aspect: Fraction = 1 / aspect if turned else aspect
        self.length = self._length(av)

    def __iter__(self) -> Iterator[TimedFrame]:
        """Iterate over the frames in the order in which they are shown; their times strictly increase.

        Raises:
            VideoError: the rest is damaged or missing. With `salvage`, the iteration ends instead.
        """
        latest: int | None = None
        shift = round(self.start / self.time_base)
        step = max(1, round(1 / self.rate / self.time_base))
        for frame in self._decoded_frames():
            latest = time = _later(latest, None if frame.pts is None else frame.pts - shift, step)
            yield TimedFrame(self._turned(frame, to_rgb), time * self.time_base * 1000)

    def alphas(self) -> Iterator[U8Array]:
        """Iterate over the alpha channels of the frames instead, uint8 [H, W]; only if `has_alpha`.

        Raises:
            VideoError: as iterating over the frames.
        """
        for frame in self._decoded_frames():
            yield self._turned(frame, to_alpha)

    def _decoded_frames(self) -> Iterator[VideoFrame]:
        """Iterate over the frames as decoded, those that are interlaced made whole."""
        if self._ahead is None:
            raise VideoError(f"{self.name}: was read already; open it again")
        ahead, self._ahead = self._ahead, None
        yield from deinterlaced(chain(ahead, self._frames), self.time_base)

    def _choose_stream(self, av: Any) -> Any:
        """Return the video stream: the only one, or the only one that is marked as the default.

        Cover images are no videos.

        Raises:
            VideoError: there is none, or it is unclear which of several is meant.
        """
        disposition = av.stream.Disposition
        streams = [one for one in self._container.streams.video if not one.disposition & disposition.attached_pic]
        streams = [one for one in streams if one.codec_context is not None]
        if not streams:
            raise VideoError(f"{self.name}: has no video in it that can be decoded")
        marked = [one for one in streams if one.disposition & disposition.default] if len(streams) > 1 else streams
        if len(marked) == 1:
            return marked[0]
        raise VideoError(
            f"{self.name}: has {len(streams)} video tracks, and not exactly one is marked as the default; copy the one "
            "that you mean into a file of its own (ffmpeg -i FILE -map 0:v:0 -map 0:a? -c copy OUT)"
        )

    def _turned(self, frame: VideoFrame, convert: Callable[[VideoFrame, Colour, int, int], U8Array]) -> U8Array:
        """Return a frame converted and upright."""
        try:
            return self._upright.apply(convert(frame, self.colour, self._stored_width, self._stored_height))
        except (ValueError, OSError) as error:  # of FFmpeg, too: a format of pixels that is not converted
            raise VideoError(
                f"{self.name}: its frames of {frame.format.name} cannot be read: {reason(error)}"
            ) from error

    def close(self) -> None:
        """Close the file. Closing twice is fine."""
        self._frames.close()
        self._container.close()

    def _decode(self, av: Any) -> Any:
        """Iterate over the frames as decoded. Being a generator, it keeps reading and its errors in one place."""
        spans = Spans()
        packets = self._container.demux()
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                break
            except (av.error.FFmpegError, OSError, ValueError) as error:
                self._damaged(reason(error))
                packets = iter(())
                break
            spans.add(packet)
            if packet.stream.index != self._stream.index:
                continue
            if packet.is_corrupt:
                self._damaged("a packet is incomplete")
            yield from self._frames_of(packet, av)
        yield from self._flush(av)
        missing = spans.missing(self._container, self._stream, av.time_base, self._path)
        if missing is not None:
            self._damaged(f"its last {float(missing):.1f} s are missing")

    def _frames_of(self, packet: Any, av: Any) -> Iterator[VideoFrame]:
        try:
            frames = self._decoder.decode(packet)
        except av.error.EOFError:
            return  # the decoder was flushed already
        except (av.error.FFmpegError, ValueError) as error:
            self._damaged(reason(error))
            return
        for frame in frames:
            if frame.is_corrupt:
                self._damaged("a frame is incomplete")
            self._decoded += 1
            yield frame

    def _flush(self, av: Any) -> Iterator[VideoFrame]:
        """Iterate over the frames that the decoder still holds when reading ended with an error."""
        try:
            frames = self._decoder.decode(None)
        except (av.error.FFmpegError, ValueError):  # the decoder was flushed already
            return
        for frame in frames:
            self._decoded += 1
            yield frame

    def _damaged(self, what: str) -> None:
        message = f"{self.name}: is truncated or damaged after {self._decoded} frames ({what})"
        if not self._salvage:
            raise VideoError(f"{message}; copy it again (salvage=True mattes what can be decoded)")
        self.damage = self.damage or message

    def _length(self, av: Any) -> int | None:
        if self._stream.frames:
            return int(self._stream.frames)
        if self._stream.duration:
            return max(1, round(Fraction(self._stream.duration) * self.time_base * self.rate))
        if self._container.duration:
            return max(1, round(Fraction(self._container.duration, av.time_base) * self.rate))
        return None


@dataclass(frozen=True)
class _Upright:
    """The rotation by a multiple of 90° and the mirroring that make a stored frame upright.

    Attributes:
        transposed: whether rows and columns change places, before what follows.
        rows: 1, or -1 if the last row comes first.
        columns: 1, or -1 if the last column comes first.
        is_approximate: whether the file asks for another angle than these, to which this is the nearest.
    """

    transposed: bool = False
    rows: int = 1
    columns: int = 1
    is_approximate: bool = False

    @staticmethod
    def of(frame: VideoFrame) -> _Upright:
        """Read the display matrix of a frame."""
        side_data: Any = frame.side_data.get("DISPLAYMATRIX")
        if side_data is None:
            return _Upright()
        # x' = a·x + c·y, y' = b·x + d·y, with x to the right and y downwards (libavutil/display.h).
        (a, b), (c, d) = np.frombuffer(bytes(side_data), np.int32).reshape(3, 3)[:2, :2].astype(np.int64)
        along, across = max(abs(a), abs(b)), min(abs(a), abs(b))
        is_approximate = bool(across > along * _ODD_ANGLE)
        if abs(b) > abs(a):
            return _Upright(True, _sign(b), _sign(c), is_approximate)
        return _Upright(False, _sign(d), _sign(a), is_approximate)

    def apply(self, stored: AnyArray) -> AnyArray:
        turned = stored.swapaxes(0, 1) if self.transposed else stored
        return np.ascontiguousarray(turned[:: self.rows, :: self.columns])


def _decoder(file: str, stream: Any, av: Any) -> Any:
    """Return the decoder of a stream: FFmpeg's own, but libvpx for VP8 and VP9 with alpha."""
    name: str = stream.codec_context.name
    if stream.metadata.get("alpha_mode") == "1" and name in _ALPHA_DECODERS:
        try:
            return av.CodecContext.create(_ALPHA_DECODERS[name], "r")
        except (av.error.FFmpegError, ValueError) as error:
            raise VideoError(
                f"{file}: its {name.upper()} video has an alpha channel, which this FFmpeg cannot read"
            ) from error
    return stream.codec_context


def _later(latest: int | None, own: int | None, step: int) -> int:
    """Return the time of a frame, in units of the time base, later than the time of the frame before.

    A frame without a time follows at the average rate. A frame whose time is not later gets the next possible time.

    Args:
        latest: time of the frame before; None for the first frame.
        own: time that the file gives the frame; None if it gives none.
        step: time between two frames at the average rate.
    """
    if latest is None:
        return 0 if own is None else own
    return max(latest + 1, latest + step if own is None else own)


def _sign(value: int) -> int:
    return -1 if value < 0 else 1


def _check_file(path: Path) -> None:
    try:
        if path.is_dir():
            raise VideoError(f"{path}: is a folder; name a video")
        if not path.exists():
            raise VideoError(f"{path}: no such file")
        if not path.is_file():
            raise VideoError(f"{path}: is not a file; give a camera or a pipe as camera=…")
        if path.stat().st_size == 0:
            raise VideoError(f"{path}: is empty (0 bytes)")
        with path.open("rb"):
            pass
    except OSError as error:
        raise VideoError(f"{path}: cannot be read: {error.strerror}") from error
