"""Photo, video or camera → alpha mattes at the image's own size."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mmnet.arrays import Alpha, AnyArray, F32Array, U8Array
from mmnet.runtime.fullres.upsample import DEFAULT, Upsampling, upsample
from mmnet.runtime.imaging.preprocess import ImageError, check_rgb_bytes, to_model_input
from mmnet.runtime.model import MattingModel, default_model
from mmnet.runtime.video.pipeline import pipelined
from mmnet.runtime.video.stream import LiveStream, Matte, Milliseconds, Smoothing, StreamError, StreamState

Image = U8Array | F32Array | NDArray[np.float64]


@dataclass(frozen=True)
class MatterOptions:
    """How a `PortraitMatter` computes.

    Attributes:
        model: path or bytes of a .tflite, a loaded model, or None for the one that ships.
        threads: of the network, >= 1; None takes the processor's, at most 4. Not with a loaded model.
        upsampling: how the network's alpha comes to the image's size.
        smoothing: makes what smooths the alphas of one video or live stream; None leaves every frame alone.
        on_matte: gets the mattes of the live stream, in a thread of its own.
    """

    model: str | Path | bytes | MattingModel | None = None
    threads: int | None = None
    upsampling: Upsampling = DEFAULT
    smoothing: Callable[[], Smoothing] | None = None
    on_matte: Callable[[Matte], Any] | None = None


class PortraitMatter:
    """Computes the alpha matte of the person in photos, in the frames of a video, or in those of a camera.

        with PortraitMatter("mmnet.tflite") as matter:
            alpha = matter(read_photo("photo.jpg"))        # a photo

            alpha = matter.video(frame, timestamp_ms)      # a video, frame by frame
            for matte in matter.stream(frames): ...        # the same, pipelined

        with PortraitMatter(on_matte=show) as matter:      # live: show(matte) is called, and frames are skipped
            matter.live(frame, timestamp_ms)               # where mattes take longer than they

    Any thread may call it; the network takes one image at a time. It owns its model, unless it was given a
    `MattingModel`. Leaving `with` waits for the live stream's last frames, and raises what its callback raised.
    """

    def __init__(
        self,
        model: str | Path | bytes | MattingModel | None = None,
        threads: int | None = None,
        upsampling: Upsampling = DEFAULT,
        *,
        smoothing: Callable[[], Smoothing] | None = None,
        on_matte: Callable[[Matte], Any] | None = None,
    ) -> None:
        """Load a model; `MatterOptions` says what the arguments are.

        Raises:
            ModelError: see `MattingModel`; or None was given and no model ships.
        """
        self.upsampling = upsampling
        self._owned = not isinstance(model, MattingModel)
        if isinstance(model, MattingModel):
            if threads is not None:
                raise TypeError("threads belongs to the MattingModel given")
            self.model = model
        else:
            self.model = MattingModel(default_model() if model is None else model, threads)
        self._smoothing, self._on_matte = smoothing, on_matte
        self._network = threading.Lock()
        self._starting = threading.Lock()
        self._video = self._new_state()
        self._live: LiveStream | None = None
        self._closed = False

    @classmethod
    def from_options(cls, options: MatterOptions) -> Self:
        """As the constructor, from a `MatterOptions`."""
        return cls(**{field.name: getattr(options, field.name) for field in fields(options)})

    def __call__(self, image: Image) -> Alpha:
        """Compute the matte of a photo.

        Args:
            image: [H, W, 3], RGB; uint8 in 0-255, or float32 or float64 in 0-1 (rounded to bytes, as the
                network takes them).

        Returns:
            float32 [H, W] in 0-1, 1 = the person: the model's alpha, brought to the photo's size by
            `upsample.upsample_alpha`.

        Raises:
            ImageError: another shape or dtype; not finite; outside 0-1.
            ModelError: see `MattingModel.run`.
        """
        return self.photo(image).alpha

    def photo(self, image: Image) -> Matte:
        """As a call, with the photo, as `mmnet matte` makes cut-outs and composites of it."""
        prepared = self._prepare((image, 0))
        with self._network:
            alpha = self.model.run_float(prepared.small)
        return self._enlarge(_Inferred(prepared, alpha))

    def video(self, frame: Image, timestamp_ms: Milliseconds) -> Alpha:
        """Compute the matte of the next frame of a video; `restart` begins another video.

        Args:
            frame: as a photo.
            timestamp_ms: milliseconds from anywhere, later than that of the frame before.

        Returns:
            As for a photo; smoothed over time, if this object has a smoothing.

        Raises:
            TimestampError: the timestamp is not later than the one before; the frame does not count.
            ImageError, ModelError: as for a photo.
        """
        return self._enlarge(self._infer(self._prepare((frame, timestamp_ms)), self._video)).alpha

    def restart(self) -> None:
        """Let the next frame that `video` gets be the first of another video."""
        with self._network:
            self._video = self._new_state()

    def stream(
        self,
        frames: Iterable[tuple[Image, Milliseconds]],
        finish: Callable[[Matte], Any] | None = None,
        *,
        stop: threading.Event | None = None,
    ) -> Generator[Any, None, None]:
        """Compute the mattes of a video's frames, in order: to the bit what `video` computes, but reading, preparing,
        the network and finishing overlap, each in a thread of its own. A call is a video of its own.

        Args:
            frames: (frame, timestamp_ms), as `video` takes them; read ahead by a few frames.
            finish: what to make of each `Matte`, in the last thread; None leaves it as it is.
            stop: once set, no further frame is read; those on their way still come out.

        Yields:
            A Matte a frame, or what `finish` returned. Closing the iterator ends the threads.

        Raises:
            What `video`, `frames` or `finish` raised, after the results before.
        """
        state = self._new_state()

        def last(inferred: _Inferred) -> Any:
            matte = self._enlarge(inferred)
            return matte if finish is None else finish(matte)

        return pipelined(frames, self._prepare, lambda prepared: self._infer(prepared, state), last, stop=stop)

    def live(self, frame: Image, timestamp_ms: Milliseconds) -> None:
        """Take a camera's frame and return at once; `on_matte` gets its matte, unless a newer frame comes first.

        Args:
            frame: as a photo; it is copied.
            timestamp_ms: as `video` takes it.

        Raises:
            TimestampError, ImageError: as `video`.
            StreamError: this object has no `on_matte`, or is closed.
            What `on_matte` or the network raised for an earlier frame; once.
        """
        photo = as_bytes(frame)
        with self._starting:
            if self._live is None:
                if self._closed:
                    raise StreamError("the live stream is closed")
                if self._on_matte is None:
                    raise StreamError("nobody listens to the live stream; give PortraitMatter an on_matte")
                state = self._new_state()

                def compute(*sent: Any) -> Matte:
                    return self._enlarge(self._infer(self._prepare(sent), state))

                self._live = LiveStream(compute, self._on_matte)
        self._live.send(photo, timestamp_ms)

    @property
    def dropped(self) -> int:
        """How many frames of the live stream gave way to newer ones."""
        return 0 if self._live is None else self._live.dropped

    def alpha_bytes(self, image: Image) -> U8Array:
        """As a call, but at the model's size and as bytes: uint8 [S, S], 255 = the person."""
        small = to_model_input(as_bytes(image), self.model.size)
        with self._network:
            return self.model.run(small)

    def close(self) -> None:
        """Wait for the live stream's last frames, and free the model, if it is this object's own.

        Raises:
            What `on_matte` or the network raised for a frame of the live stream, unless `live` did.
        """
        with self._starting:
            self._closed = True
        try:
            if self._live is not None:
                self._live.close()
        finally:
            if self._owned:
                with self._network:
                    self.model.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        except BaseException:
            if error is None:  # else that one came first, and says more
                raise

    def _new_state(self) -> StreamState:
        return StreamState(None if self._smoothing is None else self._smoothing())

    def _prepare(self, timed: tuple[Image, Milliseconds]) -> _Prepared:
        frame, timestamp_ms = timed
        image = as_bytes(frame)
        return _Prepared(image, timestamp_ms, to_model_input(image, self.model.size))

    def _infer(self, prepared: _Prepared, state: StreamState) -> _Inferred:
        frame, timestamp_ms, small = prepared.frame, prepared.timestamp_ms, prepared.small
        with self._network:
            state.advance(timestamp_ms)
            return _Inferred(prepared, state.smooth(self.model.run_float(small), small, frame.shape))

    def _enlarge(self, inferred: _Inferred) -> Matte:
        frame, small = inferred.of.frame, inferred.of.small
        found = upsample(inferred.alpha, frame, self.upsampling, model_input=small)
        return Matte(frame, found, inferred.of.timestamp_ms)


@dataclass(frozen=True)
class _Prepared:
    frame: U8Array
    timestamp_ms: Milliseconds
    small: U8Array  # [S, S, 3]


@dataclass(frozen=True)
class _Inferred:
    of: _Prepared
    alpha: Alpha  # [S, S]


def as_bytes(image: Image) -> U8Array:
    """uint8 stays; float in 0-1 becomes round(255 · value). Shape [H, W, 3].

    Raises:
        ImageError: another shape or dtype; not finite; outside 0-1.
    """
    if not isinstance(image, np.ndarray) or image.dtype not in (np.float32, np.float64):
        return check_rgb_bytes(image)
    floats: AnyArray = image
    if floats.size:
        low, high = float(floats.min()), float(floats.max())
        if not (np.isfinite(low) and np.isfinite(high)):
            raise ImageError("the image has values that are not finite (NaN or infinity)")
        if low < 0 or high > 1:
            raise ImageError(f"the image has values from {low:g} to {high:g}; a float image lies in 0-1")
    return check_rgb_bytes(np.rint(floats * 255).astype(np.uint8))
