"""What one would do first to get a .tflite: the network as it was trained, straight into the converter."""

from __future__ import annotations

import contextlib
import io

from mmnet.network.checkpoint import Checkpoint


def naive_conversion(checkpoint: Checkpoint) -> bytes:
    """The .tflite of `TFLiteConverter.from_keras_model`: unknown batch, float32, two logits and a softmax.

    Its input is [N, S, S, 3] float32 in 0-1, its output alpha [N, S, S, 1]. Needs the extras `export` and `train`.
    """
    import keras
    import tensorflow as tf

    from mmnet.network.keras_network import build_trained_keras

    model = build_trained_keras(checkpoint, keras)
    alpha = keras.ops.softmax(model.output["final_block"])[..., 1:]
    # Keras prints the whole signature.
    with contextlib.redirect_stdout(io.StringIO()):
        return bytes(tf.lite.TFLiteConverter.from_keras_model(keras.Model(model.input, alpha)).convert())
