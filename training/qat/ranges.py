"""Measurement of the ranges of a checkpoint's activations, with which quantization-aware training begins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mmnet.arrays import U8Array
from mmnet.graph.inference import inference_graph
from mmnet.network.checkpoint import Checkpoint, save_checkpoint
from mmnet.network.ranges import Ranges
from mmnet.quantize.activations import measure_limits
from mmnet.quantize.calibration import check_representative
from mmnet.selection import spread_evenly
from mmnet.training.checkpoints import step_folder
from mmnet.training.data.dataset import DataSet
from mmnet.training.evaluation import read_images


@dataclass(frozen=True)
class RangeImages:
    """Images that ranges are measured on.

    Attributes:
        images: uint8 [N, size, size, 3], RGB.
        source: a description of them, for the checkpoint.
    """

    images: U8Array
    source: Mapping[str, Any]


def training_images(data: DataSet, size: int, limit: int) -> RangeImages:
    """Return at most `limit` of the images to train on, evenly spaced, stretched to size×size."""
    pairs = [(part.pack, int(index)) for part in data.training for index in part.indices]
    chosen = spread_evenly(pairs, limit)
    images = np.concatenate([read_images(pack, np.array([index]), size)[0] for pack, index in chosen])
    return RangeImages(images, {"photos": len(images)})


def measure_ranges(
    checkpoint: Checkpoint, images: RangeImages, *, progress: Callable[[int], None] = lambda done: None
) -> Ranges:
    """Measure the ranges of a checkpoint's activations.

    Args:
        checkpoint: the network.
        images: of the network's input size.
        progress: called with the number of images done.

    Raises:
        CalibrationError: the images are of one colour, or nearly.
    """
    check_representative(images.images)
    graph = inference_graph(checkpoint)
    limits = measure_limits(graph, images.images, progress=progress)
    return Ranges(limits, checkpoint.config.size, {**images.source, "trained_steps": 0})


def save_with_ranges(checkpoint: Checkpoint, ranges: Ranges, run: Path) -> Path:
    """Save a checkpoint, its weights unchanged, with ranges.

    Args:
        checkpoint: the network.
        ranges: of its activations.
        run: the folder of the run to save it in.

    Returns:
        The folder of the new checkpoint.

    Raises:
        OutputError: the checkpoint could not be written.
    """
    folder = step_folder(run, checkpoint.step)
    save_checkpoint(replace(checkpoint, ranges=ranges, created=""), folder)
    return folder
