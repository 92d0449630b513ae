"""The average of checkpoints that descend from one another (Wortsman et al., "Robust Fine-Tuning of Zero-Shot Models",
CVPR 2022): fine-tuning gains on its own images what it loses on others, and half of the way gains most of it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from mmnet.network.checkpoint import Checkpoint, CheckpointError


class AverageError(CheckpointError):
    """Checkpoints that cannot be averaged, or shares that make no average."""


def parse_share(text: str) -> tuple[str, float]:
    """`CKPT=WEIGHT` -> which checkpoint, and its share.

    Raises:
        AverageError: there is no number behind the last `=`, or none above 0.
    """
    which, _, number = text.rpartition("=")
    try:
        share = float(number)
    except ValueError:
        share = math.nan
    if not which or not 0 < share < math.inf:
        raise AverageError(f"{text}: give a checkpoint and its share above 0, for example checkpoints/before=0.65")
    return which, share


def average(parts: Sequence[tuple[Checkpoint, float]]) -> Checkpoint:
    """The checkpoint whose every variable is the mean of theirs, weighted by their shares.

    Args:
        parts: at least two checkpoints of one configuration, each with a share above 0; the shares need not sum to 1.

    Returns:
        A checkpoint without metrics and ranges, which were the parts' own; its step is the highest of theirs.

    Raises:
        AverageError: fewer than two, or of different configurations.
    """
    if len(parts) < 2:
        raise AverageError("one checkpoint makes no average; give two or more")
    configs = {checkpoint.config for checkpoint, _ in parts}
    if len(configs) > 1:
        raise AverageError(
            f"the checkpoints are different networks: {' and '.join(sorted(map(str, configs)))}; average alike ones"
        )
    total = sum(share for _, share in parts)
    latest = max((checkpoint for checkpoint, _ in parts), key=lambda checkpoint: checkpoint.step)
    weights = {
        name: np.asarray(
            sum(share / total * checkpoint.weights[name].astype(np.float64) for checkpoint, share in parts), np.float32
        )
        for name in latest.weights
    }
    provenance = {
        "average of": [
            {"step": checkpoint.step, "share": share / total, "sha256": checkpoint.fingerprint(),
             "provenance": dict(checkpoint.provenance)}
            for checkpoint, share in parts
        ]
    }  # fmt: skip
    return Checkpoint(latest.config, weights, latest.step, data=latest.data, provenance=provenance)
