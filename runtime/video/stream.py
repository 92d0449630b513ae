"""Mattes over time: increasing timestamps, temporal smoothing, and live streams whose frames outpace the mattes."""

from __future__ import annotations

import math
import numbers
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from mmnet.arrays import Alpha, U8Array
from mmnet.errors import MMNetError
from mmnet.runtime.fullres.alpha import AlphaU8, AnyAlpha, alpha_u8_of
from mmnet.runtime.imaging.fit import Rectangle
from mmnet.runtime.imaging.nobody import IfNobody, NobodyError
from mmnet.runtime.imaging.presence import Presence
from mmnet.runtime.imaging.tracking import CropTracker

Milliseconds = int | float | Fraction
Item = TypeVar("Item")


class StreamError(MMNetError):
    """A stream that takes no frames: it is closed, or has no callback."""


class TimestampError(StreamError):
    """A timestamp that is not later than that of the frame before."""


@dataclass(frozen=True)
class Matte:
    """A frame and its alpha matte.

    Attributes:
        frame: uint8 [H, W, 3], RGB.
        upsampled: its alpha as `upsample` returns it: float32 [H, W] in 0-1, or `AlphaU8`.
        timestamp_ms: the frame's timestamp, as given.
        presence: how much of the frame people cover, and how sure the network is of them.
        seen: the parts of the frame that the network saw last: one, or the crops of a photo, one per group of people.
            No two share a pixel, and the alpha is 0 outside them. They are ordered by top, then by left.
    """

    frame: U8Array
    upsampled: AnyAlpha
    timestamp_ms: Milliseconds
    presence: Presence
    seen: tuple[Rectangle, ...]

    @cached_property
    def alpha(self) -> Alpha:
        """The alpha matte: float32 [H, W] in 0-1, 1 = the foreground."""
        return self.upsampled.as_float() if isinstance(self.upsampled, AlphaU8) else self.upsampled

    @cached_property
    def alpha_u8(self) -> AlphaU8:
        """The alpha matte in bytes, which `composite` and `cutout` take without conversion."""
        return alpha_u8_of(self.frame, self.upsampled)

    @property
    def coverage(self) -> float:
        """The part of the frame that people cover, in 0-1."""
        return self.presence.coverage

    @property
    def confidence(self) -> float:
        """The confidence that somebody is in the frame, in 0-1."""
        return self.presence.confidence

    @property
    def nobody(self) -> bool:
        """Whether nobody was found in the frame."""
        return self.presence.nobody

    def resolve(self, if_nobody: IfNobody) -> Matte:
        """Return the matte with what is wanted where nobody was found; a matte of somebody as it is.

        Args:
            if_nobody: KEEP returns the matte as it is, TRANSPARENT one whose alpha is 0 everywhere.

        Raises:
            NobodyError: nobody was found, and `if_nobody` is FAIL.
        """
        if if_nobody is IfNobody.KEEP or not self.nobody:
            return self
        if if_nobody is IfNobody.FAIL:
            raise NobodyError(f"nobody was found: the confidence is {self.confidence:.2f}")
        return replace(self, upsampled=np.zeros(self.frame.shape[:2], np.float32))


class Smoothing(Protocol):
    """Smooths alphas over time, at the size of the model: one alpha in, one alpha out."""

    def __call__(self, alpha: Alpha, frame: U8Array) -> Alpha:
        """Smooth the alpha of the next frame.

        Args:
            alpha: the model's output, float32 [S, S] in 0-1.
            frame: the model's input, uint8 [S, S, 3], RGB.

        Returns:
            The smoothed alpha, float32 [S, S] in 0-1.
        """
        ...

    def reset(self) -> None:
        """Forget all earlier frames."""


