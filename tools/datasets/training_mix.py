"""Build the training data and the validation sets of the recipe `whole-people` from the source sets.

    python tools/datasets/training_mix.py DATA OUT
    python tools/datasets/training_mix.py DATA OUT --scenes 50          (fewer drawn scenes, as a trial)
    python tools/datasets/training_mix.py DATA OUT --validation-only    (what `mmnet evaluate --suite release` needs)

DATA holds the source sets:

portraits/train      image/, mask/, and mask-networks/ with tighter mattes of some of the images
portraits/wide       image/ and mask/, as in the next four: the uncropped photos behind the portraits
portraits/test       portraits that nothing is trained on
fashion              half figures
fashion-unannotated  more half figures, whose mattes networks made
people               whole figures and groups
cutouts              whole people as RGBA PNG files
backgrounds          JPEG photos without people

OUT is a new or empty folder. It gets folders that `mmnet train --data` and `mmnet evaluate --data` read, which link to
the source files; only composites and the mattes of scenes without people are new files:

portraits, fashion, people, wide, unannotated, cutouts, nobody   the source sets without the held-out images
backgrounds          for `mmnet train --backgrounds`
scenes               people composited over backgrounds: small, zoomed out, side by side, at many aspect ratios

and the sets to measure on:

portraits-test       portraits/test
fashion-validation   100 held-out half figures
cutouts-validation   up to 60 held-out cut-outs, each composited once
scenes-validation    up to 53 people of portraits/test in 16:9 scenes: 13 whom no side of their photo cuts, and 40 whom
                     one side cuts, placed at that side of the frame (side-NAME)
props-validation     those of the held-out half figures that wear a hat or carry something, by the list PROPS
groups-validation    up to 40 scenes in which two to four of the held-out cut-outs are side by side
nobody-validation    up to 60 held-out backgrounds with empty mattes

Images whose background shows people (the list PEOPLED) are left out of these four sets, which leaves
51, 44, 34 and 57 of the 60, 53, 40 and 60 images.

All draws have fixed seeds. The same sources and the same version of OpenCV give the same bytes.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from folders import require_empty
from rich.console import Console
from rich.progress import Progress

from mmnet.cli.progress import progress_bar
from mmnet.errors import MMNetError
from mmnet.runtime.imaging.photos import read_photo
from mmnet.runtime.imaging.writing import write_image
from mmnet.training.data.layouts import Pair
from mmnet.training.data.scene_sets import SceneOptions, make_scene, plan_scenes
from mmnet.training.data.scenes import Scene, crop_person, cutting_edges, read_cutout, read_person

PORTRAITS, TIGHTER, TEST = "portraits/train", "portraits/train/mask-networks", "portraits/test"
# Sets of which every image is trained on: folder of OUT -> folder of DATA.
WHOLE_SETS = {"people": "people", "wide": "portraits/wide", "unannotated": "fashion-unannotated"}
PAIR_SETS = (PORTRAITS, TEST, "fashion", *WHOLE_SETS.values())
SOURCES = (*(f"{name}/{part}" for name in PAIR_SETS for part in ("image", "mask")), TIGHTER, "cutouts", "backgrounds")

HELD_OUT = {"fashion": 100, "cutouts": 60, "backgrounds": 120}
SCENE_BACKGROUNDS = 60  # held-out backgrounds that people are composited over; the others are of nobody-validation
# Held-out backgrounds that show people after all, chosen by eye: no image to measure on has one of them.
PEOPLED = {"0127", "0253", "0329", "0334", "0452", "0529", "0546", "0573", "0598", "0665", "0804", "0859"}
NOBODY_STEP = 3  # every third background is also an image of nobody
UNCUT_PEOPLE, SIDE_PEOPLE = 13, 40  # of scenes-validation
SIDE_PREFIX = "side-"  # of the names of the latter

SPLIT_SEED, SCENES_SEED, VALIDATION_SEED, SIDE_SEED, GROUPS_SEED = 20261130, 7, 11, 12, 13

# Height and width in pixels.
SCENE_SIZES = [(384, 512), (512, 384), (400, 400), (288, 512), (300, 400), (270, 480), (220, 512), (480, 360)]
CUTOUT_SIZES = [(512, 384), (384, 512), (448, 448)]
WIDE_SIZE = (360, 640)
CUTOUT_HEIGHTS = [0.85, 1.4, 2.2]  # height of a person, relative to the frame's

# Half figures with hats, head scarves, bags, rucksacks and phones that their mattes include: chosen by eye from the
# held-out images, since nothing in the data says what a person wears.
PROPS = {
    "0031", "0033", "0118", "0122", "0135", "0184", "0236", "0315", "0319", "0355", "0403", "0428",
    "0435", "0465", "0486", "0496", "0525", "0547", "0569", "0573", "0616", "0619", "0639", "0675",
    "0682", "0714", "0749", "0828", "0834", "0838", "0899", "0959", "0985",
}  # fmt: skip
GROUPS = 40
GROUP_OPTIONS = SceneOptions(((640, 360), (512, 384), (448, 448)), people=(2, 4), heights=(0.5, 0.95))

Advance = Callable[[], object]


class MixError(MMNetError):
    """The training data cannot be built from these folders."""


@dataclass(frozen=True)
class Sources:
    """The source files, divided into those to train on and those held out.

    Attributes:
        portraits: portraits with their tighter mattes where there are any.
        test: portraits to measure on.
        fashion, fashion_held: half figures.
        cutouts, cutouts_held: RGBA images of whole people.
        backgrounds, backgrounds_held: photos without people.
    """

    portraits: list[Pair]
    test: list[Pair]
    fashion: list[Pair]
    fashion_held: list[Pair]
    cutouts: list[Path]
    cutouts_held: list[Path]
    backgrounds: list[Path]
    backgrounds_held: list[Path]


def list_pairs(folder: Path) -> list[Pair]:
    """Return the images of `folder`/image that have a matte of the same stem in `folder`/mask, by name."""
    masks = {path.stem: path for path in (folder / "mask").iterdir()}
    return [Pair(path, masks[path.stem]) for path in sorted((folder / "image").iterdir()) if path.stem in masks]


def divide(data: Path) -> Sources:
    """List the source files, and draw those that are held out.

    Raises:
        MixError: a folder is missing, or holds too few files.
    """
    for name in SOURCES:
        if not (data / name).is_dir():
            raise MixError(f"{data / name}: no such folder; {data} must hold {', '.join(SOURCES)}")
    tighter = {path.stem: path for path in (data / TIGHTER).iterdir()}
    portraits = [Pair(pair.photo, tighter.get(pair.photo.stem, pair.matte)) for pair in list_pairs(data / PORTRAITS)]
    fashion = list_pairs(data / "fashion")
    cutouts = sorted((data / "cutouts").glob("*.png"))
    backgrounds = sorted((data / "backgrounds").glob("*.jpg"))
    for name, count in (("fashion", len(fashion)), ("cutouts", len(cutouts)), ("backgrounds", len(backgrounds))):
        if count <= HELD_OUT[name]:
            raise MixError(f"{data / name}: {count} images are too few; more than {HELD_OUT[name]} are needed")
    if not portraits:
        raise MixError(f"{data / PORTRAITS}: no image has a matte of the same name")
    # The order of these three draws is part of the result.
    random = np.random.default_rng(SPLIT_SEED)
    fashion_held = set(random.permutation(len(fashion))[: HELD_OUT["fashion"]].tolist())
    cutouts_held = set(random.permutation(len(cutouts))[: HELD_OUT["cutouts"]].tolist())
    shuffled = [backgrounds[i] for i in random.permutation(len(backgrounds))]
    return Sources(
        portraits,
        list_pairs(data / TEST),
        [pair for i, pair in enumerate(fashion) if i not in fashion_held],
        [pair for i, pair in enumerate(fashion) if i in fashion_held],
        [path for i, path in enumerate(cutouts) if i not in cutouts_held],
        [path for i, path in enumerate(cutouts) if i in cutouts_held],
        shuffled[HELD_OUT["backgrounds"] :],
        shuffled[: HELD_OUT["backgrounds"]],
    )


def make_folder(folder: Path) -> Path:
    """Make a folder with image/ and mask/ inside, and return it."""
    for part in ("image", "mask"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    return folder


def link_pairs(folder: Path, pairs: Iterable[Pair]) -> None:
    """Fill a folder with links to images and mattes, named after the images."""
    make_folder(folder)
    for pair in pairs:
        (folder / "image" / pair.photo.name).symlink_to(pair.photo.resolve())
        (folder / "mask" / f"{pair.photo.stem}{pair.matte.suffix}").symlink_to(pair.matte.resolve())


def link_files(folder: Path, files: Iterable[Path]) -> None:
    """Fill a folder with links to files."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in files:
        (folder / path.name).symlink_to(path.resolve())


