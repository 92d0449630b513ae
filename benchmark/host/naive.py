"""The naive conversion: the network as it was trained, given to the converter without any rewriting."""

from __future__ import annotations

import contextlib
import io

from mmnet.network.checkpoint import Checkpoint


def naive_conversion(checkpoint: Checkpoint) -> bytes:
    """Return the .tflite of `TFLiteConverter.from_keras_model`: unknown batch size, float32, two logits and a softmax.

    The input is float32 [N, S, S, 3], RGB in 0-1; the output is the alpha, float32 [N, S, S, 1]. Needs the extras
    `export` and `train`.
    """
    import keras
    import tensorflow as tf

    from mmnet.network.keras_network import build_trained_keras

    model = build_trained_keras(checkpoint, keras)
    alpha = keras.ops.softmax(model.output["final_block"])[..., 1:]
    # The converter prints the signature of the model on standard output.
    with contextlib.redirect_stdout(io.StringIO()):
        return bytes(tf.lite.TFLiteConverter.from_keras_model(keras.Model(model.input, alpha)).convert())
