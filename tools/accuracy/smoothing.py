"""Measure MAD, MAD_band and dtSSD over a grid of options of temporal smoothing, from which its defaults were chosen.

    python tools/accuracy/smoothing.py sequences/ --model mmnet-1.0-256-int8.tflite

The network runs once per frame; every pair of options then smooths the same mattes, at the network's own size. Choose
the options on other sequences than those whose figures are reported. The last line gives the processor time of the
smoother, on one thread, as a multiple of the network's.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rich.console import Console

from mmnet.cli.progress import progress_bar
from mmnet.evaluation.datasets.sequences import load_sequences, read_motions
from mmnet.evaluation.metrics import band_mad, boundary_band, mad
from mmnet.evaluation.resize import RESIZES
from mmnet.evaluation.video.metrics import DTSSD_SCALE, dtssd
from mmnet.runtime.imaging.preprocess import to_model_input
from mmnet.runtime.model import MattingModel, default_model
from mmnet.runtime.video.smoothing import NEW, TOLERANCE, TemporalSmoother

Pair = tuple[float, float]  # the smoother's options `new` and `tolerance`
Measured = tuple[str, dict[str, float]]  # the motion of a sequence, and its figures

# The pairs that are measured; the first smooths nothing.
GRID = [(1.0, TOLERANCE), *((new, tolerance) for new in (0.15, 0.2, 0.25, 0.3, 0.5) for tolerance in (2.0, 4.0, 8.0))]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sequences", type=Path, help="a folder of sequences, as mmnet evaluate --video takes it")
    parser.add_argument("--model", type=Path, metavar="FILE", help="the .tflite (default: the model that ships)")
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    with MattingModel(options.model or default_model(), threads=1) as model:
        measured, seconds = _measure(options.sequences, model)
    rows = [_row(pair, figures) for pair, figures in measured.items()]
    print("new, tolerance; MAD, MAD_band and dtSSD of all, " + ", ".join(rows[0]["motions"]))
    for row in rows:
        means = [row, *row["motions"].values()]
        figures = "  ".join(f"{mean['MAD']:.5f} {mean['MAD_band']:.4f} {mean['dtSSD']:.3f}" for mean in means)
        print(f"{row['new']:.2f}  {row['tolerance']:g}  {figures}")
    print(f"the smoother takes {seconds['smoother'] / seconds['network']:.2f} of the network's processor time")


def _measure(folder: Path, model: MattingModel) -> tuple[dict[Pair, list[Measured]], dict[str, float]]:
    """Return, for each pair of options, the motion and the figures of every sequence; and the processor seconds."""
    sequences, motions = load_sequences(folder), read_motions(folder)
    measured: dict[Pair, list[Measured]] = {pair: [] for pair in GRID}
    seconds = {"network": 0.0, "smoother": 0.0}
    with progress_bar(Console(stderr=True)) as bar:
        for sequence in bar.track(sequences, description="measuring"):
            images, alphas, truths = [], [], []
            for frame, mask in sequence.frames():
                images.append(to_model_input(frame, model.size))
                start = time.process_time()
                alphas.append(model.run_float(images[-1]))
                seconds["network"] += time.process_time() - start
                truths.append(RESIZES["runtime"].mask(mask, model.size))
            for pair in GRID:
                smooth = TemporalSmoother(*pair)
                start = time.process_time()
                smoothed = [smooth(alpha, image) for alpha, image in zip(alphas, images, strict=True)]
                if pair == (NEW, TOLERANCE):
                    seconds["smoother"] += time.process_time() - start
                measured[pair].append((motions.get(sequence.name, "?"), _figures(smoothed, truths)))
    return measured, seconds


def _figures(alphas: Sequence[Any], truths: Sequence[Any]) -> dict[str, float]:
    """Return the figures of one sequence."""
    pairs = list(zip(alphas, truths, strict=True))
    bands = [band_mad(alpha, truth, boundary_band(truth)) for alpha, truth in pairs]
    return {
        "MAD": float(np.mean([mad(alpha, truth) for alpha, truth in pairs])),
        "MAD_band": float(np.nanmean(bands)),
        "dtSSD": float(np.mean([DTSSD_SCALE * dtssd(a, b, t, u) for (b, u), (a, t) in pairwise(pairs)])),
    }


def _row(pair: Pair, measured: Sequence[Measured]) -> dict[str, Any]:
    """Return the mean figures of one pair of options, of all sequences and of those of each motion."""
    motions = {
        motion: _means([figures for name, figures in measured if name == motion])
        for motion in dict.fromkeys(name for name, _ in measured)
    }
    return {"new": pair[0], "tolerance": pair[1], **_means([figures for _, figures in measured]), "motions": motions}


def _means(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    return {name: float(np.nanmean([row[name] for row in rows])) for name in rows[0]}


if __name__ == "__main__":
    main()
