"""The losses, against the original code and an independent NumPy computation."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest
from scipy.signal import convolve2d
from support import random_checkpoint

from mmnet.export.verify import probe_images
from mmnet.network.config import ModelConfig
from mmnet.network.keras_network import build_keras
from mmnet.training.losses import alphas_of, matting_losses, weight_decay
from mmnet.training.models import frozen_network, training_model
from mmnet.training.recipes import LOSSES, find_recipe


def computed(images, mattes, logits, aux_logits):
    tensors = (np.asarray(value, np.float32) for value in (images, mattes, logits, aux_logits))
    return {name: float(loss) for name, loss in matting_losses(keras, *tensors).items()}


def expected(images, mattes, logits, aux_logits):
    """Compute the losses from their definitions in float64."""

    def log_softmax(x):
        return x - np.logaddexp(x[..., :1], x[..., 1:])

    def cross_entropy(x, truth):
        return -np.mean((1 - truth) * log_softmax(x)[..., 0] + truth * log_softmax(x)[..., 1])

    mattes = mattes[..., 0]
    difference = np.exp(log_softmax(logits))[..., 1] - mattes
    sobel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 8
    gradients = [convolve2d(image, kernel, "same") for image in difference for kernel in (sobel, sobel.T)]
    stride = mattes.shape[1] // aux_logits.shape[1]
    return {
        "alpha": np.abs(difference).mean(),
        "compositional": np.abs(difference[..., None] * images).mean(),
        "gradient": np.abs(gradients).mean(),
        "cross_entropy": cross_entropy(logits, mattes),
        "auxiliary": cross_entropy(aux_logits, mattes[:, ::stride, ::stride]),
    }


@pytest.mark.parametrize("size", [32, 48])
def test_against_numpy(size):
    random = np.random.default_rng(size)
    arguments = (
        random.random((2, size, size, 3)),
        random.random((2, size, size, 1)),
        random.normal(0, 3, (2, size, size, 2)),
        random.normal(0, 3, (2, size // 16, size // 16, 2)),
    )
    found = computed(*arguments)
    assert list(found) == list(LOSSES)
    for name, value in expected(*arguments).items():
        assert found[name] == pytest.approx(value, rel=1e-5), name


def test_against_the_original_code(research_data):
    golden = np.load(research_data / "reference" / "mmnet-0.5" / "golden.npz")
    found = computed(golden["images"] / 255, golden["masks"][..., None], golden["logits"], golden["aux_logits"])
    names = {"alpha": "alpha_loss", "gradient": "grad_loss", "cross_entropy": "kd_loss", "auxiliary": "aux_loss"}
    for ours, theirs in names.items():
        assert found[ours] == pytest.approx(float(golden[theirs]), rel=1e-5), ours
    # The original code divides the image by 255 once too often.
    assert found["compositional"] / 255 == pytest.approx(float(golden["comp_loss"]), rel=1e-5)


def test_a_perfect_matte_has_no_loss():
    mattes = np.zeros((1, 32, 32, 1))
    mattes[:, 8:24, 8:24] = 1
    logits = np.concatenate([-50 * mattes + 25, 50 * mattes - 25], axis=-1)
    found = computed(np.ones((1, 32, 32, 3)), mattes, logits, logits[:, ::16, ::16])
    assert all(value == pytest.approx(0, abs=1e-6) for value in found.values())


def test_weight_decay_counts_ordinary_convolutions_only():
    model = build_keras(ModelConfig(0.35, 32), keras)
    kernels = [layer.kernel for layer in model.layers if "depthwise" not in layer.name and hasattr(layer, "kernel")]
    total = sum(float((kernel.numpy().astype(np.float64) ** 2).sum()) for kernel in kernels)
    assert float(weight_decay(keras, model, 4e-7)) == pytest.approx(2e-7 * total, rel=1e-5)


def test_a_teachers_alphas_are_mixed_into_the_labels():
    checkpoint, recipe = random_checkpoint(ModelConfig(0.35, 48), seed=3), find_recipe("fine-tune")
    network = build_keras(ModelConfig(0.35, 32), keras)
    teacher = frozen_network(keras, checkpoint, 32)
    images = probe_images(32, 2).astype(np.float32) / 255
    labels = np.random.default_rng(0).random((2, 32, 32, 1)).astype(np.float32)
    taught = alphas_of(keras, teacher(images, training=False)["final_block"]).numpy()
    outputs = network(images, training=False)

    def loss(share, labels, teacher):
        model = training_model(keras, network, replace(recipe, teacher_share=share), teacher)
        assert len(model.trainable_variables) == len(network.trainable_variables)
        return float(model.compute_loss(images, labels, outputs))

    assert loss(0.25, labels, teacher) == pytest.approx(loss(0.5, 0.75 * labels + 0.25 * taught, None), rel=1e-6)
    assert loss(0.25, labels, teacher) != pytest.approx(loss(0.5, labels, None), rel=1e-3)
