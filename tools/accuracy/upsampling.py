"""Compare methods of upsampling the alpha and of estimating the foreground: their error and their time.

    python tools/accuracy/upsampling.py --data portraits --split test --images 60 --json upsampling.json
    python tools/accuracy/upsampling.py --drawn 6 --json upsampling.json --markdown upsampling.md
    python tools/accuracy/upsampling.py --drawn 2 --frame 640x480 --slow    (also joint bilateral and closed-form)

On portraits, the alpha is the network's, and the truth is the data set's label. Labels that a network made have no
detail finer than that network's pixels. On drawn images (a head with strands of hair before a mottled background)
alpha and foreground are known. There the alpha is the true one, reduced to the network's size by areas: as if the
network were perfect (soften 0), or as soft as a network is (soften 1, the σ of a Gaussian in the network's pixels). The
error that remains is the upsampling's.

Times are processor time of one thread, the least of --runs. Other load on the machine affects them only through shared
caches and memory.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from mmnet.arrays import F32Array, U8Array
from mmnet.benchmark.host.machine import describe_host
from mmnet.cli.progress import progress_bar
from mmnet.errors import MMNetError
from mmnet.evaluation.datasets.pairs import load_pairs
from mmnet.evaluation.metrics import band_mad, boundary_band, gauss_grad, mad
from mmnet.files import atomic_file
from mmnet.runtime import MattingModel, Upsampling, estimate_foreground, to_model_input, upsample_alpha
from mmnet.runtime.model import default_model

Method = Callable[[F32Array, U8Array, U8Array], F32Array]  # (alpha [S, S], photo, model input) -> alpha [H, W]
Rows = dict[tuple[str, str], list[dict[str, float]]]  # (group of images, method) -> the figures of each image
Result = TypeVar("Result")
SIZE = 256  # S of drawn images, pixels


@dataclass(frozen=True)
class Image:
    """One photo with its alpha and the truth.

    Attributes:
        group: the group of images that figures are averaged over.
        photo: uint8 [H, W, 3], RGB.
        model_input: uint8 [S, S, 3], the photo at the network's size.
        alpha: float32 [S, S] in 0-1, the alpha that is upsampled.
        truth: float32 [H, W] in 0-1, the true alpha.
        foreground: uint8 [H, W, 3], the true foreground of a drawn image.
    """

    group: str
    photo: U8Array
    model_input: U8Array
    alpha: F32Array
    truth: F32Array
    foreground: U8Array | None = None


def _up(values: Any, photo: U8Array) -> Any:
    return cv2.resize(values, (photo.shape[1], photo.shape[0]), interpolation=cv2.INTER_LINEAR)


def fast_guided(radius: int, epsilon: float) -> Method:
    """Return He and Sun's fast guided filter (2015) as published, with the photo's luma as its guide.

    Args:
        radius: radius of its windows, in the network's pixels.
        epsilon: its regularization, for luma in 0-1.
    """

    def mean(values: Any) -> Any:
        return cv2.blur(values, (2 * radius + 1, 2 * radius + 1))

    def method(alpha: F32Array, photo: U8Array, model_input: U8Array) -> F32Array:
        guide, full = (cv2.cvtColor(p, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255 for p in (model_input, photo))
        slope = (mean(guide * alpha) - mean(guide) * mean(alpha)) / (mean(guide * guide) - mean(guide) ** 2 + epsilon)
        offset = mean(alpha) - slope * mean(guide)
        return np.asarray((_up(mean(slope), photo) * full + _up(mean(offset), photo)).clip(0, 1), np.float32)

    return method


def joint_bilateral(radius: int, near: float, alike: float) -> Method:
    """Return joint bilateral upsampling (Kopf et al., 2007).

    Args:
        radius: radius of its window, in the network's pixels.
        near: σ of the distance, in the network's pixels.
        alike: σ of the difference in colour, in grey levels.
    """

    def method(alpha: F32Array, photo: U8Array, model_input: U8Array) -> F32Array:
        height, width = photo.shape[:2]
        size = len(alpha)
        y, x = ((np.arange(side) + 0.5) * size / side - 0.5 for side in (height, width))
        row, column = np.rint(y).astype(int), np.rint(x).astype(int)
        total, weights = np.zeros((height, width), np.float32), np.full((height, width), 1e-12, np.float32)
        full, small = photo.astype(np.float32), model_input.astype(np.float32)
        for down in range(-radius, radius + 1):
            for across in range(-radius, radius + 1):
                rows, columns = (row + down).clip(0, size - 1), (column + across).clip(0, size - 1)
                far = ((row + down - y) ** 2)[:, None] + ((column + across - x) ** 2)
                unlike = ((full - small[rows][:, columns]) ** 2).sum(axis=2)
                weight = np.exp(-far / (2 * near**2) - unlike / (2 * alike**2)).astype(np.float32)
                total += weight * alpha[rows][:, columns]
                weights += weight
        return total / weights

    return method


def closed_form(alpha: F32Array, photo: U8Array, model_input: U8Array) -> F32Array:
    """Upsample by closed-form matting (Levin et al., 2008) in the band where the bilinear alpha is neither 0 nor 1."""
    from pymatting import estimate_alpha_cf

    rough = upsample_alpha(alpha, photo, Upsampling.BILINEAR)
    unknown = ((rough > 0.05) & (rough < 0.95)).astype(np.uint8)
    reach = 2 * max(1, round(max(photo.shape) / SIZE / 2)) + 1
    band = cv2.dilate(unknown, np.ones((reach, reach), np.uint8))
    trimap = np.where(band > 0, 0.5, rough > 0.5)
    matte = estimate_alpha_cf(photo / 255.0, trimap, laplacian_kwargs={"epsilon": 1e-6})
    return np.asarray(matte, np.float32).clip(0, 1)


def upsampling_methods(slow: bool) -> dict[str, Method]:
    """Return the methods of upsampling, by their names in the table."""
    methods: dict[str, Method] = {
        "bilinear": lambda alpha, photo, _: upsample_alpha(alpha, photo, Upsampling.BILINEAR),
        "guided": lambda alpha, photo, seen: upsample_alpha(alpha, photo, Upsampling.GUIDED, model_input=seen),
        "fast guided filter, luma, r 2, ε 0.001": fast_guided(2, 1e-3),
    }
    if slow:
        methods["joint bilateral, r 2, σ 1 and 12"] = joint_bilateral(2, 1.0, 12.0)
        methods["closed-form"] = closed_form
    return methods


def foreground_methods() -> dict[str, Callable[[U8Array, F32Array], U8Array]]:
    """Return the methods of estimating the foreground from photo and alpha, by their names in the table."""

    def multi_level(photo: U8Array, alpha: F32Array) -> U8Array:
        from pymatting import estimate_foreground_ml

        foreground = np.asarray(estimate_foreground_ml(photo / 255.0, alpha.astype(np.float64)))
        return np.asarray(np.rint(foreground * 255).clip(0, 255), np.uint8)

    def blur_fusion(photo: U8Array, alpha: F32Array) -> U8Array:
        """Forte's two passes at full size, with the published radii for 1920 pixels, 90 and 6."""
        image, opacity = photo.astype(np.float32), alpha[..., None]
        foreground = background = image
        for radius in (max(alpha.shape) * 90 // 1920, max(1, max(alpha.shape) * 6 // 1920)):
            box = 2 * radius + 1, 2 * radius + 1
            near = cv2.blur(foreground * opacity, box) / (cv2.blur(opacity, box)[..., None] + 1e-5)
            background = cv2.blur(background * (1 - opacity), box) / (cv2.blur(1 - opacity, box)[..., None] + 1e-5)
            foreground = (near + opacity * (image - opacity * near - (1 - opacity) * background)).clip(0, 255)
        return np.asarray(np.rint(foreground), np.uint8)

    return {
        "the photo's own": lambda photo, _: photo,
        "estimate_foreground": estimate_foreground,
        "blur fusion, two passes, full size": blur_fusion,
        "pymatting, multi-level": multi_level,
    }


def portraits(folder: Path, split: str | None, count: int, model: MattingModel) -> Iterator[Image]:
    """Yield evenly spaced portraits of a data set, with the network's alpha."""
    pairs = load_pairs(folder, split)
    for index in np.unique(np.linspace(0, len(pairs) - 1, min(count, len(pairs))).astype(int)):
        photo, mask = pairs[index].read()
        model_input = to_model_input(photo, model.size)
        yield Image(
            "portraits", photo, model_input, model.run_float(model_input), mask.astype(np.float32) / np.float32(255)
        )


def drawn(count: int, height: int, width: int, soften: float) -> Iterator[Image]:
    """Yield drawn heads with hair, a different one each time."""
    for seed in range(count):
        photo, truth, foreground = draw(seed, height, width)
        small = cv2.resize(truth, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
        if soften:
            small = cv2.GaussianBlur(small, (0, 0), soften)
        alpha = np.rint(small.clip(0, 1) * 255).astype(np.float32) / np.float32(255)
        yield Image(f"drawn, soften {soften:g}", photo, to_model_input(photo, SIZE), alpha, truth, foreground)


def draw(seed: int, height: int, width: int) -> tuple[U8Array, F32Array, U8Array]:
    """Draw a head, shoulders and 1,400 strands of hair: photo, true alpha and true foreground."""
    random = np.random.default_rng(seed)
    side = 2 * height  # drawn twice as large, so that edges are smooth
    canvas = np.zeros((side, 2 * width), np.uint8)
    centre = np.array([2 * width * random.uniform(0.4, 0.6), side * random.uniform(0.38, 0.48)])
    head = side * np.array([0.19, 0.25])
    cv2.ellipse(canvas, tuple(centre.astype(int)), tuple(head.astype(int)), 0, 0, 360, 255, -1)
    cv2.ellipse(canvas, (int(centre[0]), int(side * 1.05)), (side // 2, int(side * 0.38)), 0, 0, 360, 255, -1)
    for _ in range(1400):
        turn = random.uniform(0.95 * np.pi, 2.05 * np.pi)
        outwards = np.array([np.cos(turn), np.sin(turn)])
        point, step = centre + 0.97 * head * outwards, random.gamma(2, 0.05) * side / 24
        heading = np.arctan2(*(outwards + random.normal(0, 0.5, 2))[::-1])
        curl, points = random.normal(0, 2.5), []
        for _ in range(24):
            points.append(point)
            heading += curl / 24
            point = point + step * np.array([np.cos(heading), np.sin(heading)])
        strand = np.rint(np.array(points) * 16).astype(np.int32)
        cv2.polylines(canvas, [strand], False, 255, int(random.integers(1, 5)), cv2.LINE_AA, 4)
    alpha = cv2.resize(canvas.astype(np.float32) / 255, (width, height), interpolation=cv2.INTER_AREA).clip(0, 1)
    person = 0.25 * mottle(random, height, width) + 0.75 * random.uniform(10, 200, 3)
    colours = np.rint(person.clip(0, 255))
    photo = alpha[..., None] * colours + (1 - alpha[..., None]) * mottle(random, height, width)
    return np.rint(photo).astype(np.uint8), np.asarray(alpha, np.float32), colours.astype(np.uint8)


def mottle(random: np.random.Generator, height: int, width: int) -> NDArray[np.float64]:
    """Return random colours at every scale, with some hard-edged shapes: float64 [height, width, 3] in 0-255."""
    total = np.zeros((height, width, 3))
    for scale in (4, 8, 16, 32, 64, 128, 256):
        noise = random.normal(0, 1, (height // scale + 2, width // scale + 2, 3))
        total += scale**0.7 * cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    total *= 40 / total.std()
    total += random.uniform(60, 200, 3)
    for _ in range(12):
        x, y = random.integers(0, width), random.integers(0, height)
        size = int(random.integers(width // 30, width // 5)), int(random.integers(height // 30, height // 4))
        shape = total.copy()
        cv2.ellipse(shape, (int(x), int(y)), size, 0, 0, 360, random.uniform(0, 255, 3).tolist(), -1)
        total = 0.3 * total + 0.7 * shape
    return total.clip(0, 255)


def timed(work: Callable[[], Result], runs: int) -> tuple[Result, float]:
    """Return the result of a function, and its processor time in milliseconds, the least of some runs."""
    results, times = [], []
    for _ in range(runs):
        start = time.thread_time()
        results = [work()]
        times.append(time.thread_time() - start)
    return results[0], min(times) * 1e3


def main() -> None:
    """Run the script."""
    options, height, width = parse_options()
    cv2.setNumThreads(1)
    machine = describe_host()
    model = MattingModel(options.model or default_model(), threads=1)
    sets: list[Iterator[Image]] = []
    if options.data:
        sets.append(portraits(options.data, options.split, options.images, model))
    if options.drawn:
        sets += [drawn(options.drawn, height, width, soften) for soften in (0.0, 1.0)]
    upsampling: Rows = defaultdict(list)
    foreground: Rows = defaultdict(list)
    with progress_bar(Console(stderr=True)) as bar:
        task = bar.add_task("measuring", total=(options.images if options.data else 0) + 2 * options.drawn)
        for image in (image for images in sets for image in images):
            measure(image, upsampling_methods(options.slow), upsampling, options.runs)
            if image.foreground is not None:
                measure_foreground(image, image.foreground, foreground, options.runs)
            bar.advance(task)
    figures = {"upsampling": summary(upsampling), "foreground": summary(foreground)}
    document = {
        "machine": machine,
        "platform": platform.platform(),
        "load_average_after": os.getloadavg(),
        **figures,
    }
    text = "\n\n".join(table(rows) for rows in figures.values() if rows) + "\n"
    for path, content in (
        (options.json, json.dumps(document, indent=1, ensure_ascii=False) + "\n"),
        (options.markdown, text),
    ):
        if path:
            with atomic_file(path) as temporary:
                temporary.write_text(content, encoding="utf-8")
    if not options.markdown:
        print(text, end="")


def parse_options() -> tuple[argparse.Namespace, int, int]:
    """Return the options, and height and width of drawn images."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, metavar="DIR", help="portraits with mattes, as mmnet evaluate takes them")
    parser.add_argument("--split", help="the split of --data, for example test")
    parser.add_argument("--images", type=int, default=60, help="images of --data (60)")
    parser.add_argument("--drawn", type=int, default=0, help="number of drawn images (0)")
    parser.add_argument("--frame", default="1920x1080", metavar="WxH", help="size of drawn images (1920x1080)")
    parser.add_argument("--slow", action="store_true", help="also joint bilateral and closed-form (needs pymatting)")
    parser.add_argument("--model", type=Path, metavar="FILE", help="the .tflite (default: the model that ships)")
    parser.add_argument("--runs", type=int, default=2, help="runs of each method, of which the fastest counts (2)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure to this file")
    parser.add_argument(
        "--markdown", type=Path, metavar="FILE", help="write the tables to this file, not to the terminal"
    )
    options = parser.parse_args()
    if not (options.data or options.drawn):
        parser.error("give --data FOLDER or --drawn N, or both")
    width, height = map(int, options.frame.split("x"))
    return options, height, width


def measure(image: Image, methods: dict[str, Method], rows: Rows, runs: int) -> None:
    """Upsample the alpha of an image by every method, and add the figures to `rows`."""
    band = boundary_band(image.truth)
    for name, method in methods.items():
        slow = name.startswith(("joint", "closed"))
        upsample = partial(method, image.alpha, image.photo, image.model_input)
        alpha, milliseconds = timed(upsample, 1 if slow else runs)
        rows[image.group, name].append(
            {
                "band MAD": band_mad(alpha, image.truth, band),
                "GAUSS_GRAD": gauss_grad(alpha, image.truth),
                "MAD": mad(alpha, image.truth),
                "ms": milliseconds,
            }
        )


def measure_foreground(image: Image, truth: U8Array, rows: Rows, runs: int) -> None:
    """Estimate the foreground of a drawn image by every method, and add the figures to `rows`."""
    mixed = (image.truth > 0) & (image.truth < 1)
    for name, method in foreground_methods().items():
        foreground, milliseconds = timed(partial(method, image.photo, image.truth), runs)
        error = np.abs(foreground.astype(np.float32) - truth).mean(axis=2)[mixed]
        rows[image.group, name].append(
            {
                "colour error": float(error.mean()),
                "composite error": float((error * image.truth[mixed]).mean()),
                "ms": milliseconds,
            }
        )


def summary(rows: Rows) -> list[dict[str, Any]]:
    """Return the mean of every figure, one entry per group of images and method."""
    return [
        {"images": group, "method": name, "count": len(figures)}
        | {key: float(np.nanmean([image[key] for image in figures])) for key in figures[0]}
        for (group, name), figures in rows.items()
    ]


def table(rows: list[dict[str, Any]]) -> str:
    """Return the entries of `summary` as a table in Markdown."""

    def cell(value: Any) -> str:
        return f"{value:.4g}" if isinstance(value, float) else str(value)

    lines = ["| " + " | ".join(rows[0]) + " |", "|" + "---|" * len(rows[0])]
    return "\n".join(lines + ["| " + " | ".join(map(cell, row.values())) + " |" for row in rows])


if __name__ == "__main__":
    try:
        main()
    except MMNetError as error:
        raise SystemExit(f"error: {error}") from None
