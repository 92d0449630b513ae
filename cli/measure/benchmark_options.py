"""The options of `mmnet benchmark`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mmnet.runtime.imaging.fit import Fit

_PHONE = "On a phone"

Models = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="MODEL",
        help="The .tflite files to measure, or names of models that ship.",
        show_default="the model that ships",
    ),
]
Threads = Annotated[
    str, typer.Option(metavar="N,…", help="Numbers of threads; every model is measured with each of them.")
]
Runs = Annotated[int, typer.Option(min=1, help="Measured runs of every model.")]
Warmup = Annotated[int, typer.Option(min=0, help="Warm-up runs before the measured ones.")]
Baseline = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="The .tflite that the others are compared with; MediaPipe's selfie_segmentation.tflite is accepted too.",
        show_default="the first",
    ),
]
Naive = Annotated[
    str | None,
    typer.Option(
        metavar="CKPT",
        help="Compare with the naive conversion of this checkpoint (needs the extras export and train).",
        show_default=False,
    ),
]
Frame = Annotated[str, typer.Option(metavar="WxH", help="Width and height of the photo that is matted, in pixels.")]
FitOfFrame = Annotated[
    str,
    typer.Option(
        metavar="|".join(Fit),
        help="How the photo is brought into the models' square. auto measures the two passes of a photo in which a "
        "person fills little; not with --device.",
    ),
]
Composite = Annotated[
    bool,
    typer.Option(
        "--composite",
        help="Also composite every matte over another background, as mmnet matte does, and compare everything after "
        "the network with the network; not with --device.",
    ),
]
Delegate = Annotated[
    str,
    typer.Option(
        metavar="xnnpack|none|gpu|nnapi",
        help="The delegate that runs the operators; gpu and nnapi only with --benchmark-binary.",
    ),
]
Device = Annotated[
    str | None,
    typer.Option(
        metavar="SERIAL|any",
        help="Measure on this Android device (see adb devices), with the demo app or with --benchmark-binary.",
        show_default=False,
        rich_help_panel=_PHONE,
    ),
]
BenchmarkBinary = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="TensorFlow Lite's benchmark_model, built for the device; it measures the invocation alone.",
        show_default=False,
        rich_help_panel=_PHONE,
    ),
]
Affinity = Annotated[
    str | None,
    typer.Option(
        metavar="MASK",
        help="Processors to run on, as a hexadecimal mask for taskset: f0 is the last four of eight. Only with "
        "--benchmark-binary.",
        show_default="Android's choice",
        rich_help_panel=_PHONE,
    ),
]
Rounds = Annotated[
    int, typer.Option(min=1, help="Starts of every model, over which --runs are spread.", rich_help_panel=_PHONE)
]
CoolDown = Annotated[
    float, typer.Option(metavar="SECONDS", min=0, help="Pause between starts.", rich_help_panel=_PHONE)
]
Timeout = Annotated[
    float,
    typer.Option(
        metavar="SECONDS",
        min=0,
        help="How long to wait for a throttled phone to cool down, and for a start to end.",
        rich_help_panel=_PHONE,
    ),
]
DeviceDir = Annotated[
    str | None,
    typer.Option(
        metavar="DIR",
        help="The folder on the device to work in, which is removed at the end; for the demo app, its external files "
        "directory, which stays.",
        show_default="/data/local/tmp/mmnet-benchmark, or the files directory of the demo app",
        rich_help_panel=_PHONE,
    ),
]
JsonFile = Annotated[
    Path | None,
    typer.Option("--json", metavar="FILE", help="Write everything as JSON; - is standard output.", show_default=False),
]
Merge = Annotated[bool, typer.Option("--merge", help="Add to the measurements that the JSON file already holds.")]
Force = Annotated[bool, typer.Option("--force", "-f", help="Replace the JSON file if it exists.")]
