"""Write the small models of the tests, good ones and ones to refuse: `python build_models.py FOLDER`.

This is a separate program, so that the tests' process does not load TensorFlow.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

SIZE = 64
WEIGHTS = (3.0, -2.0, 1.5)  # of R, G and B: all different, so that a swapped channel shows
BIAS = -0.75


def logits(image: Any) -> Any:
    """A 1×1 convolution at half the size, scaled back up, like the last blocks of MMNet."""
    kernel = tf.reshape(tf.constant(WEIGHTS, tf.float32), [1, 1, 3, 1])
    small: Any = tf.nn.avg_pool2d(image, 2, 2, "VALID")
    small = tf.nn.conv2d(small, kernel, 1, "VALID") + BIAS
    return tf.image.resize(small, [2 * small.shape[1], 2 * small.shape[2]])


def sigmoid(image: Any) -> dict[str, Any]:
    return {"alpha": tf.sigmoid(logits(image))}


def traced(function: Callable[..., dict[str, Any]], *shapes: Sequence[int | None], names: str = "image") -> Any:
    specs = [tf.TensorSpec(shape, tf.float32, name=name) for shape, name in zip(shapes, names.split(), strict=True)]
    return tf.function(function, input_signature=specs)


def converter(function: Any, key: str, folder: Path) -> Any:
    if key == "serving_default":  # the default name of a signature; this way of conversion is much faster
        return tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], tf.Module())
    module: Any = tf.Module()
    module.run = function
    saved = folder / "saved"
    tf.saved_model.save(module, str(saved), signatures={key: function})
    return tf.lite.TFLiteConverter.from_saved_model(str(saved), signature_keys=[key])


def quantized(source: Any, brightest: float) -> Any:
    """Full-integer, uint8 in and out; the scale of the input follows from the brightest sample."""

    def samples() -> Iterator[list[np.ndarray[Any, Any]]]:
        rng = np.random.default_rng(0)
        for _ in range(4):
            blocks = brightest * rng.integers(0, 2, (1, SIZE // 8, SIZE // 8, 3)).astype(np.float32)
            yield [blocks.repeat(8, axis=1).repeat(8, axis=2)]

    source.optimizations = [tf.lite.Optimize.DEFAULT]
    source.representative_dataset = samples
    source.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    source.inference_input_type = source.inference_output_type = tf.uint8
    return source


SQUARE = [1, SIZE, SIZE, 3]
FLOAT_MODELS: dict[str, tuple[Any, str]] = {
    "float32": (traced(sigmoid, SQUARE), "serving_default"),
    "other_signature": (traced(sigmoid, SQUARE), "matte"),
    "other_output": (traced(lambda image: {"mask": tf.sigmoid(logits(image))}, SQUARE), "serving_default"),
    "two_inputs": (
        traced(lambda image, trimap: sigmoid(image + trimap), SQUARE, SQUARE, names="image trimap"),
        "serving_default",
    ),
    "oblong": (traced(sigmoid, [1, SIZE, 2 * SIZE, 3]), "serving_default"),
    "rgba": (traced(lambda image: sigmoid(image[..., :3]), [1, SIZE, SIZE, 4]), "serving_default"),
    "any_batch": (traced(sigmoid, [None, SIZE, SIZE, 3]), "serving_default"),
    "two_channels": (
        traced(lambda image: {"alpha": tf.concat([sigmoid(image)["alpha"]] * 2, -1)}, SQUARE),
        "serving_default",
    ),
    "logits": (traced(lambda image: {"alpha": 10 * logits(image)}, SQUARE), "serving_default"),
    "nan": (traced(lambda image: {"alpha": tf.math.log(logits(image) - 100)}, SQUARE), "serving_default"),
}
QUANTIZED_MODELS = {"uint8": 1.0, "dim_input": 0.5}


def main(folder: Path) -> None:
    for name, (function, key) in FLOAT_MODELS.items():
        (folder / f"{name}.tflite").write_bytes(converter(function, key, folder).convert())
    for name, brightest in QUANTIZED_MODELS.items():
        source = quantized(converter(traced(sigmoid, SQUARE), "serving_default", folder), brightest)
        (folder / f"{name}.tflite").write_bytes(source.convert())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