def link_nobody(folder: Path, backgrounds: Iterable[Path]) -> None:
    """Fill a folder with links to photos without people, and with empty mattes."""
    make_folder(folder)
    for path in backgrounds:
        (folder / "image" / path.name).symlink_to(path.resolve())
        write_image(folder / "mask" / f"{path.stem}.png", np.zeros(read_photo(path).shape[:2], np.uint8))


def add_whole_people(scene: Scene, sources: Sources, random: np.random.Generator) -> None:
    """Add one whole person or several side by side, from a fifth of the frame's height to all of it."""
    count = 1 if random.random() < 0.5 else int(random.integers(2, 5))
    base = float(np.exp(random.uniform(np.log(0.22), np.log(1.1))))
    for number in range(count):
        person = read_cutout(sources.cutouts[int(random.integers(len(sources.cutouts)))])
        height = round(scene.height * base * random.uniform(0.85, 1.15))
        width = person.shape[1] * height / person.shape[0]
        place = (number + 0.5) / count if count > 1 else random.uniform(0.2, 0.8)
        centre = scene.width * place + random.normal(0, 0.05) * scene.width
        if base > 0.75:
            top = round(scene.height * random.uniform(0.05, 0.3))
        else:
            room = max(0, scene.height - height)
            top = round(random.uniform(0.05, 1.0) * room + 0.1 * height * random.random())
        scene.add(person, height, round(centre - width / 2), top)


