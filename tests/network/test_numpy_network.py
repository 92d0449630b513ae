"""The network in NumPy that exports are checked against, against the reference of the tests."""

from __future__ import annotations

import numpy as np
import pytest
from numpy_network import NumpyMMNet
from support import random_checkpoint

from mmnet.export.verify import probe_images
from mmnet.network.config import ModelConfig
from mmnet.network.numpy_network import numpy_alphas, numpy_outputs


@pytest.mark.parametrize("sampling", ["legacy", "half_pixel"])
@pytest.mark.parametrize("width", [0.35, 1.0])
def test_every_block(width: float, sampling: str) -> None:
    checkpoint = random_checkpoint(ModelConfig(width, 32, sampling))  # type: ignore[arg-type]
    image = probe_images(32, 1)[0].astype(np.float32) / np.float32(255)
    found = numpy_outputs(checkpoint, image)
    expected = NumpyMMNet(checkpoint.weights, width, sampling)(image)
    assert set(found) == set(expected)
    for name, values in expected.items():
        assert found[name] == pytest.approx(values, abs=2e-4 * np.abs(values).max())


def test_alphas_are_the_softmax() -> None:
    checkpoint = random_checkpoint(ModelConfig(0.35, 32, "legacy"))
    images = probe_images(32, 2)
    found = numpy_alphas(checkpoint, images)
    assert found.shape == (2, 32, 32)
    logits = NumpyMMNet(checkpoint.weights, 0.35, "legacy")(images[1] / np.float32(255))["final_block"]
    powers = np.exp(logits)
    assert found[1] == pytest.approx(powers[..., 1] / powers.sum(axis=2), abs=1e-5)
