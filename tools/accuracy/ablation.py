"""Measure what each training source and each choice is worth: short training runs that differ in one thing.

    python tools/accuracy/ablation.py MIX SETS OUT --from CKPT
    python tools/accuracy/ablation.py MIX SETS OUT --from CKPT --variants no-cutouts no-people
    python tools/accuracy/ablation.py --table OUT/ablation.json          (print the finished variants as Markdown)

MIX   the training sets that `tools/datasets/training_mix.py` makes, with `objects` of `objects.py` and `hard` of
      `hard_images.py`
SETS  the sets to measure on, that `training_mix.py --validation-only` makes
OUT   the folder of the packed images, the checkpoints, and the result `ablation.json`
CKPT  the checkpoint that every run starts from

All runs have the same start, the same number of steps and, but for repeats, the same seed. They use a fixed random part
of the images, and each source is drawn in proportion to its draws in the full mix. Each network is measured as its
float .tflite, as `mmnet evaluate --suite release` measures.

A variant that is done is kept in OUT/ablation.json; the same command goes on with the next one. The variants are a
table in `ablation_variants.py`. The repeats with other seeds give the noise: a smaller difference means nothing.
"""

from __future__ import annotations

import argparse
import gc
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from ablation_data import Mix, open_mix, read_sets
from ablation_report import FORMAT, markdown
from ablation_variants import BATCH, START, VARIANTS, Variant, choose_variants
from rich.console import Console

from mmnet.errors import MMNetError
from mmnet.evaluation.machine import processor, tool_versions, usable_cores
from mmnet.evaluation.models import Candidate
from mmnet.evaluation.release.measure import SetData, measure_sets
from mmnet.evaluation.resize import choose_resize
from mmnet.export.direct.models import float_tflite
from mmnet.files import atomic_file
from mmnet.json_reader import read_json
from mmnet.network.average import average
from mmnet.network.checkpoint import Checkpoint
from mmnet.network.resolve import OpenedCheckpoint, open_checkpoint
from mmnet.runtime.imaging.fit import Fit
from mmnet.training.backend import load_keras
from mmnet.training.checkpoints import load_step, step_folders
from mmnet.training.engines.keras_engine import KerasEngine
from mmnet.training.listener import TrainingListener
from mmnet.training.loop import train
from mmnet.training.run import TrainingRun

MEASURED_SIZE = 256  # the input size of the networks that are measured, in pixels
RESULT = "ablation.json"


class SettingsError(MMNetError):
    """The finished variants were made with other settings."""


@dataclass(frozen=True)
class Ablation:
    """Everything that the variants share.

    Attributes:
        mix: the training images.
        sets: the sets to measure on.
        start: the checkpoint that every run starts from.
        steps: of a variant whose `steps_part` is 1.
        out: the folder of the results.
    """

    mix: Mix
    sets: Sequence[SetData]
    start: OpenedCheckpoint
    steps: int
    out: Path

    def settings(self) -> dict[str, Any]:
        """Return what all variants of one result share, as plain JSON values."""
        return {
            "steps": self.steps,
            "batch": BATCH,
            "start": self.start.identity(),
            "measured_size": MEASURED_SIZE,
            "sources": self.mix.describe(),
            "sets": [
                {"name": one.set.name, "title": one.set.title, "images": len(one.pairs), "sha256": one.sha256}
                for one in self.sets
            ],
        }

    def run_folder(self, name: str) -> Path:
        """Return the folder of the training run of a variant."""
        return self.out / "runs" / name

    def trained(self, variant: Variant) -> float:
        """Train a variant, unless its run is finished, and return the processor seconds that this took."""
        recipe = variant.recipe(self.steps)
        self.mix.data(variant, variant.size)  # packs the images, which is not part of the training
        begun = time.process_time()
        keras = load_keras("tensorflow", recipe)
        run = TrainingRun(
            recipe,
            self.run_folder(variant.name),
            lambda size: self.mix.data(variant, size),
            {"data": "ablation", "variant": variant.name},
            seed=variant.seed,
            start=self.start.checkpoint,
            teacher=self.start.checkpoint if variant.teacher_share else None,
            save_every=recipe.steps,
            workers=usable_cores(),
        )
        train(run, partial(KerasEngine, keras), TrainingListener())
        keras.backend.clear_session()
        gc.collect()
        return time.process_time() - begun

    def checkpoint(self, variant: Variant) -> Checkpoint:
        """Return the network of a variant whose training run, or those that it needs, are finished."""
        if variant.name == START:
            return self.start.checkpoint.resized(MEASURED_SIZE)
        if variant.average_of:
            known = {one.name: one for one in VARIANTS}
            return average([(self.checkpoint(known[name]), 1.0) for name in variant.average_of])
        saved = load_step(step_folders(self.run_folder(variant.raw_of or variant.name))[-1])
        weights = saved.checkpoint.weights
        if variant.raw_of:
            weights = {name: saved.state[name] for name in weights}
        return replace(saved.checkpoint, weights=weights).resized(MEASURED_SIZE)

    def measure(self, variant: Variant) -> dict[str, Mapping[str, float]]:
        """Return the measures of a variant: set -> measure -> value."""
        model = float_tflite(self.checkpoint(variant))
        candidate = Candidate(variant.name, "checkpoint", variant.name, MEASURED_SIZE, model)
        measured = measure_sets(
            [candidate], self.sets, choose_resize("runtime"), Fit.AUTO, threads=None, progress=lambda *_: None
        )
        return {one.data.set.name: dict(one.values[0]) for one in measured}


