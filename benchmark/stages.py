"""A loaded model taken apart into the three stages of a matte, so that each can be timed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray

from mmnet.runtime.errors import ModelError
from mmnet.runtime.preprocess import Bytes, to_model_input
from mmnet.runtime.upsample import resize_alpha

STAGES = ("preprocess", "invoke", "postprocess")
TOTAL = "total"

# What runs the operators: by name, what the interpreter is told.
HOST_DELEGATES = {
    "xnnpack": OpResolverType.AUTO,
    "none": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
}


class StagedModel:
    """One .tflite of one square RGB image and one alpha, uint8 or float32 (0-1) each, in an interpreter of its own.

    The stages are those of `mmnet.runtime.PortraitMatter`: the photo is stretched to the model's square and written
    into its input; the model runs; its alpha is read and stretched to the photo's size.
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

    def preprocess(self, photo: Bytes) -> None:
        """Photo, uint8 [H, W, 3] RGB → the model's input tensor."""
        square = to_model_input(photo, self.size)
        buffer = self._interpreter.tensor(self._image)()[0]
        if buffer.dtype == np.uint8:
            buffer[...] = square
        else:
            np.divide(square, np.float32(255), out=buffer)

    def invoke(self) -> None:
        """Run the model on what `preprocess` wrote."""
        self._interpreter.invoke()

    def postprocess(self, height: int, width: int) -> NDArray[np.float32]:
        """The model's alpha at the photo's size: float32 [H, W] in 0-1."""
        alpha: NDArray[Any] = self._interpreter.get_tensor(self._alpha)[0, :, :, 0]
        floats = alpha if alpha.dtype == np.float32 else alpha / np.float32(255)
        return resize_alpha(np.asarray(floats, np.float32), height, width)

    def time_stages(self, photo: Bytes) -> Sequence[float]:
        """Milliseconds of preprocess, invoke, postprocess, in this order, of one run."""
        start = time.perf_counter_ns()
        self.preprocess(photo)
        ready = time.perf_counter_ns()
        self.invoke()
        done = time.perf_counter_ns()
        self.postprocess(*photo.shape[:2])
        end = time.perf_counter_ns()
        return (ready - start) / 1e6, (done - ready) / 1e6, (end - done) / 1e6


def camera_frame(height: int, width: int) -> Bytes:
    """A drawn frame to measure on, uint8 [height, width, 3]: what a matte costs does not depend on what is seen."""
    y, x = np.mgrid[0:height, 0:width]
    channels = (x * 255 // max(1, width - 1), y * 255 // max(1, height - 1), (x + y) % 256)
    return np.stack(channels, axis=-1).astype(np.uint8)
