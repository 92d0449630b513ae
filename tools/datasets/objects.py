"""Draw images of objects near the camera that are not people: data for `mmnet train` beside photos of nobody.

    python tools/datasets/objects.py MIX OUT
    python tools/datasets/objects.py MIX OUT --count 50 --seed 2
    python tools/datasets/objects.py MIX OUT --things /usr/share/tuxpaint/stamps/animals

MIX is a folder that training_mix.py built; its backgrounds and its cut-outs are used. Photos of scenes hardly show
anything from near, so a network trained on them alone takes a cup or a cat for a person. OUT gets image/ and mask/.

Each image shows an object that fills a good part of the frame: a smooth shape or the turned outline of a person, with
the surface of a piece of a photo, of a shaded solid or of fur. With --things, two of three objects are cut-outs of
animals or things instead, for example those of Debian's package tuxpaint-stamps-default. The matte is empty, or that of
a person in front of the object in every fourth image. The same sources, seed and version of OpenCV give the same bytes.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from folders import require_empty
from rich.console import Console

from mmnet.arrays import F32Array, U8Array
from mmnet.cli.progress import progress_bar
from mmnet.errors import MMNetError
from mmnet.runtime.imaging.photos import read_photo
from mmnet.training.data.scenes import Scene, read_cutout

SIZES = [(384, 512), (512, 384), (448, 448), (288, 512)]  # height and width in pixels
SIDE = 384  # of an object before it is placed, pixels
PEOPLE = 0.25  # of the images show a person in front of the object
THINGS = 0.67  # of the objects are cut-outs of things, where there are any
TURNED = 0.25  # of them are turned, at any angle
# Surfaces: upper end of the interval in 0-1 that draws each.
PHOTO, SOLID = 0.45, 0.7


def smooth_shape(random: np.random.Generator) -> U8Array:
    """Draw the alpha of a closed shape, uint8 [SIDE, SIDE]: a circle whose radius varies with a few low frequencies."""
    angle = np.linspace(0, 2 * np.pi, 256, endpoint=False)
    radius = np.ones_like(angle)
    for frequency in range(1, 7):
        radius += random.normal(0, 0.28 / frequency) * np.cos(frequency * angle + random.uniform(0, 2 * np.pi))
    radius = np.clip(radius, 0.25, None)
    points = np.stack([np.cos(angle) * random.uniform(0.5, 1), np.sin(angle) * random.uniform(0.5, 1)], 1)
    points *= radius[:, None]
    points *= 0.46 * SIDE / np.abs(points).max()
    alpha = np.zeros((SIDE, SIDE), np.uint8)
    cv2.fillPoly(alpha, [np.rint(points + SIDE / 2).astype(np.int32)], 255, cv2.LINE_AA)
    return alpha


def outline(cutout: U8Array, random: np.random.Generator) -> U8Array:
    """Return a person's alpha, scaled to fit and turned, uint8 [SIDE, SIDE]."""
    height, width = cutout.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), random.uniform(25, 335), 0.8 * SIDE / max(height, width))
    turn[0, 2] += (SIDE - width) / 2
    turn[1, 2] += (SIDE - height) / 2
    return np.asarray(cv2.warpAffine(cutout[..., 3], turn, (SIDE, SIDE), flags=cv2.INTER_AREA), np.uint8)


def shading(random: np.random.Generator) -> F32Array:
    """Return light and shadow on a round body, float32 [SIDE, SIDE, 1], about 0.5-1.3."""
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    light = random.uniform(-0.6, 0.6, 2)
    return np.asarray(1.3 - 0.55 * np.hypot(x - light[0], y - light[1]), np.float32)[..., None]


def surface(background: U8Array, random: np.random.Generator) -> U8Array:
    """Return the colours of an object, uint8 [SIDE, SIDE, 3]: a piece of a photo, a shaded solid, or fur."""
    kind = random.random()
    if kind < PHOTO:
        side = int(min(background.shape[:2]) * random.uniform(0.25, 0.8))
        y, x = (int(random.integers(0, size - side + 1)) for size in background.shape[:2])
        piece = cv2.resize(background[y : y + side, x : x + side], (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
        colours = piece.astype(np.float32) * np.float32(random.uniform(0.6, 1.3))
    else:
        colour = random.uniform(0, 255) * (1 + random.uniform(-0.25, 0.25, 3))
        if kind < SOLID:
            colour = random.uniform(0, 255, 3)
            noise = random.normal(0, 1, (6, 6, 1))
            grain = np.asarray(cv2.resize(noise, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC))[..., None] * 12
        else:
            strokes = random.normal(0, 1, (SIDE, SIDE)).astype(np.float32)
            length = int(random.integers(5, 15))
            kernel = np.zeros((length, length), np.float32)
            tip = np.rint((length - 1) / 2 * (1 + np.array([np.cos(a := random.uniform(0, np.pi)), np.sin(a)])))
            cv2.line(kernel, (length - 1 - int(tip[0]), length - 1 - int(tip[1])), (int(tip[0]), int(tip[1])), 1.0)
            patches = cv2.resize(random.normal(0, 40, (5, 5)).astype(np.float32), (SIDE, SIDE))
            fur = cv2.filter2D(strokes, -1, kernel / kernel.sum()) * 90 + patches
            grain = np.asarray(fur)[..., None]
        colours = colour.astype(np.float32) + grain.astype(np.float32)
        colours = colours * shading(random)
    return np.asarray(np.rint(colours.clip(0, 255)), np.uint8)


def turned(thing: U8Array, random: np.random.Generator) -> U8Array:
    """Turn an RGBA image at a random angle: uint8 [N, N, 4], N its diagonal."""
    height, width = thing.shape[:2]
    side = int(np.ceil(np.hypot(height, width)))
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), random.uniform(0, 360), 1)
    turn[:, 2] += (side - width) / 2, (side - height) / 2
    return np.asarray(cv2.warpAffine(thing, turn, (side, side)), np.uint8)


