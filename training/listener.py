"""Listeners: objects that are told how a training goes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mmnet.arrays import U8Array

if TYPE_CHECKING:
    from mmnet.network.checkpoint import Checkpoint
    from mmnet.network.ranges import Ranges
    from mmnet.network.resolve import OpenedCheckpoint
    from mmnet.training.data.dataset import DataSet
    from mmnet.training.recipes import Stage


class TrainingListener:
    """A listener that ignores everything; a subclass overrides the methods for the events that it wants.

    The methods are called from the thread that trains, which waits for them.
    """

    def on_opened(self, role: str, opened: OpenedCheckpoint) -> None:
        """A checkpoint was read, in the role "from" or "teacher"."""

    def on_progress(self, activity: str, done: int, total: int) -> None:
        """A preparation advanced, such as "checking images", "reading images" or "measuring ranges"."""

    def on_data(self, data: DataSet, size: int) -> None:
        """The data for an input size were read."""

    def on_skipped(self, reason: str) -> None:
        """A calibration photo, or an older checkpoint of the run, is not used, for this reason."""

    def on_ranges(self, ranges: Ranges, images: int) -> None:
        """The ranges of the activations were measured on this number of images."""

    def on_stage(self, stage: Stage, first: int, done: int, total: int) -> None:
        """A stage begins, or goes on after a resumption.

        Args:
            stage: the stage.
            first: steps of this run before the stage.
            done: steps of this run that are done.
            total: steps of this run in all stages.
        """

    def on_step(self, step: int, losses: Mapping[str, float], learning_rate: float, images_per_second: float) -> None:
        """A step is done.

        Args:
            step: the step count, which includes the steps of the checkpoint that the run goes on from.
            losses: name -> mean since the last checkpoint; "loss" is their weighted sum.
            learning_rate: of this step.
            images_per_second: throughput of this step, the wait for its data included.
        """

    def on_checkpoint(self, checkpoint: Checkpoint, folder: Path, images: U8Array) -> None:
        """A checkpoint was written.

        Args:
            checkpoint: the checkpoint.
            folder: its folder.
            images: contact sheet, uint8 [H, W, 3]; each row shows a photo, its matte and the network's alpha.
        """


class ListenerGroup(TrainingListener):
    """A listener that passes every event on to several others."""

    def __init__(self, *listeners: TrainingListener) -> None:
        self._listeners = listeners

    def on_opened(self, role: str, opened: OpenedCheckpoint) -> None:
        for listener in self._listeners:
            listener.on_opened(role, opened)

    def on_progress(self, activity: str, done: int, total: int) -> None:
        for listener in self._listeners:
            listener.on_progress(activity, done, total)

    def on_data(self, data: DataSet, size: int) -> None:
        for listener in self._listeners:
            listener.on_data(data, size)

    def on_skipped(self, reason: str) -> None:
        for listener in self._listeners:
            listener.on_skipped(reason)

    def on_ranges(self, ranges: Ranges, images: int) -> None:
        for listener in self._listeners:
            listener.on_ranges(ranges, images)

    def on_stage(self, stage: Stage, first: int, done: int, total: int) -> None:
        for listener in self._listeners:
            listener.on_stage(stage, first, done, total)

    def on_step(self, step: int, losses: Mapping[str, float], learning_rate: float, images_per_second: float) -> None:
        for listener in self._listeners:
            listener.on_step(step, losses, learning_rate, images_per_second)

    def on_checkpoint(self, checkpoint: Checkpoint, folder: Path, images: U8Array) -> None:
        for listener in self._listeners:
            listener.on_checkpoint(checkpoint, folder, images)
