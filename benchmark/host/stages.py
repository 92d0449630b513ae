"""A loaded model taken apart into the stages of a matte, so that each can be timed."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from mmnet.arrays import AnyArray, F32Array, U8Array
from mmnet.runtime.errors import ModelError
from mmnet.runtime.fullres.alpha import AnyAlpha
from mmnet.runtime.fullres.compositing import composite
from mmnet.runtime.fullres.upsampling import upsample
from mmnet.runtime.imaging.preprocess import to_model_input

STAGES = ("preprocess", "invoke", "postprocess")
COMPOSITE = "composite"  # only where it is asked for
TOTAL = "total"

# What runs the operators: by name, what the interpreter is told.
HOST_DELEGATES = {
    "xnnpack": OpResolverType.AUTO,
    "none": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
}


class StagedModel:
    """One .tflite of one square RGB image and one alpha, uint8 or float32 (0-1) each, in an interpreter of its own.

    The stages are those of `mmnet.runtime.PortraitMatter`: the photo is stretched to the model's square and written
    into its input; the model runs; its alpha is read and brought to the photo's size, guided by the photo; and, where
    it is asked for, the person is laid before a background in the colours estimated for it, as `mmnet matte` does.

    What the last two cost depends on how long the person's edge is. So that it does not depend on what a model makes
    of the drawn frame, they are given a drawn alpha (`drawn_alpha`) in place of the model's.
    """

    def __init__(self, content: bytes, threads: int, delegate: str = "xnnpack") -> None:
        """Load a model.

        Args:
            content: the .tflite, which somebody has checked (`mmnet.evaluation.models.open_file`).
            threads: >= 1.
            delegate: one of HOST_DELEGATES.

        Raises:
            ModelError: LiteRT refuses it.
        """
        try:
            self._interpreter = Interpreter(
                model_content=content, num_threads=threads, experimental_op_resolver_type=HOST_DELEGATES[delegate]
            )
            (image,), (alpha,) = self._interpreter.get_input_details(), self._interpreter.get_output_details()
            if -1 in image["shape_signature"]:  # an unknown batch
                self._interpreter.resize_tensor_input(image["index"], image["shape"])
            self._interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            raise ModelError(f"LiteRT cannot run the model: {' '.join(str(error).split())}") from error
        self.size = int(image["shape"][1])
        self._image, self._alpha = image["index"], alpha["index"]
        self._seen: U8Array = np.zeros((self.size, self.size, 3), np.uint8)
        self._drawn = drawn_alpha(self.size)

    def preprocess(self, photo: U8Array) -> None:
        """Photo, uint8 [H, W, 3] RGB → the model's input tensor."""
        self._seen = square = to_model_input(photo, self.size)
        buffer = self._interpreter.tensor(self._image)()[0]
        if buffer.dtype == np.uint8:
            buffer[...] = square
        else:
            np.divide(square, np.float32(255), out=buffer)

    def invoke(self) -> None:
        """Run the model on what `preprocess` wrote."""
        self._interpreter.invoke()

    def postprocess(self, photo: U8Array) -> AnyAlpha:
        """Read the model's alpha, and bring the drawn one to the photo's size."""
        alpha: AnyArray = self._interpreter.get_tensor(self._alpha)[0, :, :, 0]
        _ = alpha if alpha.dtype == np.float32 else alpha / np.float32(255)
        return upsample(self._drawn, photo, model_input=self._seen)

    def time_stages(self, photo: U8Array, background: U8Array | None = None) -> Sequence[float]:
        """Milliseconds of preprocess, invoke, postprocess, in this order, of one run; with a background, of composite.

        Args:
            photo, background: uint8 [H, W, 3], RGB.
        """
        times = [time.perf_counter_ns()]
        self.preprocess(photo)
        times.append(time.perf_counter_ns())
        self.invoke()
        times.append(time.perf_counter_ns())
        alpha = self.postprocess(photo)
        times.append(time.perf_counter_ns())
        if background is not None:
            composite(photo, alpha, background, estimate_foreground=True)
            times.append(time.perf_counter_ns())
        return [(end - start) / 1e6 for start, end in itertools.pairwise(times)]


def drawn_alpha(size: int) -> F32Array:
    """A head and shoulders with a soft edge, float32 [size, size] in 0-1, as a portrait has them.

    At 1920×1080 their edge crosses a quarter of the tiles, a little more than, on average, that of portraits does.
    """
    y, x = (np.mgrid[0:size, 0:size] + 0.5) / size
    head = np.hypot((x - 0.5) / 0.17, (y - 0.4) / 0.27) - 1
    shoulders = np.hypot((x - 0.5) / 0.42, (y - 1.05) / 0.4) - 1
    distance = np.minimum(head * 0.2, shoulders * 0.4)
    hair = 1 + 1.5 * (y < 0.4) * (1 + np.sin(40 * np.arctan2(y - 0.4, x - 0.5)))
    return np.asarray(np.rint(255 * (0.5 - distance / (0.03 * hair)).clip(0, 1)) / 255, np.float32)


def camera_frame(height: int, width: int) -> U8Array:
    """A drawn frame to measure on, uint8 [height, width, 3]: what the network costs does not depend on what is seen."""
    y, x = np.mgrid[0:height, 0:width]
    channels = (x * 255 // max(1, width - 1), y * 255 // max(1, height - 1), (x + y) % 256)
    return np.stack(channels, axis=-1).astype(np.uint8)