def add_close_person(scene: Scene, sources: Sources, random: np.random.Generator) -> None:
    """Add a person whom the lower edge of the frame cuts at the waist or the chest."""
    person = read_cutout(sources.cutouts[int(random.integers(len(sources.cutouts)))])
    height = round(scene.height * random.uniform(1.2, 3.0))
    width = person.shape[1] * height / person.shape[0]
    x = round(scene.width * random.uniform(0.3, 0.7) - width / 2)
    scene.add(person, height, x, round(scene.height * random.uniform(0.03, 0.3)))


def add_zoomed_out(scene: Scene, sources: Sources, random: np.random.Generator) -> None:
    """Add portraits and half figures, zoomed out; the edges that cut their photos are at the frame's edges.

    People whom a side cuts are left out where that is impossible, so some scenes stay empty.
    """
    count = 1 if random.random() < 0.7 else int(random.integers(2, 4))
    for number in range(count):
        pairs = sources.fashion if random.random() < 0.5 else sources.portraits
        pair = pairs[int(random.integers(len(pairs)))]
        whole = read_person(pair)
        cut = any(cutting_edges(whole[..., 3]))
        person = crop_person(whole, pair.matte)
        top = round(scene.height * random.uniform(0.05, 0.45))
        height = scene.height - top
        width = person.shape[1] * height / person.shape[0]
        if cut and random.random() < 0.8 and count == 1:
            on_the_left = person[:, 0, 3].mean() > person[:, -1, 3].mean()
            scene.add(person, height, 0 if on_the_left else round(scene.width - width), top, mirrored=False)
        elif not cut:
            centre = scene.width * ((number + random.uniform(0.3, 0.7)) / count)
            scene.add(person, height, round(centre - width / 2), top)


