"""Differences between 8-bit variants of one network and its float model, on images with known mattes.

`ranges.py` and `corrections.py` measure variants with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmnet.arrays import F32Array
from mmnet.evaluation import metrics
from mmnet.evaluation.datasets.pairs import load_pairs
from mmnet.evaluation.figures import Truth
from mmnet.evaluation.resize import RESIZES
from mmnet.export.convert import to_float
from mmnet.export.verify import alphas
from mmnet.graph.inference import inference_graph
from mmnet.graph.operators import Graph
from mmnet.network.resolve import resolve
from mmnet.selection import spread_evenly


@dataclass(frozen=True)
class Against:
    """The differences between a variant and the float network.

    Attributes:
        differences: mean |Δα| of each image, float64 [N].
        mad_increase, gauss_grad_increase: the increase of the mean MAD and of the mean GAUSS_GRAD against the true
            mattes, as a fraction of the float network's own.
    """

    differences: NDArray[np.float64]
    mad_increase: float
    gauss_grad_increase: float


class FloatNetwork:
    """A checkpoint's network in float32, and the images that variants are compared on.

    Attributes:
        graph: the inference graph.
        size: the side of the network's input in pixels.
        count: the number of images.
    """

    def __init__(self, checkpoint: str, data: Path, most: int) -> None:
        """Load the network, and at most `most` images of `data` (image/ and mask/), spread evenly.

        Raises:
            MMNetError: the checkpoint or the images cannot be used.
        """
        loaded = resolve(checkpoint, Path("checkpoints")).load()
        self.graph: Graph = inference_graph(loaded)
        self.size = loaded.config.size
        resize = RESIZES["runtime"]
        chosen = [pair.read() for pair in spread_evenly(load_pairs(data), most)]
        self.count = len(chosen)
        self._images = np.stack([resize.photo(photo, self.size, self.size) for photo, _ in chosen]).astype(np.uint8)
        self._truths = [Truth(mask, resize).at_256 for _, mask in chosen]
        self._expected = alphas(to_float(self.graph), self._images)
        self._accuracy = np.mean(list(self._measured(self._expected)), axis=0)

    def compare(self, model: bytes) -> Against:
        """Compare a variant, given as the bytes of a .tflite, with the float network."""
        computed = alphas(model, self._images)
        mad, gauss_grad = np.mean(list(self._measured(computed)), axis=0) / self._accuracy - 1
        differences = np.abs(computed - self._expected).mean(axis=(1, 2), dtype=np.float64)
        return Against(differences, float(mad), float(gauss_grad))

    def _measured(self, computed: F32Array) -> Iterator[tuple[float, float]]:
        for alpha, truth in zip(computed, self._truths, strict=True):
            yield metrics.mad(alpha, truth), metrics.gauss_grad(alpha, truth)
