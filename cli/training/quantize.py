"""The command `mmnet quantize`."""

from __future__ import annotations

from pathlib import Path

from mmnet.cli.options import CheckpointDir, SizeOption, WhichCheckpoint
from mmnet.cli.training.options import (
    BackgroundsOption,
    CalibrationOption,
    CalibrationPhotosOption,
    ExtendOption,
    KeepOption,
    QuantizeBatchOption,
    QuantizeDataOption,
    QuantizeRunOption,
    QuantizeStepsOption,
    ResumeOption,
    SaveEveryOption,
    SeedOption,
    SimulationOption,
    ValidationOption,
    WorkersOption,
    wants_resume,
)


def quantize(
    ckpt: WhichCheckpoint = "latest",
    data: QuantizeDataOption = None,
    steps: QuantizeStepsOption = 300,
    calibration: CalibrationOption = None,
    calibration_photos: CalibrationPhotosOption = 100,
    run: QuantizeRunOption = "quantized",
    resume: ResumeOption = None,
    extend: ExtendOption = False,
    batch: QuantizeBatchOption = None,
    size: SizeOption = None,
    backgrounds: BackgroundsOption = None,
    validation: ValidationOption = 0.05,
    ckpt_dir: CheckpointDir = Path("checkpoints"),
    save_every: SaveEveryOption = 100,
    keep: KeepOption = 3,
    seed: SeedOption = 0,
    workers: WorkersOption = None,
    simulation: SimulationOption = "tfmot",
) -> None:
    """Measure the ranges of a checkpoint's 8-bit activations, and train it to lose little in 8 bits.

    The network that is exported (rewritten, norms folded) is trained in simulated 8 bits, from the labels and from its
    own float version. The new checkpoint needs no calibration photos: [b]export-tflite --ckpt THAT[/].

    \b
    Examples:
      mmnet quantize --ckpt MMNetModel-887000 --data portraits/ --backgrounds scenes/
      mmnet quantize --ckpt latest --data portraits/ --steps 1000 --run mine-int8 --resume latest
      mmnet quantize --ckpt latest --steps 0 --calibration photos/
      mmnet quantize --ckpt latest --data portraits/ --simulation keras
    """
    from mmnet.api.quantizing import quantize_checkpoint
    from mmnet.cli.console import message_console
    from mmnet.cli.training.printer import print_end, training_printer

    console = message_console(stderr=False)
    with training_printer(console) as printer:
        quantized = quantize_checkpoint(
            ckpt,
            data or (),
            checkpoint_dir=ckpt_dir,
            steps=steps,
            calibration=calibration,
            calibration_photos=calibration_photos,
            run=run,
            resume=wants_resume(resume),
            extend=extend,
            batch=batch,
            size=size,
            backgrounds=backgrounds,
            validation=validation,
            save_every=save_every,
            keep=keep,
            seed=seed,
            workers=workers,
            simulation=simulation,
            listener=printer,
        )
    print_end(console, quantized.saved, quantized.best)
