"""8-bit variants of one network against its float self, on images with known mattes: what the scripts of
`benchmark/scripts` measure variants with."""

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


@dataclass(frozen=True)
class Against:
    """How a variant compares.

    Attributes:
        differences: mean |Δα| of each image, float64 [N].
        mad_increase, gauss_grad_increase: of the means against the true mattes, as a share of the float network's.
    """

    differences: NDArray[np.float64]
    mad_increase: float
    gauss_grad_increase: float


class FloatNetwork:
    """A checkpoint's network in floats, and images.

    Attributes:
        graph: its inference graph.
        size: of its input.
        count: how many images.
    """

    def __init__(self, checkpoint: str, data: Path, most: int) -> None:
        """Load the network, and at most `most` images of `data` (image/ and mask/), spread evenly.

        Raises:
            MMNetError: either cannot be used.
        """
        loaded = resolve(checkpoint, Path("checkpoints")).load()
        self.graph: Graph = inference_graph(loaded)
        self.size = loaded.config.size
        resize, pairs = RESIZES["runtime"], load_pairs(data)
        self.count = min(most, len(pairs))
        chosen = [pairs[index * len(pairs) // self.count].read() for index in range(self.count)]
        self._images = np.stack([resize.photo(photo, self.size) for photo, _ in chosen]).astype(np.uint8)
        self._truths = [Truth(mask, resize).at_256 for _, mask in chosen]
        self._expected = alphas(to_float(self.graph), self._images)
        self._accuracy = np.mean(list(self._measured(self._expected)), axis=0)

    def compare(self, model: bytes) -> Against:
        """A variant, as a .tflite."""
        found = alphas(model, self._images)
        mad, gauss_grad = np.mean(list(self._measured(found)), axis=0) / self._accuracy - 1
        differences = np.abs(found - self._expected).mean(axis=(1, 2), dtype=np.float64)
        return Against(differences, float(mad), float(gauss_grad))

    def _measured(self, found: F32Array) -> Iterator[tuple[float, float]]:
        for alpha, truth in zip(found, self._truths, strict=True):
            yield metrics.mad(alpha, truth), metrics.gauss_grad(alpha, truth)