# The kinds of scenes: upper end of the interval in 0-1 that draws the kind, and what adds the people.
SCENE_KINDS = ((0.35, add_whole_people), (0.55, add_close_person), (1.0, add_zoomed_out))


def draw_scenes(folder: Path, count: int, sources: Sources, advance: Advance) -> None:
    """Draw scenes to train on."""
    random = np.random.default_rng(SCENES_SEED)
    make_folder(folder)
    for number in range(count):
        height, width = SCENE_SIZES[int(random.integers(len(SCENE_SIZES)))]
        background = sources.backgrounds[int(random.integers(len(sources.backgrounds)))]
        scene = Scene(background, height, width, random)
        kind = random.random()
        next(add for end, add in SCENE_KINDS if kind < end)(scene, sources, random)
        scene.save(folder, f"{number:05d}", int(random.integers(75, 96)))
        advance()


def compose_cutouts(folder: Path, sources: Sources, random: np.random.Generator, advance: Advance) -> None:
    """Composite every held-out cut-out once."""
    make_folder(folder)
    for number, path in enumerate(sources.cutouts_held):
        height, width = CUTOUT_SIZES[number % len(CUTOUT_SIZES)]
        background = sources.backgrounds_held[number % SCENE_BACKGROUNDS]
        scene = Scene(background, height, width, random)
        person = read_cutout(path)
        tall = round(height * float(random.choice(CUTOUT_HEIGHTS)))
        x = round(width * random.uniform(0.4, 0.6) - person.shape[1] * tall / person.shape[0] / 2)
        top = round(height * random.uniform(0.06, 0.25) if tall > height else (height - tall) * 0.8)
        scene.add(person, tall, x, top)
        if background.stem not in PEOPLED:
            scene.save(folder, path.stem)
        advance()


def compose_portraits(folder: Path, sources: Sources, random: np.random.Generator, advance: Advance) -> None:
    """Composite portraits of the test set into 16:9 scenes: first those that no side cuts, then those at a side."""
    make_folder(folder)
    edges = [cutting_edges(pair.read_matte()) for pair in sources.test]
    uncut = [pair for pair, cut in zip(sources.test, edges, strict=True) if not any(cut)]
    at_side = [pair for pair, (left, right, top) in zip(sources.test, edges, strict=True) if left != right and not top]
    # The people at a side came later: their own generator leaves the images before them as they are.
    side_random = np.random.default_rng(SIDE_SEED)
    chosen = [(pair, random, False) for pair in uncut[:UNCUT_PEOPLE]]
    chosen += [(pair, side_random, True) for pair in at_side[:SIDE_PEOPLE]]
    for number, (pair, generator, side) in enumerate(chosen):
        person = read_person(pair)
        on_the_left = cutting_edges(person[..., 3])[0]
        person = crop_person(person, pair.matte)
        background = sources.backgrounds_held[number % SCENE_BACKGROUNDS]
        scene = Scene(background, *WIDE_SIZE, generator)
        top = round(scene.height * generator.uniform(0.15, 0.5))
        height = scene.height - top
        width = person.shape[1] * height / person.shape[0]
        if side:
            scene.add(person, height, 0 if on_the_left else round(scene.width - width), top, mirrored=False)
        else:
            scene.add(person, height, round(scene.width * generator.uniform(0.25, 0.75) - width / 2), top)
        if background.stem not in PEOPLED:
            scene.save(folder, f"{SIDE_PREFIX}{pair.photo.stem}" if side else pair.photo.stem)
        advance()


