"""How the defaults of `mmnet.runtime.steady` were chosen: dtSSD and MAD over a grid of its options.

python benchmark/scripts/steadying.py sequences/ --model mmnet-1.0-256-int8.tflite

The network runs once; every pair of options then steadies the same mattes, at the network's own size. Choose on other
sequences than those that are reported. The time is that of the processor, on one thread, beside the network's.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rich.console import Console

from mmnet.evaluation.clips import load_clips, read_groups
from mmnet.evaluation.metrics import mad
from mmnet.evaluation.resize import RESIZES
from mmnet.evaluation.video_metrics import DTSSD_SCALE, dtssd
from mmnet.progress import progress_bar
from mmnet.runtime.model import MattingModel, default_model
from mmnet.runtime.steady import NEW, TOLERANCE, Steadier

GRID = [(1.0, TOLERANCE), *((new, tolerance) for new in (0.15, 0.2, 0.25, 0.3, 0.5) for tolerance in (2.0, 4.0, 8.0))]


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sequences", type=Path)
    parser.add_argument("--model", type=Path, help="a .tflite (the one that ships)")
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    clips, motions = load_clips(options.sequences), read_groups(options.sequences)
    found: dict[tuple[float, float], list[tuple[str, float, float]]] = {pair: [] for pair in GRID}
    seconds = {"network": 0.0, "steadier": 0.0}
    with MattingModel(options.model or default_model(), threads=1) as model, progress_bar(Console(stderr=True)) as bar:
        for clip in bar.track(clips, description="measuring"):
            images, alphas, truths = [], [], []
            for frame, mask in clip.frames():
                images.append(RESIZES["runtime"].photo(frame, model.size))
                start = time.process_time()
                alphas.append(model.run_float(images[-1]))
                seconds["network"] += time.process_time() - start
                truths.append(RESIZES["runtime"].mask(mask, model.size))
            for pair in GRID:
                steady = Steadier(*pair)
                start = time.process_time()
                steadied = [steady(alpha, image) for alpha, image in zip(alphas, images, strict=True)]
                if pair == (NEW, TOLERANCE):
                    seconds["steadier"] += time.process_time() - start
                found[pair].append((motions.get(clip.name, "?"), *_figures(steadied, truths)))
    rows = [_row(pair, measured) for pair, measured in found.items()]
    for row in rows:
        by_motion = "  ".join(f"{motion} {mean:.5f} {steadiness:.3f}" for motion, (mean, steadiness) in row["motions"].items())
        print(f"new {row['new']:.2f}  tolerance {row['tolerance']:g}  MAD {row['MAD']:.5f}  dtSSD {row['dtSSD']:.3f}  {by_motion}")
    print(f"the steadier takes {seconds['steadier'] / seconds['network']:.2f} of the network's processor time")
    sys.stderr.write(json.dumps(rows) + "\n")


def _figures(alphas: Sequence[Any], truths: Sequence[Any]) -> tuple[float, float]:
    changes = [
        DTSSD_SCALE * dtssd(alphas[at], alphas[at - 1], truths[at], truths[at - 1]) for at in range(1, len(alphas))
    ]
    return float(np.mean([mad(*pair) for pair in zip(alphas, truths, strict=True)])), float(np.mean(changes))


def _row(pair: tuple[float, float], measured: Sequence[tuple[str, float, float]]) -> dict[str, Any]:
    motions = {
        motion: tuple(np.mean([figures for name, *figures in measured if name == motion], axis=0).tolist())
        for motion in dict.fromkeys(name for name, *_ in measured)
    }
    means = np.mean([figures for _, *figures in measured], axis=0).tolist()
    return {"new": pair[0], "tolerance": pair[1], "MAD": means[0], "dtSSD": means[1], "motions": motions}


if __name__ == "__main__":
    main()
