"""Measure what bias correction and cross-layer equalization gain after training, on real int8 models.

    python tools/accuracy/corrections.py --ckpt 887000 --calibration portraits/unlabelled --data portraits/test

Both are from Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction" (2019).

**Bias correction** (the empirical variant): the error in the mean of each channel of a convolution, over the
calibration photos and against the float network, is subtracted from its bias. Layers are corrected in the order in
which they run, each after those before it.

**Equalization** scales a channel up before it is rounded, and scales the kernel that reads it down. The paper replaces
ReLU6 by ReLU for that. Here a channel grows only until its largest value over the calibration photos reaches the
tensor's range, which is at most 6, so the ReLU6 stays and clips nothing that it did not clip before. Kernels have one
scale per channel, so only activations can gain.
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
from mmnet.graph.operators import Concat, Conv, Depthwise, Graph, Image, Node, Relu6
from mmnet.quantize.activations import IMAGE_LIMITS, Limits, activations, measure_limits
from mmnet.quantize.calibration import load_calibration


def corrected(graph: Graph, limits: Limits, images: U8Array) -> Graph:
    """Return the graph with corrected biases.

    Args:
        graph: the inference graph.
        limits: the range of every activation.
        images: uint8 [N, size, size, 3], to measure means on.
    """
    values = tf.constant(images.astype(np.float32) / np.float32(255))
    wanted: dict[str, Any] = {}

    def record(node: Node, value: Any) -> Any:
        if isinstance(node.op, Conv | Depthwise):
            wanted[node.name] = tf.reduce_mean(value, (0, 1, 2))
        return value

    lower(graph, values, hook=record)
    names = activations(graph)
    shifts: dict[str, F32Array] = {}

    def correct_and_round(node: Node, value: Any) -> Any:
        if isinstance(node.op, Conv | Depthwise):
            shift = wanted[node.name] - tf.reduce_mean(value, (0, 1, 2))
            shifts[node.name] = shift.numpy()
            value = value + shift
        if node.name in names:
            return tf.quantization.fake_quant_with_min_max_args(value, *limits[names[node.name]])
        if isinstance(node.op, Image):
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
    """Return the node with its kernel rounded to 8 bits: symmetric, one scale per output channel."""
    if not isinstance(node.op, Conv | Depthwise):
        return node
    axes = (0, 1, 3) if isinstance(node.op, Depthwise) else (0, 1, 2)
    scale = np.maximum(np.abs(node.op.kernel).max(axes, keepdims=True), 1e-12) / 127
    return replace(node, op=replace(node.op, kernel=(np.rint(node.op.kernel / scale) * scale).astype(np.float32)))


def equalized(graph: Graph, images: U8Array, strength: float, most: float = 16.0) -> tuple[Graph, int]:
    """Return the graph with scaled channels, and the number of tensors that were scaled.

    Args:
        graph: the inference graph.
        images: uint8 [N, size, size, 3], to measure how large channels get.
        strength: 1 scales every channel to the tensor's range, 0.5 by the square root of that factor.
        most: the largest factor.
    """
    largest: dict[str, F32Array] = {}

    def record(node: Node, value: Any) -> Any:
        largest[node.name] = np.maximum(largest.get(node.name, 0), tf.reduce_max(value, (0, 1, 2)).numpy())
        return value

    for image in images:
        lower(graph, tf.constant(image[None].astype(np.float32) / np.float32(255)), hook=record)
    nodes = {node.name: node for node in graph.nodes}
    scaled = 0
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
        scaled += 1
    return Graph(tuple(nodes[node.name] for node in graph.nodes)), scaled


def _reader(graph: Graph, producer: Node) -> tuple[str, str, int] | None:
    """Follow the channels of a convolution to the one convolution that reads them.

    Returns:
        The last node that holds these channels alone, the convolution that reads them, and the index of the first of
        them among its inputs; None if several nodes read them, or a node of another kind does.
    """
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
                # Channels without a ReLU are skipped: negative values would count too, and the network has few of them.
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
    """Return the number of channels of every node that `_reader` may pass through."""
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
    """Measure every correction and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ckpt", required=True)
    parser.add_argument("--calibration", type=Path, required=True, metavar="DIR")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder with image/ and mask/")
    parser.add_argument("--photos", type=int, default=50, help="number of photos to measure ranges and channels on")
    parser.add_argument("--averaged", type=int, default=16, help="number of these to correct biases on; takes memory")
    parser.add_argument("--images", type=int, default=264, help="largest number of images to measure on")
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
        result = network.compare(to_int8_from_ranges(changed, limits))
        differences.append(result.differences)
        mean, change = summarise(np.stack([result.differences, result.differences - differences[0]], axis=1))
        rows.append(
            {
                "correction": name, "mean": mean.mean, "low": mean.low, "high": mean.high,
                "change": change.mean, "change_low": change.low, "change_high": change.high,
                "mad_increase": result.mad_increase, "gauss_grad_increase": result.gauss_grad_increase,
            }
        )  # fmt: skip
        print(
            f"| {name} | {mean.mean:.5f} ({mean.low:.5f}–{mean.high:.5f}) "
            f"| {change.mean:+.5f} ({change.low:+.5f} to {change.high:+.5f}) "
            f"| {result.mad_increase:+.2%} | {result.gauss_grad_increase:+.2%} |",
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