class StreamState:
    """The state of one video from frame to frame: the latest timestamp, the smoothing and the crop.

    For one thread at a time.

    Attributes:
        tracker: the crop that follows people.
    """

    def __init__(self, smoothing: Smoothing | None = None) -> None:
        """Begin a video; without `smoothing`, alphas stay as they are."""
        self.tracker = CropTracker()
        self._smoothing = smoothing
        self._shape: tuple[int, ...] | None = None
        self._latest: Milliseconds | None = None

    def advance(self, timestamp_ms: Milliseconds) -> None:
        """Take the timestamp of the next frame, in milliseconds.

        Raises:
            TimestampError: it is not finite, or not later than the timestamp before.
        """
        if not isinstance(timestamp_ms, numbers.Real) or not math.isfinite(timestamp_ms):
            raise TimestampError(f"the timestamp is {timestamp_ms!s:.40}; give a finite number of milliseconds")
        if self._latest is not None and timestamp_ms <= self._latest:
            raise TimestampError(
                f"the timestamp {float(timestamp_ms):g} ms does not come after {float(self._latest):g} ms, "
                "that of the frame before; timestamps must increase"
            )
        self._latest = timestamp_ms

    def smooth(self, alpha: Alpha, frame: U8Array, shape: tuple[int, ...], *, jumped: bool = False) -> Alpha:
        """Smooth the alpha of the next frame. A frame of another shape than the one before begins a new scene.

        Args:
            alpha: the model's output, float32 [S, S] in 0-1.
            frame: the model's input, uint8 [S, S, 3], RGB.
            shape: shape of the frame that the model's input was made from.
            jumped: whether the model's input shows another part of the frame, so that a new scene begins.
        """
        if self._smoothing is None:
            return alpha
        if self._shape not in (None, shape) or jumped:
            self._smoothing.reset()
        self._shape = shape
        return self._smoothing(alpha, frame)


class Mailbox(Generic[Item]):
    """A container of one item, in which a newer item replaces the one that waits.

    Any number of threads may put items; one thread takes them by iterating.

    Attributes:
        dropped: how many items were replaced before they were taken.
    """

    def __init__(self) -> None:
        """Create an empty, open mailbox."""
        self.dropped = 0
        self._waiting: list[Item] = []
        self._closed = False
        self._error: BaseException | None = None
        self._changed = threading.Condition()

    def put(self, item: Item) -> bool:
        """Put an item; return False, and keep nothing, if the mailbox is closed."""
        with self._changed:
            if self._closed:
                return False
            self.dropped += len(self._waiting)
            self._waiting = [item]
            self._changed.notify()
            return True

    def close(self, error: BaseException | None = None) -> None:
        """Accept no further items. The iteration gives the item that waits, and then ends, or raises `error`."""
        with self._changed:
            self._closed, self._error = True, self._error or error
            self._changed.notify()

    def __iter__(self) -> Iterator[Item]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if not self._waiting:
                    if self._error is not None:
                        raise self._error
                    return
                item = self._waiting.pop()
            yield item


class LiveStream:
    """Computes mattes in a thread of its own, calls back with each, and skips frames that come too fast.

    There is no queue. While a matte is computed, only the newest frame that arrives is kept, so a matte is never older
    than two computations.
    """

    def __init__(self, compute: Callable[[U8Array, Milliseconds], Matte], on_matte: Callable[[Matte], Any]) -> None:
        """Start the thread.

        Args:
            compute: (frame, timestamp_ms) -> Matte; called in the thread of the stream.
            on_matte: called with each matte, in the same thread. An exception of `compute` or `on_matte` ends the
                stream; the next `send` or `close` raises it.
        """
        self._compute, self._on_matte = compute, on_matte
        self._mailbox: Mailbox[tuple[U8Array, Milliseconds]] = Mailbox()
        self._state = StreamState()
        self._lock = threading.Lock()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._deliver, daemon=True, name="mmnet-live")
        self._thread.start()

    @property
    def dropped(self) -> int:
        """The number of frames that were skipped for newer ones."""
        return self._mailbox.dropped

    def send(self, frame: U8Array, timestamp_ms: Milliseconds) -> None:
        """Send a frame, uint8 [H, W, 3], and return at once. The frame is copied.

        Raises:
            TimestampError: the timestamp is not later than that of the frame before, skipped or not.
            StreamError: the stream is closed.
            Exception: what the callback raised; it is raised once.
        """
        with self._lock:  # so that frames reach the mailbox in the order of their timestamps
            self._raise_error()
            self._state.advance(timestamp_ms)
            if not self._mailbox.put((frame.copy(), timestamp_ms)):
                self._raise_error()
                raise StreamError("the live stream is closed")

    def close(self) -> None:
        """Wait for the frames that were taken, and for their callbacks. Closing twice is fine.

        Raises:
            Exception: what the callback raised, unless `send` has raised it.
        """
        self._mailbox.close()
        if threading.current_thread() is not self._thread:  # a callback may close its own stream
            self._thread.join()
            self._raise_error()

    def _deliver(self) -> None:
        try:
            for frame, timestamp_ms in self._mailbox:
                self._on_matte(self._compute(frame, timestamp_ms))
        except BaseException as error:
            self._error = error
            self._mailbox.close()

    def _raise_error(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error
