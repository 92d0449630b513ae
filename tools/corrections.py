"""Do bias correction and cross-layer equalization pay after training? Each is measured on real int8 models.

    python tools/corrections.py --ckpt 887000 --calibration portraits/unlabelled --data portraits/test

Both are from Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction" (2019).

**Bias correction**, the empirical one: in the order in which layers run, the bias of a convolution takes up by how much
the mean of each of its channels, over the calibration photos, lies off the float network's; later layers are corrected
on top of that.

**Equalization** scales a channel up before it is rounded and the kernel that reads it down. The paper replaces ReLU6 by
ReLU for that. Here a channel grows only until its largest value over the calibration photos reaches the tensor's range,
which is at most 6, so that the ReLU6 stays and cuts nothing that it did not cut before. Kernels have a scale a channel,
so that only activations have something to gain.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from against_float import FloatNetwork
from numpy.typing import NDArray

from mmnet.arrays import F32Array, U8Array
from mmnet.evaluation.statistics import summarise
from mmnet.export.convert import to_int8_from_ranges
from mmnet.graph.lower import lower
from mmnet.graph.operators import Concat, Conv, Depthwise, Graph, Image, Node, Pack, Relu6
from mmnet.quantize.activations import IMAGE_LIMITS, Limits, activations, measure_limits
from mmnet.quantize.calibration import load_calibration

Array = F32Array


def corrected(graph: Graph, limits: Limits, images: U8Array) -> Graph:
    """The graph with corrected biases."""
    values = tf.constant(images.astype(np.float32) / np.float32(255))
    wanted: dict[str, Any] = {}

    def note(node: Node, value: Any) -> Any:
        if isinstance(node.op, Conv | Depthwise):
            wanted[node.name] = tf.reduce_mean(value, (0, 1, 2))
        return value

    lower(graph, values, hook=note)
    names = activations(graph)
    shifts: dict[str, Array] = {}

    def correct_and_round(node: Node, value: Any) -> Any:
        if isinstance(node.op, Conv | Depthwise):
            shift = wanted[node.name] - tf.reduce_mean(value, (0, 1, 2))
            shifts[node.name] = shift.numpy()
            value = value + shift
        if node.name in names:
            return tf.quantization.fake_quant_with_min_max_args(value, *limits[names[node.name]])
        if isinstance(node.op, Image | Pack):
            return tf.quantization.fake_quant_with_min_max_args(value, *IMAGE_LIMITS)
        return value

    lower(Graph(tuple(_with_rounded_kernel(node) for node in graph.nodes)), images, hook=correct_and_round)
    return Graph(
        tuple(
            replace(node, op=replace(node.op, bias=node.op.bias + shifts[node.name]))
            if isinstance(node.op, Conv | Depthwise)
            else node
            for node in graph.nodes
        )
    )


def _with_rounded_kernel(node: Node) -> Node:
    """Its kernel as 8 bits hold it: symmetric, a scale for each output channel."""
    if not isinstance(node.op, Conv | Depthwise):
        return node
    axes = (0, 1, 3) if isinstance(node.op, Depthwise) else (0, 1, 2)
    scale = np.maximum(np.abs(node.op.kernel).max(axes, keepdims=True), 1e-12) / 127
    return replace(node, op=replace(node.op, kernel=(np.rint(node.op.kernel / scale) * scale).astype(np.float32)))


def equalized(graph: Graph, images: U8Array, strength: float, most: float = 16.0) -> tuple[Graph, int]:
    """The graph with channels scaled, and how many tensors that concerned.

    Args:
        graph: the inference graph.
        images: uint8 [N, size, size, 3], to measure how large channels get.
        strength: 1 scales every channel to the tensor's range, 0.5 by the square root of that factor.
        most: no channel is scaled by more.
    """
    largest: dict[str, Array] = {}

    def note(node: Node, value: Any) -> Any:
        largest[node.name] = np.maximum(largest.get(node.name, 0), tf.reduce_max(value, (0, 1, 2)).numpy())
        return value

    for image in images:
        lower(graph, tf.constant(image[None].astype(np.float32) / np.float32(255)), hook=note)
    nodes = {node.name: node for node in graph.nodes}
    found = 0
    for producer in graph.nodes:
        reached = _reader(graph, producer)
        if reached is None:
            continue
        last, reader, first = reached
        peaks = np.maximum(largest[last], 1e-3)
        factors = np.minimum((peaks.max() / peaks) ** strength, most).astype(np.float32)
        made, reading = nodes[producer.name].op, nodes[reader].op
        assert isinstance(made, Conv | Depthwise)
        outwards = factors[:, None] if isinstance(made, Depthwise) else factors
        nodes[producer.name] = replace(
            producer, op=replace(made, kernel=made.kernel * outwards, bias=made.bias * factors)
        )
        assert isinstance(reading, Conv | Depthwise)
        kernel = reading.kernel.copy()
        kernel[:, :, first : first + len(factors)] /= factors[:, None]
        nodes[reader] = replace(nodes[reader], op=replace(reading, kernel=kernel))
        found += 1
    return Graph(tuple(nodes[node.name] for node in graph.nodes)), found


def _reader(graph: Graph, producer: Node) -> tuple[str, str, int] | None:
    """Where the channels of a convolution end up: the last node that holds them alone, the convolution that reads
    them, and the first of its inputs that is one of them; None where several read them, or something else does."""
    if not isinstance(producer.op, Conv | Depthwise):
        return None
    readers: dict[str, list[Node]] = {}
    for node in graph.nodes:
        for name in node.inputs:
            readers.setdefault(name, []).append(node)
    widths = _widths(graph)
    at, last, first, rectified = producer, producer.name, 0, False
    while len(readers.get(at.name, ())) == 1:
        (reader,) = readers[at.name]
        match reader.op:
            case Conv() | Depthwise():
                # Without a ReLU negative values would count too; the network has few such places.
                return (last, reader.name, first) if rectified else None
            case Relu6():
                rectified, last = True, reader.name
            case Concat():
                if reader.inputs.count(at.name) != 1:
                    return None
                first += sum(widths[name] for name in reader.inputs[: reader.inputs.index(at.name)])
            case _:
                return None
        at = reader
    return None


def _widths(graph: Graph) -> dict[str, int]:
    """The number of channels of every node that `_reader` may pass through."""
    widths: dict[str, int] = {}
    for node in graph.nodes:
        inputs = [widths.get(name, 0) for name in node.inputs]
        match node.op:
            case Conv(kernel):
                widths[node.name] = kernel.shape[3]
            case Depthwise(kernel):
                widths[node.name] = kernel.shape[2]
            case _:
                widths[node.name] = sum(inputs)
    return widths


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ckpt", required=True)
    parser.add_argument("--calibration", type=Path, required=True, metavar="DIR")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="holds image/ and mask/")
    parser.add_argument("--photos", type=int, default=50, help="to measure ranges and channels on")
    parser.add_argument("--averaged", type=int, default=16, help="of these, what biases are corrected on (memory)")
    parser.add_argument("--images", type=int, default=264, help="at most so many of DIR are measured on")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    network = FloatNetwork(arguments.ckpt, arguments.data, arguments.images)
    graph, photos = network.graph, load_calibration(arguments.calibration, network.size, limit=arguments.photos).images
    rows: list[Mapping[str, Any]] = []
    differences: list[NDArray[np.float64]] = []
    head = f"| correction | mean \\|Δα\\| on {network.count} images | against none | MAD | GAUSS_GRAD |"
    print(f"{head}\n|---|---|---|---|---|")

    def measure(name: str, changed: Graph, correct: bool) -> None:
        limits = measure_limits(changed, photos)
        if correct:
            changed = corrected(changed, limits, photos[:: max(1, len(photos) // arguments.averaged)])
            limits = measure_limits(changed, photos)
        found = network.compare(to_int8_from_ranges(changed, limits))
        differences.append(found.differences)
        mean, change = summarise(np.stack([found.differences, found.differences - differences[0]], axis=1))
        rows.append(
            {
                "correction": name, "mean": mean.mean, "low": mean.low, "high": mean.high,
                "change": change.mean, "change_low": change.low, "change_high": change.high,
                "mad_increase": found.mad_increase, "gauss_grad_increase": found.gauss_grad_increase,
            }
        )  # fmt: skip
        print(
            f"| {name} | {mean.mean:.5f} ({mean.low:.5f}–{mean.high:.5f}) "
            f"| {change.mean:+.5f} ({change.low:+.5f} to {change.high:+.5f}) "
            f"| {found.mad_increase:+.2%} | {found.gauss_grad_increase:+.2%} |",
            flush=True,
        )

    half, tensors = equalized(graph, photos, 0.5)
    full, _ = equalized(graph, photos, 1.0)
    measure("none", graph, False)
    measure("biases", graph, True)
    measure(f"equalization of {tensors} tensors, half", half, False)
    measure(f"equalization of {tensors} tensors, full", full, False)
    measure("equalization, half, and biases", half, True)
    if arguments.json:
        arguments.json.write_text(json.dumps({"images": network.count, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
