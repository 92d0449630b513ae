"""What lies between a photo and a video: timestamps, smoothing over time, and frames that come faster than mattes."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar

from mmnet.arrays import Alpha, U8Array
from mmnet.errors import MMNetError
from mmnet.runtime.fullres.alpha import AlphaU8, AnyAlpha, alpha_u8_of

Milliseconds = int | float | Fraction
Item = TypeVar("Item")


class StreamError(MMNetError):
    """Frames cannot be taken: the stream is closed, or nobody listens."""


class TimestampError(StreamError):
    """A frame's timestamp is not later than that of the frame before."""


@dataclass(frozen=True)
class Matte:
    """A frame and its alpha matte.

    Attributes:
        frame: uint8 [H, W, 3], RGB.
        upsampled: its alpha as `upsample` returns it: float32 [H, W] in 0-1, or `AlphaU8`.
        timestamp_ms: the frame's timestamp, as given.
    """

    frame: U8Array
    upsampled: AnyAlpha
    timestamp_ms: Milliseconds

    @cached_property
    def alpha(self) -> Alpha:
        """The alpha matte: float32 [H, W] in 0-1, 1 = the foreground."""
        return self.upsampled.as_float() if isinstance(self.upsampled, AlphaU8) else self.upsampled

    @cached_property
    def alpha_u8(self) -> AlphaU8:
        """The alpha matte in bytes, which `composite` and `cutout` take without conversion."""
        return alpha_u8_of(self.frame, self.upsampled)


class Smoothing(Protocol):
    """Smooths alphas over time, at the model's size: one alpha in, one out."""

    def __call__(self, alpha: Alpha, frame: U8Array) -> Alpha:
        """Smooth float32 [S, S] in 0-1 of the model's input `frame`, uint8 [S, S, 3]."""

    def reset(self) -> None:
        """Forget the frames before."""


class StreamState:
    """What is remembered from one frame of a video to the next. For one thread at a time."""

    def __init__(self, smoothing: Smoothing | None = None) -> None:
        self._smoothing = smoothing
        self._shape: tuple[int, ...] | None = None
        self._latest: Milliseconds | None = None

    def advance(self, timestamp_ms: Milliseconds) -> None:
        """Take a frame's timestamp.

        Raises:
            TimestampError: it is not later than the one before, or not finite.
        """
        if not math.isfinite(timestamp_ms):
            raise TimestampError(f"the timestamp is {timestamp_ms}; give milliseconds")
        if self._latest is not None and timestamp_ms <= self._latest:
            raise TimestampError(
                f"the timestamp {float(timestamp_ms):g} ms does not come after {float(self._latest):g} ms, "
                "that of the frame before; timestamps must increase"
            )
        self._latest = timestamp_ms

    def smooth(self, alpha: Alpha, frame: U8Array, shape: tuple[int, ...]) -> Alpha:
        """Smooth the alpha [S, S] of the model's input [S, S, 3], made of an image of `shape`."""
        if self._smoothing is None:
            return alpha
        if self._shape not in (None, shape):
            self._smoothing.reset()
        self._shape = shape
        return self._smoothing(alpha, frame)


class Mailbox(Generic[Item]):
    """Holds one item: a newer one takes its place. Any number of threads may put; iterate in one.

    Attributes:
        dropped: how many were replaced before anybody took them.
    """

    def __init__(self) -> None:
        self.dropped = 0
        self._waiting: list[Item] = []
        self._closed = False
        self._error: BaseException | None = None
        self._changed = threading.Condition()

    def put(self, item: Item) -> bool:
        """Leave an item; False if the mailbox is closed."""
        with self._changed:
            if self._closed:
                return False
            self.dropped += len(self._waiting)
            self._waiting = [item]
            self._changed.notify()
            return True

    def close(self, error: BaseException | None = None) -> None:
        """Take no more; who iterates gets what waits, and then `error` or the end."""
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
    """Calls back with each matte, from one thread of its own, and skips frames that it is too slow for.

    A frame waits in no queue: while one is computed, only the newest that came meanwhile is kept. So a matte is never
    older than two computations.
    """

    def __init__(self, compute: Callable[[U8Array, Milliseconds], Matte], on_matte: Callable[[Matte], Any]) -> None:
        """Start the thread.

        Args:
            compute: (frame, timestamp_ms) -> Matte, called in the stream's thread.
            on_matte: gets it there. What either raises ends the stream, and is raised by the next `send` or `close`.
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
        """How many frames gave way to newer ones."""
        return self._mailbox.dropped

    def send(self, frame: U8Array, timestamp_ms: Milliseconds) -> None:
        """Leave a frame, uint8 [H, W, 3], and return at once. It is copied.

        Raises:
            TimestampError: its timestamp is not later than that of the frame before, dropped or not.
            StreamError: the stream is closed.
            Whatever the callback raised, once.
        """
        with self._lock:  # so that frames reach the mailbox in the order of their timestamps
            self._surface()
            self._state.advance(timestamp_ms)
            if not self._mailbox.put((frame.copy(), timestamp_ms)):
                self._surface()
                raise StreamError("the live stream is closed")

    def close(self) -> None:
        """Wait for the frames that were taken and their callbacks. Closing twice is fine.

        Raises:
            Whatever the callback raised, unless `send` raised it before.
        """
        self._mailbox.close()
        if threading.current_thread() is not self._thread:  # a callback may close its own stream
            self._thread.join()
            self._surface()

    def _deliver(self) -> None:
        try:
            for frame, timestamp_ms in self._mailbox:
                self._on_matte(self._compute(frame, timestamp_ms))
        except BaseException as error:
            self._error = error
            self._mailbox.close()

    def _surface(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error
