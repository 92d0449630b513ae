"""The command `mmnet train`."""

from __future__ import annotations

from pathlib import Path

from mmnet.cli.options import CheckpointDir
from mmnet.cli.training.options import (
    BackendOption,
    BackgroundsOption,
    BatchOption,
    DataOption,
    ExtendOption,
    KeepOption,
    MixedPrecisionOption,
    RecipeOption,
    ResumeOption,
    RunOption,
    SaveEveryOption,
    SeedOption,
    StartOption,
    StepsOption,
    TeacherOption,
    ValidationOption,
    WidthOption,
    WorkersOption,
    wants_resume,
)


def train(
    data: DataOption,
    recipe: RecipeOption = "fine-tune",
    start: StartOption = None,
    teacher: TeacherOption = None,
    run: RunOption = None,
    resume: ResumeOption = None,
    extend: ExtendOption = False,
    steps: StepsOption = None,
    batch: BatchOption = None,
    backgrounds: BackgroundsOption = None,
    validation: ValidationOption = 0.05,
    width: WidthOption = 1.0,
    ckpt_dir: CheckpointDir = Path("checkpoints"),
    save_every: SaveEveryOption = 1000,
    keep: KeepOption = 3,
    seed: SeedOption = 0,
    backend: BackendOption = "tensorflow",
    mixed_precision: MixedPrecisionOption = False,
    workers: WorkersOption = None,
) -> None:
    """Train MMNet, or go on training it.

    Checkpoints go into CKPT_DIR/RUN/step-…, with all that is needed to go on; the newest are kept, and the best by
    validation MAD. TensorBoard reads CKPT_DIR/RUN/events: losses, metrics, learning rate, throughput, sample mattes.

    \b
    Examples:
      mmnet train --data portraits/ --recipe portrait --backgrounds scenes/
      mmnet train --data portraits/ --data wide/=0.5 --from MMNetModel-304500 --recipe incremental --steps 50000
      mmnet train --data portraits/ --data nobody/=0.2 --from MMNetModel-304500 --teacher MMNetModel-887000
      mmnet train --data portraits/ --from checkpoints/mine --steps 2000 --run mine-tuned
      mmnet train --data portraits/ --recipe portrait --backgrounds scenes/ --resume latest
      mmnet train --data portraits/ --from checkpoints/mine --run mine-tuned --steps 4000 --extend
      mmnet train --data portraits/ --recipe portrait --backend jax --mixed-precision --batch 256
      mmnet train --data people/ --from mmnet-1.0 --recipe whole-people-finish --steps 2000 --backend compiled
      mmnet curves mine-tuned
    """
    from mmnet.api.training import TrainingOptions
    from mmnet.api.training import train as run_training
    from mmnet.cli.console import message_console
    from mmnet.cli.training.printer import print_end, training_printer

    options = TrainingOptions(
        data=data,
        recipe=recipe,
        start=start,
        teacher=teacher,
        run=run,
        resume=wants_resume(resume),
        extend=extend,
        steps=steps,
        batch=batch,
        backgrounds=backgrounds,
        validation=validation,
        width=width,
        checkpoint_dir=ckpt_dir,
        save_every=save_every,
        keep=keep,
        seed=seed,
        backend=backend,
        mixed_precision=mixed_precision,
        workers=workers,
    )
    console = message_console(stderr=False)
    with training_printer(console, compiles=backend != "compiled") as printer:
        trained = run_training(options, listener=printer)
    print_end(console, trained.last, trained.best, " --calibration PHOTOS")