def drawn_object(backgrounds: Sequence[Path], cutouts: Sequence[Path], random: np.random.Generator) -> U8Array:
    """Draw an object: a smooth shape or a person's turned outline with any surface, uint8 [SIDE, SIDE, 4]."""
    if random.random() < 0.65:
        alpha = smooth_shape(random)
    else:
        alpha = outline(read_cutout(cutouts[int(random.integers(len(cutouts)))]), random)
    alpha = np.asarray(cv2.GaussianBlur(alpha, (0, 0), random.uniform(0.6, 2.5)), np.uint8)
    colours = surface(read_photo(backgrounds[int(random.integers(len(backgrounds)))]), random)
    return np.dstack([colours, alpha])


def draw_image(
    backgrounds: Sequence[Path], cutouts: Sequence[Path], things: Sequence[Path], random: np.random.Generator
) -> Scene:
    """Draw one image, its matte empty or that of a person in front of the object."""
    height, width = SIZES[int(random.integers(len(SIZES)))]
    scene = Scene(backgrounds[int(random.integers(len(backgrounds)))], height, width, random)
    if random.random() < 0.5:  # a background out of focus, as behind near objects
        scene.image = np.asarray(cv2.GaussianBlur(scene.image, (0, 0), random.uniform(2, 8)), np.uint8)
    for _ in range(1 if random.random() < 0.7 else 2):
        if things and random.random() < THINGS:
            thing = read_cutout(things[int(random.integers(len(things)))])
            if random.random() < TURNED:
                thing = turned(thing, random)
        else:
            thing = drawn_object(backgrounds, cutouts, random)
        tall = round(height * random.uniform(0.35, 1.3) * min(1, 1.5 * thing.shape[0] / thing.shape[1]))
        left = round(width * random.uniform(0.25, 0.75) - tall * thing.shape[1] / thing.shape[0] / 2)
        scene.add(thing, tall, left, round((height - tall) * random.uniform(0.2, 1.1)))
    scene.matte[:] = 0
    if random.random() < PEOPLE:
        person = read_cutout(cutouts[int(random.integers(len(cutouts)))])
        tall = round(height * random.uniform(0.6, 2.2))
        left = round(width * random.uniform(0.3, 0.7) - person.shape[1] * tall / person.shape[0] / 2)
        scene.add(person, tall, left, round(height * random.uniform(0.05, 0.3)))
    return scene


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw the images with the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mix", type=Path, metavar="MIX", help="a folder that training_mix.py built")
    parser.add_argument("out", type=Path, metavar="OUT", help="the folder to fill: new or empty")
    parser.add_argument(
        "--things",
        type=Path,
        action="append",
        default=[],
        metavar="FOLDER",
        help="a folder of RGBA PNG files of animals or things, with its subfolders; may be given several times",
    )
    parser.add_argument("--count", type=int, default=800, metavar="N", help="images to draw (800)")
    parser.add_argument("--seed", type=int, default=0, help="of all draws (0)")
    options = parser.parse_args(arguments)
    backgrounds = sorted((options.mix / "backgrounds").glob("*.jpg"))
    cutouts = sorted((options.mix / "cutouts").glob("*.png"))
    if not backgrounds or not cutouts:
        raise MMNetError(f"{options.mix}: must hold backgrounds/*.jpg and cutouts/*.png; build it with training_mix.py")
    things = [path for folder in options.things for path in sorted(folder.rglob("*.png"))]
    if options.things and not things:
        raise MMNetError(f"{options.things[0]}: holds no PNG files of things; name a folder that does")
    require_empty(options.out)
    for part in ("image", "mask"):
        (options.out / part).mkdir(parents=True)
    random = np.random.default_rng(options.seed)
    with progress_bar(Console(stderr=True)) as progress:
        for number in progress.track(range(options.count), description="objects"):
            draw_image(backgrounds, cutouts, things, random).save(
                options.out, f"{number:05d}", int(random.integers(75, 96))
            )


if __name__ == "__main__":
    try:
        main()
    except MMNetError as error:
        raise SystemExit(f"error: {error}") from None
