"""Measure how many training images per second the input pipeline prepares, by input size and number of threads.

The script draws its own images, so it needs no data. Quote the load of the machine with the figures: the load average
is printed with them.

    python tools/speed/input_pipeline.py --size 128 --size 256 --workers 1 --workers 2
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Sequence

import numpy as np

from mmnet.arrays import U8Array
from mmnet.training.augment import Augmentation, AugmentationChoice, estimate_training_foreground
from mmnet.training.data.batches import Batches, Part
from mmnet.training.data.packs import Pack, side_for
from mmnet.training.process import one_opencv_thread

IMAGES = 32


def drawn_pack(side: int, random: np.random.Generator) -> Pack:
    """Return a pack of noise with soft ellipses as people; the time does not depend on what the images show."""
    y, x = np.mgrid[0:side, 0:side] / side
    records = []
    for _ in range(IMAGES):
        photo = random.integers(0, 256, (side, side, 3), np.uint8)
        distance = np.hypot((y - 0.8) / random.uniform(0.4, 0.7), (x - 0.5) / random.uniform(0.2, 0.45))
        matte = (255 / (1 + np.exp((distance - 1) * 30))).astype(np.uint8)
        layers = (photo, matte, estimate_training_foreground(photo, matte))
        records.append(np.concatenate([layer.ravel() for layer in layers]))
    names = tuple(f"{index}.png" for index in range(IMAGES))
    return Pack("drawn", names, side, np.stack(records), np.full(IMAGES, 0.75, np.float32), np.zeros(IMAGES, np.bool_))


def measure(batches: Batches, seconds: float, rounds: int) -> tuple[list[float], float]:
    """Return the images per second of each round, after the first few batches, and the CPU milliseconds per image.

    The CPU time hardly depends on the other work of the machine.
    """
    rates, busy, prepared = [], 0.0, 0
    for _ in range(rounds):
        stream = batches.stream()
        for _ in range(3):
            next(stream)
        start, start_busy, count = time.perf_counter(), time.process_time(), 0
        while (passed := time.perf_counter() - start) < seconds:
            next(stream)
            count += batches.batch_size
        rates.append(count / passed)
        busy, prepared = busy + time.process_time() - start_busy, prepared + count
        stream.close()
    return rates, busy / prepared * 1000


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure with the options of the command line, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, action="append", help="input size; may be repeated (128 and 256)")
    parser.add_argument("--workers", type=int, action="append", help="threads; may be repeated (1, and one per core)")
    parser.add_argument("--batch", type=int, default=8, help="images per batch (8)")
    parser.add_argument("--seconds", type=float, default=3.0, help="length of each round (3)")
    parser.add_argument("--rounds", type=int, default=3, help="number of rounds, whose median is given (3)")
    parser.add_argument("--json", action="store_true", help="print JSON on standard output")
    options = parser.parse_args(arguments)
    sizes = options.size or [128, 256]
    workers = options.workers or sorted({1, os.cpu_count() or 1})
    random = np.random.default_rng(0)
    augmentations: dict[str, AugmentationChoice] = {"strong": Augmentation(), "published": "published", "none": None}
    results = []
    for size in sizes:
        pack = drawn_pack(side_for(size), random)
        scenes: U8Array = random.integers(0, 256, (8, pack.side, pack.side, 3), np.uint8)
        for count in workers:
            for name, augmentation in augmentations.items():
                batches = Batches([Part.whole(pack)], options.batch, size, 0, augmentation, scenes, count)
                with one_opencv_thread():
                    rates, busy = measure(batches, options.seconds, options.rounds)
                load, middle = os.getloadavg()[0], statistics.median(rates)
                row = {"size": size, "workers": count, "augmentation": name, "load": round(load, 2)}
                results.append(row | {"images_per_second": round(middle, 1), "cpu_ms_per_image": round(busy, 3)})
                print(
                    f"{size}×{size}  {count} threads  {name:<10}{middle:6.0f} images/s "
                    f"({min(rates):.0f} to {max(rates):.0f})  {busy:5.2f} CPU ms per image  load {load:.2f}",
                    file=sys.stderr if options.json else sys.stdout,
                    flush=True,
                )
    if options.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()
