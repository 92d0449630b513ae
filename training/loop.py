"""The training loop: stage after stage, from the beginning of a run or from its newest checkpoint, bit for bit."""

from __future__ import annotations

from pathlib import Path

from mmnet.training.checkpoints import load_step, newest_step
from mmnet.training.engines.engine import EngineBuilder
from mmnet.training.listener import TrainingListener
from mmnet.training.process import one_opencv_thread
from mmnet.training.run import TrainingRun
from mmnet.training.stages import StageTraining


def train(run: TrainingRun, engine: EngineBuilder, listener: TrainingListener) -> Path:
    """Train a run to its end, from its beginning or from the newest checkpoint in its folder.

    Args:
        run: what to train.
        engine: makes the engine of each stage; see `mmnet.training.backend.load_engine`.
        listener: receives every step and checkpoint.

    Returns:
        The folder of the last checkpoint.

    Raises:
        DivergedError: the loss is not finite; the last good checkpoint is kept.
        ResumeError: the checkpoints in the folder belong to another recipe, seed or start.
        OutputError: a checkpoint could not be written.
    """
    resumed = newest_step(run, listener.on_skipped)
    done = resumed.checkpoint.step - run.first_step if resumed else 0
    folder = resumed.folder if resumed else run.folder
    first = 0
    for stage in run.recipe.stages:
        if done < first + stage.steps:
            training = StageTraining(run, stage, first, engine(run, stage, first))
            training.restore(resumed)
            listener.on_stage(stage, first, done, run.recipe.steps)
            with one_opencv_thread():
                *_, folder = training.train(done, listener)
            resumed = load_step(folder)
            done = first + stage.steps
        first += stage.steps
    return folder
