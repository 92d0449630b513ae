"""Compare ways to measure 8-bit ranges: minimum and maximum, percentiles or least squares, on few or many photos.

    python tools/accuracy/ranges.py --ckpt 887000 --calibration unlabelled --data portraits/test --json ranges.json

Every line of the result is a real int8 .tflite of the converter; the lines differ only in the ranges.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from against_float import FloatNetwork
from numpy.typing import NDArray
from rich.console import Console

from mmnet.arrays import U8Array
from mmnet.cli.progress import progress_bar
from mmnet.evaluation.parity.layers import TracedModel
from mmnet.evaluation.statistics import summarise
from mmnet.export.flatbuffer import read_tree, write_tree
from mmnet.export.mixed import Calibrated, calibrate
from mmnet.quantize.calibration import load_calibration

BINS = 2048
SAMPLE = 4  # one of four values of an activation is counted

Choice = Callable[[NDArray[np.float64], float, float], tuple[float, float]]  # counts, low, high -> low, high


def percentile(fraction: float) -> Choice:
    """Return a choice that keeps this fraction of the values; half of the others lie below it, half above."""

    def choose(counts: NDArray[np.float64], low: float, high: float) -> tuple[float, float]:
        edges = np.linspace(low, high, BINS + 1)
        cumulated = np.concatenate([[0], np.cumsum(counts)]) / counts.sum()
        tail = (1 - fraction) / 2
        # A ReLU gives exact zeros, so a range has to include zero.
        bottom = min(0.0, edges[np.searchsorted(cumulated, tail, side="right") - 1])
        return bottom, max(edges[np.searchsorted(cumulated, 1 - tail)], bottom + 1e-6)

    return choose


def least_squares(counts: NDArray[np.float64], low: float, high: float) -> tuple[float, float]:
    """Return the scaled range whose rounding and clipping together have the smallest mean square error."""
    centres = low + (np.arange(BINS) + 0.5) * (high - low) / BINS
    best = (np.inf, low, high)
    for factor in np.linspace(0.4, 1, 61):
        bottom, top = low * factor, high * factor
        step = (top - bottom) / 255
        clipped = centres.clip(bottom, top)
        error = float((counts * (np.square(centres - clipped) + step**2 / 12 * (clipped == centres))).sum())
        best = min(best, (error, bottom, top))
    return best[1:]


CHOICES: dict[str, Choice | None] = {
    "minimum and maximum": None,
    "99.999 %": percentile(0.99999),
    "99.99 %": percentile(0.9999),
    "99.9 %": percentile(0.999),
    "least squares": least_squares,
}


def histograms(calibrated: Calibrated, images: U8Array, advance: Callable[[], None]) -> dict[int, NDArray[np.float64]]:
    """Return a histogram of the values of every tensor that has a range, over that range."""
    ranges = _ranges(calibrated)
    counts = {index: np.zeros(BINS) for index in ranges}
    run = TracedModel(calibrated.model)
    for image in images:
        run(image)
        for index, (low, high) in ranges.items():
            places = (run.values(index).ravel()[::SAMPLE] - low) * (BINS / (high - low))
            counts[index] += np.bincount(places.astype(np.int64).clip(0, BINS - 1), minlength=BINS)
        advance()
    return counts


def with_ranges(calibrated: Calibrated, counts: dict[int, NDArray[np.float64]], choose: Choice) -> Calibrated:
    """Return the same network with other ranges; those of the input and the alpha are fixed and stay."""
    ranges = _ranges(calibrated)
    tree = read_tree(calibrated.model)
    graph = tree.subgraphs[0]
    fixed = {*graph.inputs, *graph.outputs}
    for index, (low, high) in ranges.items():
        if index not in fixed:
            bottom, top = choose(counts[index], low, high)
            graph.tensors[index].quantization.min, graph.tensors[index].quantization.max = [bottom], [top]
    return Calibrated(write_tree(tree))


def _ranges(calibrated: Calibrated) -> dict[int, tuple[float, float]]:
    ranges = {}
    for index, tensor in enumerate(read_tree(calibrated.model).subgraphs[0].tensors):
        quantization = tensor.quantization
        if quantization is not None and quantization.min is not None and quantization.max is not None:
            low, high = float(quantization.min[0]), float(quantization.max[0])
            if high > low:
                ranges[index] = (low, high)
    return ranges


def main() -> None:
    """Measure every choice of ranges and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ckpt", required=True)
    parser.add_argument("--calibration", type=Path, required=True, metavar="DIR")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder with image/ and mask/")
    parser.add_argument(
        "--photos", type=int, nargs="+", default=[25, 50, 100, 200], help="numbers of photos for minimum and maximum"
    )
    parser.add_argument("--counted", type=int, default=50, help="number of photos for the other choices")
    parser.add_argument("--images", type=int, default=264, help="largest number of images to measure on")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    network = FloatNetwork(arguments.ckpt, arguments.data, arguments.images)
    graph, size = network.graph, network.size
    rows = []

    def measure(choice: str, photos: int, model: bytes) -> None:
        result = network.compare(model)
        (difference,) = summarise(result.differences[:, None])
        rows.append(
            {
                "ranges": choice, "photos": photos, "mean": difference.mean, "low": difference.low,
                "high": difference.high, "mad_increase": result.mad_increase,
                "gauss_grad_increase": result.gauss_grad_increase,
            }
        )  # fmt: skip
        print(
            f"| {choice} | {photos} | {difference.mean:.5f} ({difference.low:.5f}–{difference.high:.5f}) "
            f"| {result.mad_increase:+.2%} | {result.gauss_grad_increase:+.2%} |",
            flush=True,
        )

    head = f"| ranges | photos | mean \\|Δα\\| on {network.count} images | MAD | GAUSS_GRAD |"
    print(f"{head}\n|---|---|---|---|---|", flush=True)
    console = Console(stderr=True)
    for photos in arguments.photos:
        calibration = load_calibration(arguments.calibration, size, limit=photos)
        calibrated = calibrate(graph, calibration.images)
        measure("minimum and maximum", len(calibration.names), calibrated.quantize())
    calibration = load_calibration(arguments.calibration, size, limit=arguments.counted)
    calibrated = calibrate(graph, calibration.images)
    with progress_bar(console) as progress:
        task = progress.add_task("counting values", total=len(calibration.images))
        counts = histograms(calibrated, calibration.images, lambda: progress.advance(task))
    for choice, choose in CHOICES.items():
        if choose is not None:
            measure(choice, len(calibration.names), with_ranges(calibrated, counts, choose).quantize())
    if arguments.json:
        arguments.json.write_text(json.dumps({"images": network.count, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