def read_finished(path: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the finished variants of a result, by name; none where there is no result.

    Raises:
        SettingsError: they were made with other settings; the message names these.
    """
    if not path.exists():
        return {}
    document = read_json(path)
    if document.get("format") != FORMAT:
        raise SettingsError(f"{path}: is no result of this command; name another folder")
    before, now = document["settings"], json.loads(json.dumps(settings))
    if changed := sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name)):
        raise SettingsError(f"{path}: was made with other {', '.join(changed)}; name another folder, or repeat those")
    return {variant["name"]: variant for variant in document["variants"]}


def write_result(path: Path, settings: Mapping[str, Any], finished: Mapping[str, Any]) -> None:
    """Write all finished variants, in the order of the table."""
    document = {
        "format": FORMAT,
        "machine": processor(),
        "cores": usable_cores(),
        "versions": tool_versions(),
        "settings": settings,
        "variants": [finished[one.name] for one in VARIANTS if one.name in finished],
    }
    with atomic_file(path) as temporary:
        temporary.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def run_variants(ablation: Ablation, variants: Sequence[Variant], console: Console) -> None:
    """Train and measure every variant that is not finished, and write the result after each."""
    path, settings = ablation.out / RESULT, ablation.settings()
    finished = read_finished(path, settings)
    for number, variant in enumerate(variants, start=1):
        if variant.name in finished:
            continue
        begun = time.perf_counter()
        seconds = ablation.trained(variant) if variant.is_trained else 0.0
        measures = ablation.measure(variant)
        steps = variant.recipe(ablation.steps).steps if variant.is_trained else 0
        finished[variant.name] = {
            "name": variant.name,
            "title": variant.title,
            "steps": steps,
            "training_core_seconds": round(seconds, 1),
            "repeat": variant.repeats_all,
            "sets": measures,
        }
        write_result(path, settings, finished)
        mads = ", ".join(f"{name} {values['MAD']:.4f}" for name, values in measures.items())
        elapsed = time.perf_counter() - begun
        console.print(f"{number}/{len(variants)} {variant.title}: {mads} ({seconds:.0f} core-s, {elapsed:.0f} s)")


def main(arguments: Sequence[str] | None = None) -> None:
    """Train and measure with the options of the command line, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mix", type=Path, nargs="?", metavar="MIX", help="the folder of the training sets")
    parser.add_argument("sets", type=Path, nargs="?", metavar="SETS", help="the folder of the sets to measure on")
    parser.add_argument("out", type=Path, nargs="?", metavar="OUT", help="the folder of the results")
    parser.add_argument("--from", dest="start", metavar="CKPT", help="the checkpoint that every run starts from")
    parser.add_argument("--variants", nargs="+", metavar="NAME", help="the variants to run (all)")
    parser.add_argument("--steps", type=int, default=300, help="steps of 8 images per run (300)")
    parser.add_argument("--images", type=int, default=2400, help="training images to use, about (2400)")
    parser.add_argument("--limit", type=int, default=60, help="images of each set to measure on, at most (60)")
    parser.add_argument("--other-mattes", type=Path, metavar="DIR", help="other mattes of the portraits")
    parser.add_argument("--table", type=Path, metavar="JSON", help="print the table of a result, and run nothing")
    options = parser.parse_args(arguments)
    if options.table:
        print(markdown(read_json(options.table)), end="")
        return
    if None in (options.mix, options.sets, options.out, options.start):
        parser.error("give MIX, SETS, OUT and --from CKPT, or --table JSON")
    if min(options.steps, options.images, options.limit) < 1:
        parser.error("--steps, --images and --limit must be at least 1")
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    variants = [
        one for one in choose_variants(options.variants) if not one.other_mattes or options.other_mattes is not None
    ]
    mix = open_mix(options.mix, options.images, options.out / "packs", options.other_mattes, console.print)
    start = open_checkpoint(options.start)
    ablation = Ablation(mix, read_sets(options.sets, options.limit), start, options.steps, options.out)
    run_variants(ablation, variants, console)
    print(markdown(read_json(options.out / RESULT)), end="")


if __name__ == "__main__":
    try:
        main()
    except MMNetError as error:
        raise SystemExit(f"error: {error}") from None
