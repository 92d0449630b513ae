"""Event files of TensorBoard: the record of a training, from which `mmnet curves` draws."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmnet.arrays import U8Array
from mmnet.errors import MissingExtraError
from mmnet.network.checkpoint import Checkpoint
from mmnet.training.listener import TrainingListener
from mmnet.training.recipes import Stage

EVENTS_FOLDER = "events"
_RECORD_EVERY = 20  # steps at most
_POINTS = 50  # of a curve at least, if the run has so many steps


class EventFiles(TrainingListener):
    """A listener that records losses, metrics, learning rate, throughput and sample mattes; a context manager.

    Raises:
        MissingExtraError: tensorboardX is not installed.
    """

    def __init__(self, run: Path) -> None:
        """Open an event file in the folder `events` of a run's folder."""
        try:
            from tensorboardX import SummaryWriter
        except ImportError as error:
            raise MissingExtraError("train", "tensorboardX") from error
        self._writer: Any = SummaryWriter(str(run / EVENTS_FOLDER))
        self._every = _RECORD_EVERY

    def __enter__(self) -> EventFiles:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def on_stage(self, stage: Stage, first: int, done: int, total: int) -> None:
        self._every = max(1, min(_RECORD_EVERY, total // _POINTS))

    def on_step(self, step: int, losses: Mapping[str, float], learning_rate: float, images_per_second: float) -> None:
        if step % self._every == 0:
            for name, value in losses.items():
                self._writer.add_scalar(f"loss/{name}", value, step)
            self._writer.add_scalar("learning_rate", learning_rate, step)
            self._writer.add_scalar("images_per_second", images_per_second, step)

    def on_checkpoint(self, checkpoint: Checkpoint, folder: Path, images: U8Array) -> None:
        for name, value in checkpoint.metrics.items():
            self._writer.add_scalar(f"metrics/{name}", value, checkpoint.step)
        self._writer.add_image("photo, matte, alpha", images.transpose(2, 0, 1), checkpoint.step)
        self._writer.flush()