def compose_groups(folder: Path, sources: Sources, advance: Advance) -> None:
    """Composite held-out cut-outs side by side."""
    make_folder(folder)
    people = [Pair(path, path, from_alpha=True) for path in sources.cutouts_held]
    backgrounds = sources.backgrounds_held[:SCENE_BACKGROUNDS]
    for plan in plan_scenes(people, backgrounds, GROUPS, GROUPS_SEED, GROUP_OPTIONS):
        if plan.background.stem not in PEOPLED:
            make_scene(plan, GROUPS_SEED, GROUP_OPTIONS.heights).save(folder, plan.name)
        advance()


def link_training(data: Path, out: Path, sources: Sources) -> None:
    """Make the folders to train on that link to source files."""
    link_pairs(out / "portraits", sources.portraits)
    link_pairs(out / "fashion", sources.fashion)
    for name, folder in WHOLE_SETS.items():
        link_pairs(out / name, list_pairs(data / folder))
    link_files(out / "cutouts", sources.cutouts)
    link_files(out / "backgrounds", sources.backgrounds)
    link_nobody(out / "nobody", sources.backgrounds[::NOBODY_STEP])


def link_validation(out: Path, sources: Sources) -> None:
    """Make the folders to measure on that link to source files."""
    link_pairs(out / "portraits-test", sources.test)
    link_pairs(out / "fashion-validation", sources.fashion_held)
    props = [pair for pair in sources.fashion_held if pair.photo.stem in PROPS]
    if props:
        link_pairs(out / "props-validation", props)
    places = [path for path in sources.backgrounds_held[SCENE_BACKGROUNDS:] if path.stem not in PEOPLED]
    link_nobody(out / "nobody-validation", places)


def build(data: Path, out: Path, scenes: int | None, progress: Progress) -> None:
    """Build every folder.

    Args:
        data: the folder of the source sets.
        out: a new or empty folder.
        scenes: how many scenes to draw for training; None: build the sets to measure on alone.
        progress: shows the scenes and the validation images.

    Raises:
        MixError: a folder is missing, `out` is not empty, or an image cannot be read.
    """
    sources = divide(data)
    require_empty(out, MixError)

    def stage(name: str, total: int) -> Advance:
        task = progress.add_task(name, total=total)
        return lambda: progress.advance(task)

    if scenes is not None:
        link_training(data, out, sources)
        draw_scenes(out / "scenes", scenes, sources, stage("scenes", scenes))
    link_validation(out, sources)
    # One generator for both sets, one after the other.
    random = np.random.default_rng(VALIDATION_SEED)
    cutouts = stage("cutouts-validation", len(sources.cutouts_held))
    compose_cutouts(out / "cutouts-validation", sources, random, cutouts)
    portraits = stage("scenes-validation", UNCUT_PEOPLE + SIDE_PEOPLE)
    compose_portraits(out / "scenes-validation", sources, random, portraits)
    compose_groups(out / "groups-validation", sources, stage("groups-validation", GROUPS))


def main(arguments: Sequence[str] | None = None) -> None:
    """Build the folders with the options of the command line, and print how many images each holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, metavar="DATA", help="the folder of the source sets")
    parser.add_argument("out", type=Path, metavar="OUT", help="the folder to fill: new or empty")
    parser.add_argument("--scenes", type=int, default=1200, metavar="N", help="scenes to draw for training (1200)")
    parser.add_argument("--validation-only", action="store_true", help="build the sets to measure on alone")
    options = parser.parse_args(arguments)
    if options.scenes < 0:
        parser.error("--scenes must not be negative")
    with progress_bar(Console(stderr=True)) as progress:
        build(options.data, options.out, None if options.validation_only else options.scenes, progress)
    for folder in sorted(options.out.iterdir()):
        images = folder / "image" if (folder / "image").is_dir() else folder
        print(f"{folder.name:20} {len(list(images.iterdir()))}")


if __name__ == "__main__":
    try:
        main()
    except MMNetError as error:
        raise SystemExit(f"error: {error}") from None
