"""`PortraitMatter`: photos, videos or a camera in, alpha mattes at the image's own size out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mmnet.arguments import checked_arguments
from mmnet.arrays import Alpha, U8Array
from mmnet.runtime.fullres.alpha import AnyAlpha
from mmnet.runtime.fullres.compositing import AnyBackground, composite, cutout
from mmnet.runtime.fullres.methods import Upsampling
from mmnet.runtime.fullres.placing import AlphaPart, upsample_placed
from mmnet.runtime.imaging.fit import DEFAULT_FIT, Fit, Placement, Rectangle, choose_fit, place
from mmnet.runtime.imaging.framing import find_crops
from mmnet.runtime.imaging.inputs import Image, as_bytes
from mmnet.runtime.imaging.nobody import IfNobody, choose_if_nobody
from mmnet.runtime.imaging.preprocess import check_rgb_bytes, fill_square, to_model_input
from mmnet.runtime.imaging.presence import measure_presence
from mmnet.runtime.model import MattingModel, default_model
from mmnet.runtime.prepared import Inferred, Prepared
from mmnet.runtime.profiles import DEFAULT_PROFILE, Profile, choose_profile
from mmnet.runtime.video.pipeline import pipelined
from mmnet.runtime.video.stream import LiveStream, Matte, Milliseconds, Smoothing, StreamError, StreamState


class PortraitMatter:
    """Computes the alpha matte of the person in photos, in the frames of a video or in those of a camera.

        with PortraitMatter("mmnet.tflite") as matter:
            alpha = matter("photo.jpg")                    # a photo: a path, an array, or an image of Pillow

            alpha = matter.video(frame, timestamp_ms)      # a video, frame by frame
            for matte in matter.stream(frames): ...        # the same, pipelined

        with PortraitMatter(on_matte=show) as matter:      # live: show(matte) is called, and frames are skipped
            matter.live(frame, timestamp_ms)               # where mattes take longer than they

    Any thread may call it; the network computes one image at a time. It owns its model, unless it was given a
    `MattingModel`. Leaving `with` waits for the live stream's last frames, and raises what its callback raised.

    A matte takes three steps, which can also be called (and timed) one by one: `prepare`, `infer`, `upsample`. With
    `Fit.AUTO`, `find_crops` after `infer` returns the crops of a photo for which the first two are done once more: one
    around each group of people.

    Attributes:
        model: the network.
        settings: what the profile and the arguments set: the upsampling, and whether the foreground is estimated.
        fit: how an image is brought into the model's square.
        if_nobody: what becomes of a photo in which nobody was found.
    """

    @checked_arguments
    def __init__(
        self,
        model: str | Path | bytes | MattingModel | None = None,
        threads: int | None = None,
        *,
        accelerator: str | None = None,
        profile: Profile | str = DEFAULT_PROFILE,
        upsampling: Upsampling | str | None = None,
        foreground: bool | None = None,
        fit: Fit | str = DEFAULT_FIT,
        if_nobody: IfNobody | str = IfNobody.KEEP,
        smoothing: Callable[[], Smoothing] | None = None,
        on_matte: Callable[[Matte], Any] | None = None,
    ) -> None:
        """Load a model.

        Args:
            model: path, bytes or shipped name of a .tflite, a loaded model, or None for the model that ships.
            threads: threads of the network, >= 1; None takes the number of cores, at most 4. Not with a loaded model.
            accelerator: as for `MattingModel`. Not with a loaded model.
            profile: how much work a matte gets after the network: `fine` or `fast`.
            upsampling: how the network's alpha is brought to the image's size; None takes the profile's.
            foreground: whether `cutout` and `composite` estimate the foreground; None takes the profile's.
            fit: how an image is brought into the model's square; `auto` looks again where people fill little of it.
            if_nobody: what becomes of a photo in which nobody was found: `keep` keeps the network's alpha,
                `transparent` makes it 0 everywhere, `fail` raises NobodyError. Frames of videos and cameras are kept.
            smoothing: called once for each video or live stream, it returns what smooths its alphas over time, such as
                `TemporalSmoother`; None smooths nothing.
            on_matte: called with each matte of the live stream, in a thread of its own.

        Raises:
            ModelError: see `MattingModel`; or no model was given and none ships.
            ProfileError, UpsamplingError, FitError, NobodyError: a name is unknown.
            TypeError: `threads` or `accelerator` was given together with a loaded model.
        """
        self.settings = choose_profile(profile).override(upsampling, foreground)
        self.fit, self.if_nobody = choose_fit(fit), choose_if_nobody(if_nobody)
        self._owned = not isinstance(model, MattingModel)
        if isinstance(model, MattingModel):
            if threads is not None or accelerator is not None:
                raise TypeError("threads was given with a loaded model, or an accelerator; give them to MattingModel")
            self.model = model
        else:
            self.model = MattingModel(default_model() if model is None else model, threads, accelerator=accelerator)
        self._smoothing, self._on_matte = smoothing, on_matte
        self._network = threading.Lock()
        self._starting = threading.Lock()
        self._video = self._new_state()
        self._live: LiveStream | None = None
        self._closed = False

    def __call__(self, image: Image) -> Alpha:
        """Compute the alpha matte of a photo.

        Args:
            image: [H, W, 3], RGB; uint8 in 0-255, or float32 or float64 in 0-1 (rounded to bytes, as the network takes
                them). Or the path of a photo, as `read_photo` reads it; or an image of Pillow, its pixels as they are.

        Returns:
            float32 [H, W] in 0-1, 1 = the foreground: the model's alpha, brought to the photo's size by
            `upsample_alpha`.

        Raises:
            ImageError: another type, shape or dtype; not finite; outside 0-1.
            PhotoError: there is no readable photo at the path.
            ModelError: see `MattingModel.run`.
            NobodyError: nobody was found, and `if_nobody` is `fail`.
        """
        return self.photo(image).alpha

    def photo(self, image: Image) -> Matte:
        """Compute the matte of a photo as a `Matte`, whose `alpha_u8` makes composites sooner than a float alpha.

        Arguments and errors are those of a call.
        """
        whole = self._prepare((image, 0))
        alpha = self.infer(whole.model_input)
        crops = self.find_crops(alpha, whole.frame)
        if not crops:
            return self._upsample([Inferred(whole, alpha)]).resolve(self.if_nobody)
        parts = [self._prepare((whole.frame, 0), crop) for crop in crops]
        inferred = [Inferred(part, self.infer(part.model_input)) for part in parts]
        return self._upsample(inferred).resolve(self.if_nobody)

    def cutout(self, image: Image) -> U8Array:
        """Cut the person out of a photo, with the foreground that the profile asks for.

        Arguments and errors are those of a call.

        Returns:
            uint8 [H, W, 4], RGBA, straight (not premultiplied).
        """
        matte = self.photo(image)
        return cutout(matte.frame, matte.alpha_u8, estimate_foreground=self.settings.foreground)

    def composite(self, image: Image, background: AnyBackground) -> U8Array:
        """Composite the person of a photo over a background, with the foreground that the profile asks for.

        Args:
            image: the photo, as a call takes it.
            background: uint8 [H, W, 3]; one colour as (r, g, b); or a text as `mmnet matte --background` takes it: a
                colour ("green", "#00ff00"), "blur", or the path of an image.

        Returns:
            uint8 [H, W, 3].

        Raises:
            ImageError, PhotoError, ModelError: as a call; or the background has another shape.
            BackgroundError: the text names no background.
        """
        matte = self.photo(image)
        return composite(matte.frame, matte.alpha_u8, background, estimate_foreground=self.settings.foreground)

    def alpha_bytes(self, image: Image) -> U8Array:
        """Compute the alpha of a photo at the model's size, in one pass: uint8 [S, S], 255 = the foreground.

        Arguments and errors are those of a call.
        """
        model_input = to_model_input(as_bytes(image), self.model.size)
        with self._network:
            return self.model.run(model_input)

    def prepare(self, image: Image, crop: Rectangle | None = None) -> U8Array:
        """Bring an image, or a crop of it, into the model's square: uint8 [S, S, 3], RGB. The first step of a matte.

        Args:
            image: as a call takes it.
            crop: the part of it to stretch; None takes what `fit` says.

        Raises:
            ImageError: as a call.
        """
        return self._prepare((image, 0), crop).model_input

    def infer(self, model_input: U8Array) -> Alpha:
        """Run the network on its input, uint8 [S, S, 3]: float32 [S, S] in 0-1. The second step of a matte.

        Raises:
            ImageError: another shape or dtype.
            ModelError: see `MattingModel.run`.
        """
        with self._network:
            return self.model.run_float(model_input)

    def find_crops(self, alpha: Alpha, image: U8Array) -> list[Rectangle]:
        """Return the crops of a photo that the second pass sees; empty where one pass is all, and without `Fit.AUTO`.

        Args:
            alpha: float32 [S, S] in 0-1, of the first pass.
            image: uint8 [H, W, 3].
        """
        return find_crops(alpha, image.shape[0], image.shape[1]) if self.fit is Fit.AUTO else []

    def upsample(
        self,
        alphas: Sequence[Alpha],
        image: U8Array,
        crops: Sequence[Rectangle] = (),
        model_inputs: Sequence[U8Array] | None = None,
    ) -> AnyAlpha:
        """Bring the network's alphas to the size of their image. The third step of a matte.

        Args:
            alphas: float32 [S, S] in 0-1, as `infer` returns them: one per crop, or the one of the first pass.
            image: uint8 [H, W, 3].
            crops: the parts of the image that `prepare` was given, of which no two share a pixel; empty where it was
                given none.
            model_inputs: uint8 [S, S, 3], as `prepare` returned them, one per alpha; None computes them again.

        Returns:
            [H, W]: `AlphaU8` where the alpha was guided by the image, else float32 in 0-1. It is 0 outside the parts of
            the image that the network saw.

        Raises:
            ImageError: an array of another shape or dtype, or alpha outside 0-1.
            ValueError: the numbers of alphas, crops and inputs differ.
        """
        placements = [self._place(check_rgb_bytes(image), crop) for crop in crops or (None,)]
        if model_inputs is None:
            model_inputs = [fill_square(image, placement, self.model.size) for placement in placements]
        parts = [AlphaPart(*one) for one in zip(alphas, placements, model_inputs, strict=True)]
        return upsample_placed(parts, image, self.settings.upsampling)

    def video(self, frame: Image, timestamp_ms: Milliseconds) -> Alpha:
        """Compute the matte of the next frame of a video; `restart` begins another video.

        Args:
            frame: as a photo.
            timestamp_ms: milliseconds since any fixed moment, later than that of the frame before.

        Returns:
            As for a photo; smoothed over time, if this object has a smoothing. With `Fit.AUTO`, the network sees a crop
            that follows the people from frame to frame.

        Raises:
            TimestampError: the timestamp is not later than the one before; the frame does not count.
            ImageError, ModelError: as for a photo.
        """
        return self._upsample([self._infer(self._prepare_frame((frame, timestamp_ms)), self._video)]).alpha

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
        """Compute the mattes of a video's frames, in order: to the bit what `video` computes.

        Reading, preparing, the network and finishing overlap, each in a thread of its own. Each call is a video of its
        own.

        Args:
            frames: (frame, timestamp_ms), as `video` takes them; read ahead by a few frames.
            finish: called with each `Matte`, in the last thread; its result is yielded. None yields the `Matte`.
            stop: once set, no further frame is read; those on their way still come out.

        Yields:
            For each frame its `Matte`, or what `finish` returned. Closing the iterator ends the threads.

        Raises:
            Exception: what `video`, `frames` or `finish` raised, after the results before.
        """
        state = self._new_state()

        def last(inferred: Inferred) -> Any:
            matte = self._upsample([inferred])
            return matte if finish is None else finish(matte)

        return pipelined(frames, self._prepare_frame, lambda prepared: self._infer(prepared, state), last, stop=stop)

    def live(self, frame: Image, timestamp_ms: Milliseconds) -> None:
        """Take a camera's frame and return at once; `on_matte` gets its matte, unless a newer frame comes first.

        Args:
            frame: as a photo; it is copied.
            timestamp_ms: as `video` takes it.

        Raises:
            TimestampError, ImageError: as `video`.
            StreamError: this object has no `on_matte`, or is closed.
            Exception: what `on_matte` or the network raised for an earlier frame; once.
        """
        image = as_bytes(frame)
        with self._starting:
            if self._live is None:
                if self._closed:
                    raise StreamError("the live stream is closed")
                if self._on_matte is None:
                    raise StreamError("the live stream has no listener; give PortraitMatter an on_matte")
                state = self._new_state()

                def compute(*sent: Any) -> Matte:
                    return self._upsample([self._infer(self._prepare_frame(sent), state)])

                self._live = LiveStream(compute, self._on_matte)
        self._live.send(image, timestamp_ms)

    @property
    def dropped(self) -> int:
        """The number of frames of the live stream that newer frames replaced."""
        return 0 if self._live is None else self._live.dropped

    def close(self) -> None:
        """Wait for the live stream's last frames, and free the model, if this object owns it.

        Raises:
            Exception: what `on_matte` or the network raised for a frame of the live stream, unless `live` did.
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
            if error is None:  # an earlier error says more than this one
                raise

    def _new_state(self) -> StreamState:
        return StreamState(None if self._smoothing is None else self._smoothing())

    def _place(self, image: U8Array, crop: Rectangle | None) -> Placement:
        size = self.model.size
        return place(self.fit, image.shape[0], image.shape[1], size) if crop is None else Placement.of_crop(crop, size)

    def _prepare(self, timed: tuple[Image, Milliseconds], crop: Rectangle | None = None) -> Prepared:
        frame, timestamp_ms = timed
        image = as_bytes(frame)
        return Prepared(image, timestamp_ms, self._place(image, crop), self.model.size)

    def _prepare_frame(self, timed: tuple[Image, Milliseconds]) -> Prepared:
        """Prepare the frame of a video; with `Fit.AUTO`, the network's input is made when the crop is known."""
        prepared = self._prepare(timed)
        if self.fit is not Fit.AUTO:
            _ = prepared.model_input
        return prepared

    def _infer(self, prepared: Prepared, state: StreamState) -> Inferred:
        with self._network:  # held while smoothing, too: the state is for one thread at a time
            state.advance(prepared.timestamp_ms)
            if self.fit is Fit.AUTO:
                inferred, jumped = self._follow(prepared, state)
            else:
                inferred, jumped = Inferred(prepared, self.model.run_float(prepared.model_input)), False
            seen = inferred.prepared
            return Inferred(seen, state.smooth(inferred.alpha, seen.model_input, seen.frame.shape, jumped=jumped))

    def _follow(self, prepared: Prepared, state: StreamState) -> tuple[Inferred, bool]:
        """Run the network on the crop that follows people; also return whether the crop jumped."""
        seen, (height, width) = prepared, prepared.frame.shape[:2]

        def compute(crop: Rectangle) -> Alpha:
            nonlocal seen
            seen = self._prepare((prepared.frame, prepared.timestamp_ms), crop)
            return self.model.run_float(seen.model_input)

        _, alpha = state.tracker.follow(height, width, compute)
        return Inferred(seen, alpha), state.tracker.jumped

    def _upsample(self, inferred: Sequence[Inferred]) -> Matte:
        frame, timestamp_ms = inferred[0].prepared.frame, inferred[0].prepared.timestamp_ms
        parts = [part.placed for part in inferred]
        height, width = frame.shape[:2]
        presence = measure_presence([(part.alpha, part.placement) for part in parts], height, width)
        alpha = upsample_placed(parts, frame, self.settings.upsampling)
        return Matte(frame, alpha, timestamp_ms, presence, tuple(part.placement.seen for part in parts))
