"""Options of the training commands, each with its help text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

# `mmnet train` and `mmnet quantize`.
BackgroundsOption = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Photos without people, to composite people over. They help most with places that the data lack; reading "
        "the data takes longer.",
    ),
]
ValidationOption = Annotated[
    float,
    typer.Option(
        min=0,
        max=1,
        metavar="PART",
        help="Part of the images that validates, chosen by name, so that it stays the same when images are added. "
        "[b]best[/] is the checkpoint with the lowest validation MAD. 0 for none.",
    ),
]
ResumeOption = Annotated[
    str | None,
    typer.Option(
        metavar="latest",
        help="Go on with the run at its newest checkpoint, bit for bit (on one device). Give the same options as at "
        "first. Without a checkpoint, a new run begins.",
    ),
]
ExtendOption = Annotated[
    bool,
    typer.Option(
        "--extend",
        help="Go on with the run to more --steps than at first: its last stage becomes longer, and the learning rate "
        "falls over the longer stage. Implies --resume latest.",
    ),
]
SaveEveryOption = Annotated[int, typer.Option(min=1, help="Steps between checkpoints: the most that a crash loses.")]
KeepOption = Annotated[int, typer.Option(min=1, help="Newest checkpoints to keep, in addition to the best.")]
SeedOption = Annotated[int, typer.Option(min=0, help="Seed of initial weights, order of the data and augmentation.")]
WorkersOption = Annotated[
    int | None, typer.Option(min=1, help="Threads that prepare images.", show_default="one per core")
]

# `mmnet train`.
DataOption = Annotated[
    list[str],
    typer.Option(
        "--data",
        "-d",
        metavar="DIR[=WEIGHT]",
        help="Data set: image/ and mask/ with equal stems, RGBA cut-outs, AISegment, or a pack file. Several are "
        "joined; a weight of 2 draws the images twice as often. Check it first with [b]mmnet data check[/].",
        show_default=False,
    ),
]
RecipeOption = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="[b]published[/]: the paper's protocol, from scratch: 304,500 steps of 32 at 256². "
        "[b]incremental[/]: the same, going on from a checkpoint on joined sets. [b]portrait[/]: from scratch on "
        "few images: strong augmentation, 60,000 steps of 64 at 128², then 30,000 of 32 at 256². "
        "[b]fine-tune[/]: going on from a checkpoint with strong augmentation, 20,000 steps of 8 at 256². "
        "[b]whole-people[/]: the same with people of every framing, for data that show them: 14,000 steps at 192², "
        "then 6,000 at 256² with frozen batch norms. [b]whole-people-finish[/]: those 6,000 alone.",
    ),
]
StartOption = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="CKPT",
        help="Checkpoint to go on from, named as for export-tflite. Its step count and its sampling are kept.",
    ),
]
TeacherOption = Annotated[
    str | None,
    typer.Option(
        metavar="CKPT",
        help="Distillation: the labels are mixed, half and half, with the alphas of this checkpoint, which was trained "
        "on more images than these.",
    ),
]
RunOption = Annotated[str | None, typer.Option(metavar="NAME", help="Name of the run.", show_default="the recipe's")]
StepsOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Steps in all stages. The stages keep their proportions, and the learning rate falls over all steps.",
        show_default="the recipe's",
    ),
]
BatchOption = Annotated[
    int | None,
    typer.Option(min=1, help="Images per step. The learning rate stays the recipe's.", show_default="the recipe's"),
]
WidthOption = Annotated[
    float, typer.Option(help="Width multiplier of a new network: 1.0 is the paper's, 0.5 is a third faster.")
]
BackendOption = Annotated[
    str,
    typer.Option(
        metavar="tensorflow|jax|compiled",
        help="What computes the steps. [b]tensorflow[/] trains every recipe. [b]jax[/] is for accelerators, and "
        "divides every batch among all of them. [b]compiled[/] is the fastest on processors, and needs no TensorFlow; "
        "it trains recipes with frozen batch norms ([b]whole-people-finish[/]), without a teacher.",
    ),
]
MixedPrecisionOption = Annotated[
    bool,
    typer.Option("--mixed-precision", help="Compute in bfloat16 with float32 weights: faster on accelerators only."),
]

# `mmnet quantize`.
QuantizeDataOption = Annotated[
    list[str] | None,
    typer.Option(
        "--data",
        "-d",
        metavar="DIR[=WEIGHT]",
        help="Data set to train on, as for [b]mmnet train[/]; several are joined.",
        show_default=False,
    ),
]
QuantizeStepsOption = Annotated[int, typer.Option(min=0, help="Steps to train; 0 only measures the ranges.")]
SimulationOption = Annotated[
    str,
    typer.Option(
        metavar="tfmot|keras",
        help="What simulates 8 bits: tensorflow-model-optimization (extra qat), or layers of this project in Keras 3.",
    ),
]
QuantizeBatchOption = Annotated[int | None, typer.Option(min=1, help="Images per step.", show_default="8")]
QuantizeRunOption = Annotated[str, typer.Option(metavar="NAME", help="Name of the run.")]
CalibrationOption = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Folder of photos to measure the first ranges on.", show_default="images of --data"
    ),
]
CalibrationPhotosOption = Annotated[
    int, typer.Option(metavar="N", min=1, help="Measure on at most N of them, spread evenly.")
]

# `mmnet data`.
JobsOption = Annotated[int | None, typer.Option(min=1, help="How many at a time.", show_default="one per core")]
ForceOption = Annotated[bool, typer.Option("--force", "-f", help="Replace the output if it exists.")]
SplitOption = Annotated[
    float, typer.Option("--validation", min=0, max=1, metavar="PART", help="Part of the images that validates.")
]
MasksArgument = Annotated[Path, typer.Argument(metavar="MASKS", help="Folder of binary masks.")]
ImagesArgument = Annotated[Path, typer.Argument(metavar="IMAGES", help="Folder of the photos, of the same stems.")]
MattesArgument = Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write NAME.png to.")]
MethodOption = Annotated[
    str, typer.Option(metavar="closed-form|knn", help="Matting method; closed-form is several times faster.")
]
BandOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="PX",
        help="How far the mask's edge may be off, in each direction.",
        show_default="1/80 of the side",
    ),
]
OutsideOption = Annotated[
    int | None,
    typer.Option(min=1, metavar="PX", help="How far out of the mask hair may reach.", show_default="as --band"),
]
MaxSideOption = Annotated[
    int, typer.Option(min=64, metavar="PX", help="Largest size to solve at; larger photos take long.")
]


def wants_resume(value: str | None) -> bool:
    """Whether `--resume` was given.

    Raises:
        BadParameter: its value is not `latest`.
    """
    if value not in (None, "latest"):
        raise typer.BadParameter("only latest can be resumed", param_hint="--resume")
    return value is not None
