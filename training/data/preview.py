"""A contact sheet of the images that training sees, to be judged by eye."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmnet.arrays import F32Array, U8Array
from mmnet.failures import note
from mmnet.json_reader import read_json
from mmnet.training.augment import Augmentation, AugmentationChoice, AugmentationError
from mmnet.training.data.batches import Part
from mmnet.training.data.layouts import find_backgrounds, find_source, parse_weighted
from mmnet.training.data.packs import Progress, build_pack, load_backgrounds, load_pack, side_for
from mmnet.training.data.usable import BadFilesError, Item, bad_files

_GREEN = np.array([0, 177, 64], np.float32)  # chroma-key green, on which halos are visible
_GAP = 4


def read_augmentation(name: str) -> AugmentationChoice:
    """Return the augmentation that a name stands for.

    Args:
        name: "strong", "published", "none", or the path of a JSON file with a table (`Augmentation.from_json`).

    Raises:
        AugmentationError: the file cannot be read, is not JSON, or holds no valid table.
    """
    if name == "strong":
        return Augmentation()
    if name == "published":
        return "published"
    if name == "none":
        return None
    try:
        return Augmentation.from_json(read_json(Path(name)))
    except OSError as error:
        raise AugmentationError(
            f"{name}: cannot be read: {error.strerror}; choose strong, published, none or a JSON file"
        ) from error
    except ValueError as error:
        raise AugmentationError(f"{name}: is not JSON ({error})") from error
    except AugmentationError as error:
        raise AugmentationError(f"{name}: {error}") from error


def load_some(
    arguments: Sequence[str],
    count: int,
    size: int,
    augmentation: AugmentationChoice,
    backgrounds: Path | None,
    seed: int,
    progress: Progress,
) -> tuple[list[Part], U8Array]:
    """Read a few images of each data set, and a few backgrounds.

    Args:
        arguments, size, augmentation, backgrounds: as for `mmnet.training.data.load_data`.
        count: most images per data set, and most backgrounds.
        seed: determines which.
        progress: called with the images done and their total.

    Returns:
        One part per data set, and the backgrounds, uint8 [M, Q, Q, 3]. Files that cannot be read are left out, which
        is noted in the log.

    Raises:
        BadFilesError: none of the images of a data set can be read, or none of the backgrounds.
    """
    foregrounds = isinstance(augmentation, Augmentation)
    side = side_for(size) if foregrounds else size
    random = np.random.default_rng(seed)

    def some(total: int) -> list[int]:
        return sorted(random.permutation(total)[:count].tolist())

    parts = []
    for path, weight in map(parse_weighted, arguments):
        if path.suffix == ".npz":
            pack = load_pack(path)
            parts.append(Part(pack, np.array(some(len(pack))), weight))
        else:
            pairs = find_source(path).pairs
            chosen = _usable([pairs[index] for index in some(len(pairs))])
            pack = build_pack(chosen, side, root=path, foregrounds=foregrounds, progress=progress)
            parts.append(Part.whole(pack, weight))
    scenes = [] if backgrounds is None or not foregrounds else find_backgrounds(backgrounds)
    return parts, load_backgrounds(_usable([scenes[index] for index in some(len(scenes))]), side)


def _usable(items: Sequence[Item]) -> Sequence[Item]:
    """Return the images that can be read, and note the others in the log; raise if none can."""
    bad = bad_files(items)
    usable = [item for item in items if item not in bad]
    if items and not usable:
        raise BadFilesError(bad.values())
    for problem in bad.values():
        note(f"left out {problem}")
    return usable


def contact_sheet(images: U8Array, mattes: F32Array, columns: int) -> U8Array:
    """Draw samples in a grid, each as image, matte and composite over green.

    Args:
        images: uint8 [N, S, S, 3].
        mattes: float32 [N, S, S, 1] in [0, 1].
        columns: samples per row.

    Returns:
        uint8 [H, W, 3], RGB.
    """
    count, size = len(images), images.shape[1]
    over = np.rint(images * mattes + _GREEN * (1 - mattes)).astype(np.uint8)
    grey = np.rint(mattes * 255).astype(np.uint8).repeat(3, axis=3)
    tiles = np.concatenate([images, grey, over], axis=2)
    rows = -(-count // columns)
    pitch = (size + _GAP, 3 * size + _GAP)
    sheet = np.full((rows * pitch[0] + _GAP, columns * pitch[1] + _GAP, 3), 255, np.uint8)
    for index, tile in enumerate(tiles):
        row, column = divmod(index, columns)
        top, left = row * pitch[0] + _GAP, column * pitch[1] + _GAP
        sheet[top : top + size, left : left + 3 * size] = tile
    return sheet
