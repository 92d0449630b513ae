"""Writing of videos: timed images become a video file or numbered images, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from mmnet.arrays import U8Array
from mmnet.errors import OutputError
from mmnet.files import atomic_file, atomic_folder
from mmnet.runtime.imaging.writing import write_image
from mmnet.runtime.video.audio import AudioCopy, AudioTrack
from mmnet.runtime.video.colour import LIMITED, Colour, from_image
from mmnet.runtime.video.ffmpeg import pyav, reason
from mmnet.runtime.video.formats import AUDIO, CONTAINER_OPTIONS, Encoding

# Metadata that describes the container file itself, and not what was filmed.
_OWN_METADATA = frozenset({"major_brand", "minor_version", "compatible_brands", "encoder"})


class VideoSource(Protocol):
    """The properties that a written video takes over from its source; `VideoInput` documents the attributes."""

    height: int
    width: int
    pixel_aspect: Fraction
    time_base: Fraction
    rate: Fraction
    colour: Colour
    metadata: dict[str, str]
    start: Fraction


class FrameSink(Protocol):
    """Takes the rendered frames of a video.

    Attributes:
        frames: how many were written.
        tracks: the audio tracks of the output.
    """

    frames: int
    tracks: list[AudioTrack]

    def write(self, image: U8Array, timestamp_ms: Fraction) -> None:
        """Write the next frame.

        Args:
            image: uint8 [H, W] (grey), [H, W, 3] (RGB) or [H, W, 4] (RGBA).
            timestamp_ms: when it is shown, later than the frame before.
        """

    def finish(self, *, cut: bool = False) -> None:
        """Write what is left. `cut` leaves out the audio after the last frame."""


class NoFramesError(OutputError):
    """A video without frames, of which no file is left."""


@contextmanager
def write_video(
    path: Path,
    source: VideoSource,
    encoding: Encoding,
    *,
    audio: Path | None,
    crf: int | None,
    salvage: bool = False,
    replace: bool = True,
) -> Iterator[VideoFile]:
    """Yield a video file to write to. It appears at `path` when the context ends without an error, and only then.

    Args:
        path: the extension names the container.
        source: gives the time base, the colours and the metadata.
        encoding: how the images are encoded.
        audio: the file whose audio is copied; None writes no audio.
        crf: constant rate factor; None takes the encoding's own.
        salvage: see `AudioCopy`.
        replace: whether a file of that name is replaced.

    Raises:
        OutputExistsError: there is a file of that name, and `replace` is false.
        OutputError: the file system or the encoder refuses the video.
        NoFramesError: no frame was written.
    """
    av = pyav()
    try:
        with atomic_file(path, replace=replace) as temporary:
            video = VideoFile(temporary, source, encoding, audio=audio, crf=crf, salvage=salvage)
            try:
                yield video
                video.finish()
            finally:
                video.abandon()
    except av.error.FFmpegError as error:
        raise OutputError(f"{path}: cannot be written: {reason(error)}") from error


class VideoFile:
    """A video file that is being written; a `FrameSink`."""

    def __init__(
        self, path: Path, source: VideoSource, encoding: Encoding, *, audio: Path | None, crf: int | None, salvage: bool
    ) -> None:
        """Open the file. Use `write_video`, which documents the arguments and removes what was not finished."""
        av = pyav()
        self.frames = 0
        self.tracks: list[AudioTrack] = []
        self._encoding, self._colour, self._time_base = encoding, source.colour, source.time_base
        self._shape = _shape(source, encoding)
        self._scaled = encoding.square and source.pixel_aspect != 1
        self._closed = False
        extension = path.suffix.lower()
        self._container = av.open(str(path.absolute()), "w", container_options=CONTAINER_OPTIONS.get(extension, {}))
        self._audio: AudioCopy | None = None
        self._end = Fraction(0)
        try:
            self._stream = self._add_stream(source, crf)
            if audio is not None:
                self._audio = AudioCopy(audio, self._container, AUDIO[extension], source.start, salvage=salvage)
                self.tracks = self._audio.tracks
            self._container.metadata.update(
                {key: value for key, value in source.metadata.items() if key not in _OWN_METADATA}
            )
        except BaseException:
            self.abandon()
            raise

    def _add_stream(self, source: VideoSource, crf: int | None) -> Any:
        encoding = self._encoding
        if not all(self._shape):
            raise OutputError(
                f"{source.width}×{source.height} pixels are too few for {encoding.description}; "
                "write images: frames/%06d.png"
            )
        options = dict(encoding.options)
        if encoding.crf is not None:
            options["crf"] = str(encoding.crf if crf is None else crf)
        stream = self._container.add_stream(encoding.codec, rate=source.rate, options=options)
        (stream.height, stream.width), stream.pix_fmt = self._shape, encoding.pixel_format
        stream.time_base = stream.codec_context.time_base = source.time_base
        stream.codec_context.sample_aspect_ratio = Fraction(1) if encoding.square else source.pixel_aspect
        if encoding.pixel_format.startswith("yuv"):
            context, colour = stream.codec_context, source.colour
            context.color_range, context.colorspace = LIMITED, colour.matrix
            context.color_primaries, context.color_trc = colour.primaries, colour.transfer
        return stream

    def write(self, image: U8Array, timestamp_ms: Fraction) -> None:
        """See `FrameSink`."""
        height, width = self._shape
        if self._scaled:
            image = np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
        frame = from_image(image[:height, :width], self._encoding.pixel_format, self._colour)
        seconds = Fraction(timestamp_ms) / 1000
        frame.pts, frame.time_base = round(seconds / self._time_base), self._time_base
        self._container.mux(self._stream.encode(frame))
        self.frames += 1
        self._end = seconds
        if self._audio is not None:
            self._audio.write_until(seconds)

    def finish(self, *, cut: bool = False) -> None:
        """Write what the encoder still holds, the rest of the audio (unless `cut`), and the index."""
        if self._closed:
            return
        if not self.frames:
            raise NoFramesError("no frame was written")
        self._container.mux(self._stream.encode(None))
        if self._audio is not None and not cut:
            self._audio.write_until(None)
        self._closed = True
        try:
            self._container.close()
        finally:
            self._close_audio()

    def abandon(self) -> None:
        """Close the file without finishing it; do nothing if it is finished."""
        self._close_audio()
        if self._closed:
            return
        self._closed = True
        try:
            self._container.close()
        except (pyav().error.FFmpegError, OSError, ValueError):
            pass  # nothing was written yet, or the error that stopped the writing occurs again

    def _close_audio(self) -> None:
        if self._audio is not None:
            self._audio.close()
            self._audio = None


def _shape(source: VideoSource, encoding: Encoding) -> tuple[int, int]:
    """Return height and width of the written frames; 0 if the source has too few pixels."""
    height, width, aspect = source.height, source.width, source.pixel_aspect
    if encoding.square and aspect > 1:  # the shorter side grows until pixels are square
        width = round(width * aspect)
    elif encoding.square:
        height = round(height / aspect)
    return (height // 2 * 2, width // 2 * 2) if encoding.even else (height, width)


class NumberedImages:
    """Numbered images in a folder: pattern % 1, pattern % 2, …; a `FrameSink` without audio."""

    def __init__(self, folder: Path, output: Path, codes: tuple[int, ...] | None = None) -> None:
        """Write to `folder`.

        Args:
            folder: exists already, and is renamed to the folder of `output` later.
            output: folder and pattern, such as frames/%06d.png.
            codes: the colours of images in colour, see `encode_image`.
        """
        self._codes = codes
        self.frames = 0
        self.tracks: list[AudioTrack] = []
        self._folder, self._output = folder, output

    def write(self, image: U8Array, timestamp_ms: Fraction) -> None:
        """See `FrameSink`; numbered images do not store the time."""
        self.frames += 1
        try:
            codes = None if image.ndim == 2 else self._codes
            write_image(self._folder / (self._output.name % self.frames), image, codes=codes)
        except OutputError as error:
            raise OutputError(str(error).replace(str(self._folder), str(self._output.parent))) from error

    def finish(self, *, cut: bool = False) -> None:
        """Check that there is a frame; nothing is left to write."""
        if not self.frames:
            raise NoFramesError("no frame was written")


@contextmanager
def write_images(
    output: Path, *, replace: bool = True, codes: tuple[int, ...] | None = None
) -> Iterator[NumberedImages]:
    """Yield numbered images to write to. Their folder appears when the context ends without an error, and only then.

    Args:
        output: folder and pattern, such as frames/%06d.png.
        replace: whether a folder with files in it is replaced.
        codes: the colours of images in colour, see `encode_image`.

    Raises:
        OutputError: the file system refuses the folder.
        NoFramesError: no frame was written.
    """
    with atomic_folder(output.parent, replace=replace) as folder:
        images = NumberedImages(folder, output, codes)
        yield images
        images.finish()
