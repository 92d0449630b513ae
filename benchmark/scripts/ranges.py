"""How 8-bit ranges are best measured: minimum and maximum, percentiles or least squares, on how many photos.

    python benchmark/scripts/ranges.py --ckpt 887000 --calibration unlabelled --data portraits/test --json ranges.json

Every line is a real int8 .tflite of the converter; only the ranges that it is given differ.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from mmnet.evaluation import metrics
from mmnet.evaluation.dataset import load_pairs
from mmnet.evaluation.figures import Truth
from mmnet.evaluation.layers import KeepingModel
from mmnet.evaluation.resize import RESIZES
from mmnet.evaluation.statistics import summarise
from mmnet.export.convert import to_float
from mmnet.export.flatbuffer import read_tree, write_tree
from mmnet.export.graph import training_graph
from mmnet.export.mixed import Calibrated, calibrate
from mmnet.export.rewrite import inference_graph
from mmnet.export.verify import alphas
from mmnet.model.resolve import resolve
from mmnet.progress import progress_bar
from mmnet.quantize.calibration import load_calibration

BINS = 2048
SAMPLE = 4  # every fourth value of an activation is counted

Choice = Callable[[NDArray[np.float64], float, float], tuple[float, float]]  # counts, low, high -> low, high


def percentile(share: float) -> Choice:
    """What lies outside is as little as 1 − share, half of it on either side."""

    def choose(counts: NDArray[np.float64], low: float, high: float) -> tuple[float, float]:
        edges = np.linspace(low, high, BINS + 1)
        cumulated = np.concatenate([[0], np.cumsum(counts)]) / counts.sum()
        tail = (1 - share) / 2
        # A ReLU gives zeros exactly, and zero has to be representable.
        bottom = min(0.0, edges[np.searchsorted(cumulated, tail, side="right") - 1])
        return bottom, max(edges[np.searchsorted(cumulated, 1 - tail)], bottom + 1e-6)

    return choose


def least_squares(counts: NDArray[np.float64], low: float, high: float) -> tuple[float, float]:
    """The share of the range whose rounding and clipping together have the least mean square error."""
    centres = low + (np.arange(BINS) + 0.5) * (high - low) / BINS
    best = (np.inf, low, high)
    for share in np.linspace(0.4, 1, 61):
        bottom, top = low * share, high * share
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


def histograms(
    calibrated: Calibrated, images: NDArray[np.uint8], advance: Callable[[], None]
) -> dict[int, NDArray[np.float64]]:
    """For every tensor that has a range, how often which value occurs between its ends."""
    ranges = _ranges(calibrated)
    counts = {index: np.zeros(BINS) for index in ranges}
    run = KeepingModel(calibrated.model)
    for image in images:
        run(image)
        for index, (low, high) in ranges.items():
            places = (run.values(index).ravel()[::SAMPLE] - low) * (BINS / (high - low))
            counts[index] += np.bincount(places.astype(np.int64).clip(0, BINS - 1), minlength=BINS)
        advance()
    return counts


def with_ranges(calibrated: Calibrated, counts: dict[int, NDArray[np.float64]], choose: Choice) -> Calibrated:
    """The same network with other ranges; those of the input and of the alpha stay what they are by definition."""
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
    found = {}
    for index, tensor in enumerate(read_tree(calibrated.model).subgraphs[0].tensors):
        quantization = tensor.quantization
        if quantization is not None and quantization.min is not None and quantization.max is not None:
            low, high = float(quantization.min[0]), float(quantization.max[0])
            if high > low:
                found[index] = (low, high)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ckpt", required=True)
    parser.add_argument("--calibration", type=Path, required=True, metavar="DIR")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="holds image/ and mask/")
    parser.add_argument("--photos", type=int, nargs="+", default=[25, 50, 100, 200], help="for minimum and maximum")
    parser.add_argument("--counted", type=int, default=50, help="photos for the other choices")
    parser.add_argument("--pictures", type=int, default=264, help="at most so many of DIR are measured on")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    checkpoint = resolve(arguments.ckpt, Path("checkpoints")).load()
    graph = inference_graph(training_graph(checkpoint.config, checkpoint.weights))
    size, resize = checkpoint.config.size, RESIZES["runtime"]
    pairs = load_pairs(arguments.data)
    count = min(arguments.pictures, len(pairs))
    squares, truths = [], []
    for index in range(count):
        photo, mask = pairs[index * len(pairs) // count].read()
        squares.append(resize.photo(photo, size))
        truths.append(Truth(mask, resize).at_256)
    images = np.stack(squares).astype(np.uint8)
    expected = alphas(to_float(graph), images)

    def accuracy(found: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.array(
            [[metrics.mad(a, t), metrics.gauss_grad(a, t)] for a, t in zip(found, truths, strict=True)], np.float64
        )

    of_float = accuracy(expected)
    rows = []

    def measure(choice: str, photos: int, model: bytes) -> None:
        found = alphas(model, images)
        (difference,) = summarise(np.abs(found - expected).mean(axis=(1, 2), dtype=np.float64)[:, None])
        mad, gradient = accuracy(found).mean(axis=0) / of_float.mean(axis=0) - 1
        rows.append(
            {
                "ranges": choice, "photos": photos, "mean": difference.mean, "low": difference.low,
                "high": difference.high, "mad_increase": mad, "gauss_grad_increase": gradient,
            }
        )  # fmt: skip
        print(
            f"| {choice} | {photos} | {difference.mean:.5f} ({difference.low:.5f}–{difference.high:.5f}) "
            f"| {mad:+.2%} | {gradient:+.2%} |",
            flush=True,
        )

    head = f"| ranges | photos | mean \\|Δα\\| on {count} pictures | MAD | GAUSS_GRAD |"
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
        arguments.json.write_text(json.dumps({"pictures": count, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
