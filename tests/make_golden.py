"""Write golden.npz beside this file: an image, and the outputs of the NumPy network for both samplings.

Run: python tests/make_golden.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy_network import NumpyMMNet
from support import random_weights

from mmnet.network.config import ModelConfig

GOLDEN = Path(__file__).with_name("golden.npz")
WIDTH, SIZE, SEED = 0.35, 64, 35
MAPS = ("enc_block0", "enc_block4", "enc_block9", "dec_block3", "final_block", "aux_block")


def compute() -> dict[str, np.ndarray]:
    """Return the arrays of golden.npz by name."""
    image = np.random.default_rng(SEED).integers(0, 256, (SIZE, SIZE, 3)).astype(np.uint8)
    arrays = {"image": image}
    for sampling in ("legacy", "half_pixel"):
        network = NumpyMMNet(random_weights(ModelConfig(WIDTH, SIZE), SEED), WIDTH, sampling)
        outputs = network(image.astype(np.float32) / np.float32(255))
        arrays |= {f"{sampling}/{name}": outputs[name].astype(np.float32) for name in MAPS}
    return arrays


if __name__ == "__main__":
    arrays: dict[str, Any] = compute()
    np.savez_compressed(GOLDEN, **arrays)
