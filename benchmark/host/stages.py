"""The stages of a matte, timed while the runtime computes it."""

from __future__ import annotations

import time

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from mmnet.arrays import Alpha, F32Array, U8Array
from mmnet.runtime.fullres.compositing import composite
from mmnet.runtime.imaging.fit import Fit
from mmnet.runtime.matter import PortraitMatter
from mmnet.runtime.model import MattingModel
from mmnet.runtime.tflite.contract import Endpoints

STAGES = ("preprocess", "invoke", "postprocess")
COMPOSITE = "composite"  # timed only on request
TOTAL = "total"


class StagedMatter:
    """A `PortraitMatter` that tells how long each stage of a photo's matte takes.

    `preprocess` is everything before the interpreter is invoked: the photo is stretched to the model's square and
    written into its input. `invoke` is the invocation. `postprocess` is everything after it: the model's alpha is read,
    checked, and brought to the photo's size, guided by the photo. `composite`, if requested, estimates the foreground
    and composites it over a background, as `mmnet matte` does.

    The cost of the last two depends on the length of the person's outline. So that it does not depend on what a model
    makes of the drawn frame, the drawn alpha (`drawn_alpha`) is upsampled and composited in place of the model's.

    With `Fit.AUTO`, there are always two passes: the first alpha is a drawn person of half the height. `preprocess` and
    `invoke` are then those of both passes.
    """

    def __init__(
        self,
        content: bytes,
        threads: int,
        delegate: str = "xnnpack",
        fit: Fit = Fit.STRETCH,
        accelerator: str | None = None,
    ) -> None:
        """Load a model.

        Args:
            content: a .tflite that `mmnet.evaluation.models.open_file` accepts, or a naive conversion.
            threads: number of threads, >= 1.
            delegate: one of `mmnet.runtime.tflite.interpreter.Delegate`.
            fit: how the photo is brought into the model's square.
            accelerator: `cpu` or `gpu`, what LiteRT compiles the model for; None runs it in an interpreter.

        Raises:
            ModelError: LiteRT cannot load the model.
        """
        self._model = _TimedModel(content, threads, delegate=delegate, accelerator=accelerator)
        self._model.passes = 2 if fit is Fit.AUTO else 1
        self._matter = PortraitMatter(self._model, fit=fit)

    def time_stages(self, photo: U8Array, background: U8Array | None = None) -> list[float]:
        """Time one run: milliseconds of preprocess, invoke, postprocess and, with a background, composite.

        Args:
            photo: uint8 [H, W, 3], RGB.
            background: uint8 [H, W, 3], RGB.

        Raises:
            ModelError: LiteRT cannot run the model.
        """
        invoked = self._model.invoked_ns
        invoked.clear()
        start = time.perf_counter_ns()
        matte = self._matter.photo(photo)
        end = time.perf_counter_ns()
        invoke = sum(after - before for before, after in invoked)
        times = [invoked[-1][1] - start - invoke, invoke, end - invoked[-1][1]]
        if background is not None:
            composite(photo, matte.upsampled, background, estimate_foreground=True)
            times.append(time.perf_counter_ns() - end)
        return [spent / 1e6 for spent in times]


class _TimedModel(MattingModel):
    """A model that notes when it is invoked, and returns the drawn alpha in place of its own.

    It accepts any .tflite of one image [1, S, S, 3] and one alpha [1, S, S, 1], uint8 or float32 (0-1) each: baselines
    need not keep to the runtime's contract.

    Attributes:
        passes: the passes of a photo, 1 or 2; the first of two finds a small person.
        invoked_ns: when each invocation began and ended, nanoseconds of `time.perf_counter_ns`; its user empties it.
    """

    passes = 1
    invoked_ns: list[tuple[int, int]]

    def check_contract(self, interpreter: Interpreter) -> Endpoints:
        (image,), (alpha,) = interpreter.get_input_details(), interpreter.get_output_details()
        if -1 in image["shape_signature"]:  # a batch of unknown size
            interpreter.resize_tensor_input(image["index"], image["shape"])
        size = int(image["shape"][1])
        self.invoked_ns = []
        self._drawn_alpha = drawn_alpha(size)
        self._small_alpha = np.zeros_like(self._drawn_alpha)
        self._small_alpha[size // 4 : size // 4 + (size + 1) // 2, size // 4 : size // 4 + (size + 1) // 2] = (
            self._drawn_alpha[::2, ::2]
        )
        return Endpoints(image["index"], alpha["index"], size)

    def invoke(self, interpreter: Interpreter) -> None:
        start = time.perf_counter_ns()
        super().invoke(interpreter)
        self.invoked_ns.append((start, time.perf_counter_ns()))

    def run_float(self, image: U8Array) -> Alpha:
        super().run_float(image)
        return self._small_alpha if len(self.invoked_ns) < self.passes else self._drawn_alpha


def drawn_alpha(size: int) -> F32Array:
    """Return the alpha of a drawn head and shoulders with a soft edge, float32 [size, size] in 0-1.

    At 1920×1080 its edge crosses a quarter of the tiles, a little more than the edge of an average portrait does.
    """
    y, x = (np.mgrid[0:size, 0:size] + 0.5) / size
    head = np.hypot((x - 0.5) / 0.17, (y - 0.4) / 0.27) - 1
    shoulders = np.hypot((x - 0.5) / 0.42, (y - 1.05) / 0.4) - 1
    distance = np.minimum(head * 0.2, shoulders * 0.4)
    hair = 1 + 1.5 * (y < 0.4) * (1 + np.sin(40 * np.arctan2(y - 0.4, x - 0.5)))
    return np.asarray(np.rint(255 * (0.5 - distance / (0.03 * hair)).clip(0, 1)) / 255, np.float32)


def camera_frame(height: int, width: int) -> U8Array:
    """Return a drawn frame, uint8 [height, width, 3]. The cost of the network does not depend on what a frame shows."""
    y, x = np.mgrid[0:height, 0:width]
    channels = (x * 255 // max(1, width - 1), y * 255 // max(1, height - 1), (x + y) % 256)
    return np.stack(channels, axis=-1).astype(np.uint8)
