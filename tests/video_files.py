"""Small videos, written and read with PyAV directly, without the product's reader and writer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import skimage.data

HEIGHT, WIDTH = 64, 96
TIMES = (0, 40, 70, 130, 200, 210, 300, 420, 430, 500)  # milliseconds, irregular
LOSSLESS = {"codec": "ffv1", "pixel_format": "bgr0"}
SOUND_RATE = 48000


def moving_portrait(count: int = len(TIMES), height: int = HEIGHT, width: int = WIDTH) -> list[np.ndarray[Any, Any]]:
    """A public-domain portrait that moves: uint8 [height, width, 3] each."""
    portrait = skimage.data.astronaut()[::2, ::2]
    return [
        np.ascontiguousarray(portrait[number : number + height, 60 + 2 * number : 60 + 2 * number + width])
        for number in range(count)
    ]


def write_video_file(
    path: Path,
    images: Sequence[np.ndarray[Any, Any]],
    times: Sequence[int] = TIMES,
    *,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    colour: tuple[int, int] | None = None,
    turned: tuple[int, bool, bool] | None = None,
    sound: str | None = None,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    aspect: Fraction | None = None,
) -> Path:
    """Write a video of RGB images.

    Args:
        path: the video.
        images: uint8 [H, W, 3].
        times: when each image is shown, in milliseconds.
        codec, pixel_format, options, container_options: for FFmpeg.
        colour: (matrix, range) to tag the video with; None leaves it untagged.
        turned: (degrees, horizontal flip, vertical flip) of the display matrix.
        sound: codec of an audio track; None writes no audio.
        aspect: width of a pixel divided by its height.
    """
    with av.open(str(path), "w", container_options=container_options or {}) as container:
        stream: Any = container.add_stream(codec, rate=10, options=options or {})
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = pixel_format
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        if colour is not None:
            stream.codec_context.colorspace, stream.codec_context.color_range = colour
        if turned is not None:
            stream.set_display_rotation(turned[0], hflip=turned[1], vflip=turned[2])
        heard: Any = None
        if sound is not None:
            heard = container.add_stream(sound, rate=SOUND_RATE)
            heard.codec_context.layout = "mono"
        for image, time in zip(images, times, strict=False):
            frame = av.VideoFrame.from_ndarray(image, "rgb24")
            if pixel_format.startswith("yuv"):
                matrix, span = colour or (6, 1)
                frame.color_range = 2
                frame = frame.reformat(
                    format=pixel_format, dst_colorspace=5 if matrix == 6 else matrix, dst_color_range=span
                )
            else:
                frame = frame.reformat(format=pixel_format)
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        if heard is not None:
            length = SOUND_RATE * (times[len(images) - 1] + 100) // 1000
            wave = (8000 * np.sin(np.arange(length) / 20)).astype(np.int16)[None]
            samples = av.AudioFrame.from_ndarray(wave, "s16", "mono")
            samples.sample_rate, samples.pts, samples.time_base = SOUND_RATE, 0, Fraction(1, SOUND_RATE)
            container.mux(heard.encode(samples))
            container.mux(heard.encode(None))
        container.mux(stream.encode(None))
    return path


@dataclass(frozen=True)
class WrittenVideo:
    """The contents of a video file: images in `layout`, their times in seconds, and properties of the stream."""

    images: list[np.ndarray[Any, Any]]
    times: list[Fraction]
    codec: str
    pixel_format: str
    colour: tuple[int, int]
    aspect: Fraction | None
    length: float


def read_written(path: Path, layout: str = "rgb24", decoder: str | None = None) -> WrittenVideo:
    """Decode a whole video. `decoder` names a decoder instead of FFmpeg's default, whose VP9 ignores alpha."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        context: Any = stream.codec_context if decoder is None else av.CodecContext.create(decoder, "r")
        images, times = [], []
        for packet in container.demux(stream):
            for frame in context.decode(packet if packet.size else None):
                full = {} if frame.format.name == layout else {"dst_color_range": 2}
                images.append(frame.reformat(format=layout, **full).to_ndarray())
                times.append(frame.pts * Fraction(stream.time_base or 0))
        return WrittenVideo(
            images,
            times,
            stream.codec_context.name,
            str(stream.pix_fmt),
            (stream.colorspace, stream.color_range),
            stream.sample_aspect_ratio,
            float(Fraction(container.duration or 0, av.time_base)),
        )


def sounds(path: Path) -> list[tuple[Fraction, bytes]]:
    """The packets of the audio: (time in seconds, bytes)."""
    with av.open(str(path)) as container:
        return [
            (packet.pts * packet.time_base, bytes(packet))
            for packet in container.demux(audio=0)
            if packet.pts is not None and packet.time_base is not None
        ]


def sound_codec(path: Path) -> str:
    """FFmpeg's name of the first audio track's format."""
    with av.open(str(path)) as container:
        return container.streams.audio[0].codec_context.codec.canonical_name
