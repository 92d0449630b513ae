"""Audio from one file into another: packets are copied if the container takes their codec, and encoded otherwise."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from mmnet.runtime.video.ffmpeg import VideoError, pyav, reason
from mmnet.runtime.video.formats import AudioRule
from mmnet.runtime.video.opening import open_video

_LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "quad", 6: "5.1", 8: "7.1"}


@dataclass(frozen=True)
class AudioTrack:
    """One audio track of the output.

    Attributes:
        codec: FFmpeg's name of the codec.
        copied: whether the packets of the input were copied unchanged.
    """

    codec: str
    copied: bool


class AudioCopy:
    """Copies the audio tracks of a file into an output container.

    It opens the file a second time, independently of the reader of the video, so that audio and video can be read at
    different places of the file.

    Attributes:
        tracks: the audio tracks of the output.
    """

    def __init__(self, source: Path, output: Any, rule: AudioRule, start: Fraction, *, salvage: bool) -> None:
        """Add the tracks to `output`, an open container to which nothing has been written.

        Args:
            source: the file to read.
            output: an `av.container.OutputContainer`.
            rule: which codecs its format takes.
            start: seconds to subtract from every time.
            salvage: end where the audio is damaged, instead of raising.

        Raises:
            VideoError: the file cannot be opened.
        """
        self._av = pyav()
        self._source, self._output, self._start, self._salvage = source, output, start, salvage
        self._input = open_video(source)
        self._routes = {}
        self.tracks: list[AudioTrack] = []
        for stream in self._input.streams.audio:
            if stream.codec_context is None:  # FFmpeg does not know the codec
                continue
            route = _route(stream, output, rule)
            self._routes[stream.index] = route
            self.tracks.append(AudioTrack(route.target.codec_context.codec.canonical_name, isinstance(route, _Copied)))
        self._ready: deque[tuple[Fraction, Any]] = deque()
        self._packets = self._read()

    def write_until(self, seconds: Fraction | None) -> None:
        """Write the audio up to a time of the output, in seconds; None writes all that is left.

        Raises:
            VideoError: the audio is damaged.
            OSError: the output cannot be written.
        """
        while True:
            if not self._ready:
                following = next(self._packets, None)
                if following is None:
                    return
                self._ready.append(following)
            if seconds is not None and self._ready[0][0] >= seconds:
                return
            self._output.mux(self._ready.popleft()[1])

    def close(self) -> None:
        """Close the file that is read; the output stays open."""
        self._packets.close()
        self._input.close()

    def _read(self) -> Any:
        """Iterate over (time in seconds, packet for the output), in the order of the file."""
        if not self._routes:
            return
        streams = [stream for stream in self._input.streams.audio if stream.index in self._routes]
        packets = self._input.demux(streams)
        while True:
            try:
                packet = next(packets)
                route = self._routes[packet.stream.index]
                received = route.receive(packet, self._start)
            except StopIteration:
                return
            except (self._av.error.FFmpegError, ValueError) as error:
                if self._salvage:
                    return
                raise VideoError(
                    f"{self._source}: its audio is damaged ({reason(error)}); "
                    "give audio=False to leave it out, or salvage=True to keep what can be read"
                ) from error
            for sent in route.send(received):
                yield _time(sent), sent


def _route(stream: Any, output: Any, rule: AudioRule) -> _Copied | _Encoded:
    if rule.kept is None or stream.codec_context.codec.canonical_name in rule.kept:
        try:
            return _Copied(output.add_stream_from_template(stream))
        except ValueError:  # the container refuses the codec
            pass
    return _Encoded(output, stream, rule)


class _Copied:
    """A track whose packets are copied."""

    def __init__(self, target: Any) -> None:
        self.target = target

    def receive(self, packet: Any, start: Fraction) -> list[Any]:
        if packet.dts is None:  # the packet only marks the end
            return []
        shift = round(start / packet.time_base)
        packet.pts = None if packet.pts is None else packet.pts - shift
        packet.dts -= shift
        packet.stream = self.target
        return [packet]

    def send(self, received: list[Any]) -> list[Any]:
        return received


class _Encoded:
    """A track that is decoded and encoded again."""

    def __init__(self, output: Any, stream: Any, rule: AudioRule) -> None:
        context = stream.codec_context
        self.target = output.add_stream(rule.encoder, rate=rule.rate or context.sample_rate)
        layout: str = context.layout.name
        if "channels" in layout:  # the file states the number of channels, but not their layout
            layout = _LAYOUTS.get(context.layout.nb_channels, "stereo")
        self.target.codec_context.layout = layout

    def receive(self, packet: Any, start: Fraction) -> list[Any]:
        frames: list[Any] = packet.decode()
        for frame in frames:
            if frame.pts is not None:
                frame.pts -= round(start / frame.time_base)
        return [*frames, None] if packet.dts is None else frames  # None marks the end

    def send(self, received: list[Any]) -> list[Any]:
        return [packet for frame in received for packet in self.target.encode(frame)]


def _time(packet: Any) -> Fraction:
    pts: int = packet.dts if packet.pts is None else packet.pts
    return pts * Fraction(packet.time_base)
