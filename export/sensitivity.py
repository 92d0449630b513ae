"""The error of every layer in 8 bits, measured on real .tflite models."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from mmnet.arrays import U8Array
from mmnet.export.direct.models import calibrate, to_float
from mmnet.export.verify import alphas
from mmnet.graph.operators import Graph
from mmnet.quantize.sensitivity import CachedError, LayerSensitivity, Proposal, Sensitivity, propose
from mmnet.selection import even_indices


def measure_layers(
    graph: Graph,
    images: U8Array,
    *,
    count: int,
    tolerance: float,
    progress: Callable[[str, int, int], None] = lambda stage, done, total: None,
) -> tuple[Sensitivity, Proposal]:
    """Measure what every layer loses in 8 bits, and propose the layers that have to stay float.

    Every model is rounded as for an export and run through the runtime; its error is mean |Δα| against the
    float model.

    Args:
        graph: the inference graph.
        images: uint8 [N, size, size, 3], RGB, to measure ranges on.
        count: the number of these, spread evenly, to measure errors on, at most N.
        tolerance: the largest mean |Δα| that the proposal may have.
        progress: called with a stage, the steps done and their total, 0 if that is not known.
    """
    calibrated = calibrate(graph, images, progress=lambda done: progress("measuring ranges", done, len(images)))
    probes = images[even_indices(len(images), count)]
    expected = alphas(to_float(graph), probes)

    def error_of(model: bytes) -> float:
        return float(np.abs(alphas(model, probes) - expected).mean(dtype=np.float64))

    def only_in_8_bits(names: Iterable[str]) -> float:
        return error_of(calibrated.quantize(everything.difference(names), movers_in_float=True))

    everything = frozenset(layer.name for layer in calibrated.layers)
    error = CachedError(lambda float_layers: error_of(calibrated.quantize(float_layers)))
    layers = []
    for done, layer in enumerate(calibrated.layers):
        progress("quantizing layers one by one", done, len(calibrated.layers))
        layers.append(LayerSensitivity(layer.name, layer.kind, only_in_8_bits({layer.name}), error({layer.name})))
    ranked = tuple(sorted(layers, key=lambda layer: (-layer.alone, layer.name)))
    sensitivity = Sensitivity(error(()), only_in_8_bits(()), ranked)
    progress("looking for the fewest float layers", 0, 0)
    return sensitivity, propose(sensitivity, error, tolerance)
