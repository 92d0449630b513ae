"""Cameras and live streams: frames that arrive at their own pace."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from mmnet.arrays import U8Array
from mmnet.closing import Closing
from mmnet.runtime.video.colour import Colour
from mmnet.runtime.video.ffmpeg import VideoError
from mmnet.runtime.video.reader import TimedFrame, VideoInput
from mmnet.runtime.video.stream import Mailbox

_TIME_BASE = Fraction(1, 90000)  # the clock of MPEG, fine enough for any camera
_DEFAULT_RATE = 30


class Camera(Closing):
    """An open camera or live stream, with the attributes of `VideoInput` except `length` and `damage`.

    A number or a device is a camera of this machine, which OpenCV reads; its frames are timed when they arrive.
    Anything else (a URL, a named pipe, a file) is opened by FFmpeg, and its frames have times of their own.
    """

    def __init__(self, which: str) -> None:
        """Open a camera and take its first frame.

        Args:
            which: number of a camera (0 is the first), device, URL, named pipe or file.

        Raises:
            VideoError: there is no such camera, or it gives no frame.
            MissingExtraError: PyAV is not installed.
        """
        self.name = f"camera {which}" if which.isdecimal() else which
        self.start = Fraction(0)
        self.metadata: dict[str, str] = {}
        self._device: _Device | None = None
        self._video: VideoInput | None = None
        if which.isdecimal() or which.startswith("/dev/video"):
            self._device = _Device(self.name, int(which) if which.isdecimal() else which)
            self.height, self.width = self._device.first.shape[:2]
            self.pixel_aspect, self.colour = Fraction(1), Colour()
            self.time_base, self.rate = _TIME_BASE, self._device.rate
        else:
            _check_path(which)
            # A live stream can begin anywhere, and can lose packets.
            video = self._video = VideoInput(which, salvage=True)
            self.height, self.width = video.height, video.width
            self.pixel_aspect, self.colour = video.pixel_aspect, video.colour
            self.time_base, self.rate = video.time_base, video.rate

    def __iter__(self) -> Iterator[TimedFrame]:
        """Iterate over the frames; the first has the time 0.

        Raises:
            VideoError: the camera gives no further frame.
        """
        if self._device is not None:
            yield from self._device
        elif self._video is not None:
            first: Fraction | None = None
            for timed in self._video:
                first = timed.timestamp_ms if first is None else first
                yield TimedFrame(timed.frame, timed.timestamp_ms - first)

    def close(self) -> None:
        """Release the camera."""
        for opened in (self._device, self._video):
            if opened is not None:
                opened.close()


class _Device:
    """A camera of this machine, which OpenCV reads."""

    def __init__(self, name: str, which: int | str) -> None:
        self.name = name
        self._capture = cv2.VideoCapture(which)
        if not self._capture.isOpened():
            raise VideoError(f"{name}: cannot be opened; is it connected, free, and are you allowed to use it?")
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        self.rate = Fraction(rate if np.isfinite(rate) and rate > 0 else _DEFAULT_RATE).limit_denominator(1001)
        self.first = self._read()

    def __iter__(self) -> Iterator[TimedFrame]:
        begin, latest = time.monotonic_ns(), 0
        yield TimedFrame(self.first, Fraction(0))
        while True:
            image = self._read()
            # Times are whole ticks of the time base, and no two frames share one.
            now = Fraction(time.monotonic_ns() - begin, 10**9)
            latest = max(latest + 1, round(now / _TIME_BASE))
            yield TimedFrame(image, latest * _TIME_BASE * 1000)

    def _read(self) -> U8Array:
        done, image = self._capture.read()
        if not done:
            raise VideoError(f"{self.name}: gives no further frame; is it still connected?")
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)

    def close(self) -> None:
        self._capture.release()


@contextmanager
def newest_frames(
    camera: Camera, stop: threading.Event, duration_s: float | None = None
) -> Iterator[Mailbox[TimedFrame]]:
    """Yield a mailbox that holds the newest frame of a camera. Frames that are not taken in time are dropped.

    Args:
        camera: is read in a thread of its own, which ends with the context.
        stop: once it is set, no further frame is read.
        duration_s: seconds of the frames' own time after which reading ends; None reads without a limit.
    """
    mailbox: Mailbox[TimedFrame] = Mailbox()

    def read() -> None:
        try:
            for timed in camera:
                if stop.is_set() or (duration_s is not None and timed.timestamp_ms > duration_s * 1000):
                    break
                if not mailbox.put(timed):
                    return
            mailbox.close()
        except BaseException as error:
            mailbox.close(error)

    thread = threading.Thread(target=read, daemon=True, name="mmnet-camera")
    thread.start()
    try:
        yield mailbox
    finally:
        mailbox.close()
        thread.join()


def _check_path(which: str) -> None:
    if "://" not in which and sys.platform != "win32" and not Path(which).exists():
        raise VideoError(f"{which}: no such camera; name a number, a device, a URL or a pipe")
