"""How the defaults of `mmnet.runtime.video.smoothing` were chosen: MAD, MAD_band and dtSSD over a grid of its options.

python tools/smoothing.py sequences/ --model mmnet-1.0-256-int8.tflite

The network runs once; every pair of options then smooths the same mattes, at the network's own size. Choose on other
sequences than those that are reported. The time is that of the processor, on one thread, beside the network's.
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
from mmnet.runtime.model import MattingModel, default_model
from mmnet.runtime.video.smoothing import NEW, TOLERANCE, TemporalSmoother

GRID = [(1.0, TOLERANCE), *((new, tolerance) for new in (0.15, 0.2, 0.25, 0.3, 0.5) for tolerance in (2.0, 4.0, 8.0))]


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sequences", type=Path)
    parser.add_argument("--model", type=Path, help="a .tflite (the one that ships)")
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    sequences, motions = load_sequences(options.sequences), read_motions(options.sequences)
    found: dict[tuple[float, float], list[tuple[str, dict[str, float]]]] = {pair: [] for pair in GRID}
    seconds = {"network": 0.0, "smoother": 0.0}
    with MattingModel(options.model or default_model(), threads=1) as model, progress_bar(Console(stderr=True)) as bar:
        for sequence in bar.track(sequences, description="measuring"):
            images, alphas, truths = [], [], []
            for frame, mask in sequence.frames():
                images.append(RESIZES["runtime"].photo(frame, model.size))
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
                found[pair].append((motions.get(sequence.name, "?"), _figures(smoothed, truths)))
    rows = [_row(pair, measured) for pair, measured in found.items()]
    print("new, tolerance; MAD, MAD_band and dtSSD of all, " + ", ".join(rows[0]["motions"]))
    for row in rows:
        means = [row, *row["motions"].values()]
        figures = "  ".join(f"{mean['MAD']:.5f} {mean['MAD_band']:.4f} {mean['dtSSD']:.3f}" for mean in means)
        print(f"{row['new']:.2f}  {row['tolerance']:g}  {figures}")
    print(f"the smoother takes {seconds['smoother'] / seconds['network']:.2f} of the network's processor time")


def _figures(alphas: Sequence[Any], truths: Sequence[Any]) -> dict[str, float]:
    pairs = list(zip(alphas, truths, strict=True))
    bands = [band_mad(alpha, truth, boundary_band(truth)) for alpha, truth in pairs]
    return {
        "MAD": float(np.mean([mad(alpha, truth) for alpha, truth in pairs])),
        "MAD_band": float(np.nanmean(bands)),
        "dtSSD": float(np.mean([DTSSD_SCALE * dtssd(a, b, t, u) for (b, u), (a, t) in pairwise(pairs)])),
    }


def _row(pair: tuple[float, float], measured: Sequence[tuple[str, dict[str, float]]]) -> dict[str, Any]:
    motions = {
        motion: _means([figures for name, figures in measured if name == motion])
        for motion in dict.fromkeys(name for name, _ in measured)
    }
    return {"new": pair[0], "tolerance": pair[1], **_means([figures for _, figures in measured]), "motions": motions}


def _means(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    return {name: float(np.nanmean([row[name] for row in rows])) for name in rows[0]}


if __name__ == "__main__":
    main()
