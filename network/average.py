"""The average of a network before and after fine-tuning.

Wortsman et al., "Robust Fine-Tuning of Zero-Shot Models" (CVPR 2022): fine-tuning improves a network on images like its
own training images, and makes it worse on others. A weighted average keeps most of the gain at little of the loss.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mmnet.network.checkpoint import Checkpoint, CheckpointError


class AverageError(CheckpointError):
    """Checkpoints that cannot be averaged, or a factor that is not a number above 0."""


def parse_factor(text: str) -> tuple[str, float]:
    """Parse `CKPT=FACTOR` into the name of a checkpoint and its factor.

    Raises:
        AverageError: the last `=` is not followed by a number above 0.
    """
    which, _, number = text.rpartition("=")
    try:
        factor = float(number)
    except ValueError:
        factor = math.nan
    if not which or not 0 < factor < math.inf:
        raise AverageError(f"{text}: give a checkpoint and a factor above 0, for example checkpoints/before=0.65")
    return which, factor


def average(parts: Sequence[tuple[Checkpoint, float]]) -> Checkpoint:
    """Return the checkpoint whose every variable is the weighted mean of the same variable of several checkpoints.

    Args:
        parts: at least two checkpoints with the same configuration, each with a factor above 0. The factors need not
            sum to 1.

    Returns:
        A checkpoint with the highest of the steps, and without metrics and ranges, which do not hold for an average.
        Its provenance holds that of each checkpoint, told once where an average occurs within another.

    Raises:
        AverageError: fewer than two checkpoints, or different configurations.
    """
    if len(parts) < 2:
        raise AverageError("an average needs two or more checkpoints")
    configs = {checkpoint.config for checkpoint, _ in parts}
    if len(configs) > 1:
        raise AverageError(
            f"the checkpoints are different networks: {' and '.join(sorted(map(str, configs)))}; "
            "average checkpoints of the same width and sampling, and give them one input size with size=N"
        )
    total = sum(factor for _, factor in parts)
    latest = max((checkpoint for checkpoint, _ in parts), key=lambda checkpoint: checkpoint.step)
    weights = {
        name: np.asarray(
            sum(factor / total * checkpoint.weights[name].astype(np.float64) for checkpoint, factor in parts),
            np.float32,
        )
        for name in latest.weights
    }
    provenance = {
        "average of": [
            {"step": checkpoint.step, "share": factor / total, "sha256": checkpoint.fingerprint(),
             "provenance": dict(checkpoint.provenance)}
            for checkpoint, factor in parts
        ]
    }  # fmt: skip
    return Checkpoint(latest.config, weights, latest.step, data=latest.data, provenance=_told_once(provenance, set()))


def _told_once(provenance: Mapping[str, Any], told: set[str]) -> dict[str, Any]:
    """Leave out the provenance of each part that was `told` before: its `sha256` names it.

    Else averages of averages would double what every file carries.
    """
    parts = []
    for part in provenance.get("average of", []):
        kept = {name: value for name, value in part.items() if name != "provenance"}
        if "provenance" in part and part["sha256"] not in told:
            told.add(part["sha256"])
            kept["provenance"] = _told_once(part["provenance"], told)
        parts.append(kept)
    return {**provenance, "average of": parts} if parts else dict(provenance)
