"""What a training prints: a sign while the first step compiles, and the best checkpoint as the next to export."""

from __future__ import annotations

import io
import re
from pathlib import Path

from rich.console import Console

from mmnet.api.training import SavedCheckpoint
from mmnet.cli.training.printer import print_end, training_printer
from mmnet.training.recipes import Stage


def printed() -> tuple[Console, io.StringIO]:
    stream = io.StringIO()
    return Console(file=stream, soft_wrap=True, highlight=False), stream


def test_the_first_step_of_a_stage_shows_that_it_compiles() -> None:
    console, stream = printed()
    with training_printer(console) as printer:
        printer.on_stage(Stage(3, 32, 2, 1e-4, 1e-5), 0, 0, 3)
        assert stream.getvalue().splitlines()[-1].startswith("compiling   the network")
        printer.on_step(1, {"loss": 0.5}, 1e-4, 2.0)
        assert stream.getvalue().splitlines()[-1].startswith("compiled    and made the first step in")
        printer.on_step(2, {"loss": 0.5}, 1e-4, 2.0)
    assert stream.getvalue().count("compiled") == 1


def test_the_bar_of_the_first_step_shows_the_time_so_far() -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, color_system=None, width=120, highlight=False)
    with training_printer(console) as printer:
        printer.on_stage(Stage(100, 32, 2, 1e-4, 1e-5), 0, 0, 100)
    assert "0/100 0:00:00 so far compiling the first step" in stream.getvalue()
    with training_printer(console) as printer:
        printer.on_stage(Stage(100, 32, 2, 1e-4, 1e-5), 0, 0, 100)
        for step in range(1, 4):
            printer.on_step(step, {"loss": 0.5}, 1e-4, 2.0)
    assert re.search(r"3/100 \d:\d\d:\d\d left loss 0.5000, 2.0 images/s", stream.getvalue())


def test_the_best_is_exported_next() -> None:
    last = SavedCheckpoint(Path("checkpoints/mine/step-3000"), 3000, {"mad": 0.02345})
    best = SavedCheckpoint(Path("checkpoints/mine/step-2000"), 2000, {"mad": 0.01234})
    console, stream = printed()
    print_end(console, last, best, " --calibration PHOTOS")
    assert stream.getvalue().splitlines() == [
        "done        checkpoints/mine/step-3000",
        "best        checkpoints/mine/step-2000: MAD 0.01234, the last has 0.02345",
        "next        export-tflite --ckpt checkpoints/mine/step-2000 --calibration PHOTOS",
    ]
    console, stream = printed()
    print_end(console, last, last)
    assert stream.getvalue().splitlines() == [
        "done        checkpoints/mine/step-3000",
        "next        export-tflite --ckpt checkpoints/mine/step-3000",
    ]
