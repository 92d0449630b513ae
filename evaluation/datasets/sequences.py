"""Frame sequences with their alpha mattes on disk, as images or as two videos.

DIR/SEQUENCE/image/0000.png     DIR/SEQUENCE/mask/0000.png      as `mmnet data sequences` writes them
DIR/SEQUENCE/com/0000.png       DIR/SEQUENCE/pha/0000.png       as in Robust Video Matting's evaluation
DIR/com/SEQUENCE/0000.png       DIR/pha/SEQUENCE/0000.png
DIR/com/SEQUENCE.mp4            DIR/pha/SEQUENCE.mp4            videos with equally many frames

The folder names image and mask, or com and pha, can be used in every layout. DIR may be a single sequence, or hold
folders of such folders.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path

import numpy as np

from mmnet.arrays import U8Array
from mmnet.errors import MissingExtraError
from mmnet.evaluation.datasets.pairs import IMAGE, MASK, DatasetError, Pair
from mmnet.evaluation.datasets.videos import read_frames, read_mattes
from mmnet.failures import failure_line
from mmnet.json_reader import read_json
from mmnet.listing import list_folder, no_folder_text, note_left_out
from mmnet.runtime import PhotoError, list_photos
from mmnet.runtime.imaging.mattes import check_scale
from mmnet.runtime.video.formats import VIDEO_EXTENSIONS

FrameAndMatte = tuple[U8Array, U8Array]

PARTS = (("image", "mask"), ("com", "pha"))
ABOUT = "sequences.json"
_DEPTH = 3  # levels of folders that are searched
_FEW = 5  # files that are named where many have the same problem


@dataclass(frozen=True)
class FrameSequence:
    """One sequence on disk.

    Attributes:
        name: its folder or video, relative to the folder that was listed; unique.
        pairs: its frames and mattes in their order, if they are images.
        videos: the video of its frames and the video of its mattes, if they are videos.
    """

    name: str
    pairs: tuple[Pair, ...] = ()
    videos: tuple[Path, Path] | None = None

    def frames(self) -> Iterator[FrameAndMatte]:
        """Yield each frame, uint8 [H, W, 3] RGB, and its α*, uint8 [H, W], 255 = the foreground; all of one size.

        Raises:
            DatasetError: a frame cannot be read, differs in size from the others, or has no matte; the mattes have
                another scale; or there is only one frame.
            MissingExtraError: the sequence is a video and PyAV is not installed.
        """
        size, count, seen = None, 0, np.zeros(256, np.bool_)  # the values that occur in the mattes
        for name, (frame, mask) in self._read():
            size = size or mask.shape
            if mask.shape != size:
                raise DatasetError(
                    [f"{name}: is {_size(mask.shape)}, the frames before {_size(size)}; give frames of one size"]
                )
            count += 1
            seen |= np.bincount(mask.ravel(), minlength=256) > 0
            yield frame, mask
        if count < 2:
            raise DatasetError([f"{self.name}: has {count} frame; a sequence needs at least two"])
        # A single frame may show a faint rest of a person that leaves it, so the scale is that of all mattes.
        try:
            where = self.videos[1] if self.videos else self.pairs[0].mask.parent
            check_scale(np.flatnonzero(seen).astype(np.uint8), where)
        except PhotoError as error:
            raise DatasetError([str(error)]) from error

    def _read(self) -> Iterator[tuple[Path, FrameAndMatte]]:
        if self.videos is None:
            yield from ((pair.image, pair.read(check=False)) for pair in self.pairs)
            return
        image, mask = self.videos
        counts = [0, 0]
        for decoded in zip_longest(read_frames(image), read_mattes(mask)):
            for index, part in enumerate(decoded):
                counts[index] += part is not None
            frame, matte = decoded
            if frame is None or matte is None:
                continue  # the rest is only counted, for the message
            if frame.shape[:2] != matte.shape:
                raise DatasetError(
                    [f"{mask}: is {_size(matte.shape)}, its video {image} {_size(frame.shape)}; make them one size"]
                )
            yield image, (frame, matte)
        if counts[0] != counts[1]:
            raise DatasetError(
                [f"{mask}: has {counts[1]} frames, its video {image} {counts[0]}; every frame needs its matte"]
            )


def load_sequences(folder: Path, split: str | None = None) -> list[FrameSequence]:
    """List the sequences of a folder, sorted by name, without reading them.

    Args:
        folder: a folder of one of this module's layouts.
        split: the subfolder to take; None: the folder itself.

    Raises:
        DatasetError: there is no such folder, no sequence, a frame or sequence without mattes, or mattes without
            frames. It lists all of them.
    """
    place = folder / split if split else folder
    if not place.is_dir():
        raise DatasetError([no_folder_text(place, f"name a folder that holds NAME/{IMAGE} and NAME/{MASK}")])
    problems: list[str] = []
    try:
        sequences = list(_find(place, place, _DEPTH, problems))
    except OSError as error:
        raise DatasetError([f"{error.filename}: cannot be listed: {error.strerror}"]) from error
    if problems:
        raise DatasetError(problems)
    if not sequences:
        raise DatasetError(
            [f"{place}: has no sequence in it; put frames into {place}/NAME/image and their mattes into NAME/mask"]
        )
    return sequences


@dataclass(frozen=True)
class SequenceSummary:
    """The result of `check_sequences`.

    Attributes:
        lengths: the number of frames of each sequence.
        sha256: the SHA-256 over the names and pixels of all, in hexadecimal.
    """

    lengths: list[int]
    sha256: str


def check_sequences(
    sequences: Sequence[FrameSequence], progress: Callable[[int, int], None] = lambda done, total: None
) -> SequenceSummary:
    """Read every sequence once, to report all that cannot be used before a long measurement.

    Args:
        sequences: at least one.
        progress: called with the sequences read and their total.

    Returns:
        Their lengths, and a hash that is the same for the same pixels in every file format.

    Raises:
        DatasetError: some sequences cannot be used; it lists all of them.
        MissingExtraError: a sequence is a video and PyAV is not installed.
    """
    problems: list[str] = []
    lengths: list[int] = []
    digest = hashlib.sha256()
    with ThreadPoolExecutor() as pool:
        for done, (sequence, result) in enumerate(zip(sequences, pool.map(_digest, sequences), strict=True), start=1):
            if isinstance(result, DatasetError):
                problems += result.problems
            else:
                lengths.append(result[0])
                digest.update(sequence.name.encode(errors="surrogateescape") + b"\0" + result[1])
            progress(done, len(sequences))
    if problems:
        raise DatasetError(problems)
    return SequenceSummary(lengths, digest.hexdigest())


def read_motions(folder: Path, split: str | None = None) -> dict[str, str]:
    """Read `sequences.json`, which `mmnet data sequences` writes: sequence name -> motion; empty if there is none."""
    try:
        contents = read_json((folder / split if split else folder) / ABOUT)
        return {str(entry["name"]): str(entry["motion"]) for entry in contents["sequences"]}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _digest(sequence: FrameSequence) -> tuple[int, bytes] | DatasetError:
    digest, count = hashlib.sha256(), 0
    try:
        for frame, mask in sequence.frames():
            digest.update(str(frame.shape).encode() + frame.tobytes() + mask.tobytes())
            count += 1
    except DatasetError as error:
        return error
    except MissingExtraError:
        raise
    except Exception as error:
        return DatasetError([failure_line(error, sequence.name)])
    return count, digest.digest()


# --- finding ----------------------------------------------------------------------------------------------------------


def _find(folder: Path, root: Path, depth: int, problems: list[str]) -> Iterator[FrameSequence]:
    """Find the sequences in `folder` and below it, by name; problems are appended to `problems`."""
    for parts in PARTS:
        images, masks = (folder / part for part in parts)
        if images.is_dir() and masks.is_dir():
            yield from _paired(images, masks, root, problems)
            return
        for present, missing in ((images, masks), (masks, images)):
            if present.is_dir():
                problems.append(f"{missing}: no such folder; {present} needs it beside it")
                return
    if depth:
        for inner in sorted(folder.iterdir()):
            if inner.is_dir() and not inner.name.startswith("."):
                yield from _find(inner, root, depth - 1, problems)


def _paired(images: Path, masks: Path, root: Path, problems: list[str]) -> Iterator[FrameSequence]:
    """Find the sequences of two folders: one if they hold images, else one for each folder or video in them."""
    name = images.parent.relative_to(root).as_posix()
    sides = [_entries(part) for part in (images, masks)]
    if not any(sides):
        yield from _images(images, masks, root.resolve().name if name == "." else name, problems)
        return
    for part in (images, masks):
        note_left_out(part, replace(list_folder(part, VIDEO_EXTENSIONS).left_out, folders=0))
    problems += [f"{path}: has no mattes in {masks}" for stem, path in sides[0].items() if stem not in sides[1]]
    problems += [f"{path}: has no frames in {images}" for stem, path in sides[1].items() if stem not in sides[0]]
    for stem in sorted(sides[0].keys() & sides[1].keys(), key=_natural):
        inner = stem if name == "." else f"{name}/{stem}"
        image, mask = sides[0][stem], sides[1][stem]
        if image.is_dir() and mask.is_dir():
            yield from _images(image, mask, inner, problems)
        elif image.is_file() and mask.is_file():
            yield FrameSequence(inner, videos=(image, mask))
        else:
            problems.append(f"{mask}: and {image} are a folder and a video; give two folders or two videos")


def _entries(folder: Path) -> dict[str, Path]:
    """List the folders and videos in a folder: stem -> path."""
    return {
        path.stem if path.is_file() else path.name: path
        for path in sorted(folder.iterdir())
        if not path.name.startswith(".") and (path.is_dir() or path.suffix.lower() in VIDEO_EXTENSIONS)
    }


def _images(images: Path, masks: Path, name: str, problems: list[str]) -> Iterator[FrameSequence]:
    """Yield the sequence of two folders of images, in the order of the numbers in their names, if they match."""
    try:
        frames, mattes = ({path.stem: path for path in list_photos(part)} for part in (images, masks))
    except PhotoError as error:
        problems.append(str(error))
        return
    unmatched = [path for stem, path in frames.items() if stem not in mattes]
    spare = [path for stem, path in mattes.items() if stem not in frames]
    counts = f" ({len(frames)} frames, {len(mattes)} mattes)"
    for paths, what in ((unmatched, f"has no matte in {masks}{counts}"), (spare, f"has no frame in {images}{counts}")):
        problems += [f"{path}: {what}" for path in paths[:_FEW]]
        if len(paths) > _FEW:
            problems.append(f"{paths[0].parent}: {len(paths) - _FEW} more files have the same problem")
    if not unmatched and not spare:
        yield FrameSequence(
            name, tuple(Pair(stem, frames[stem], mattes[stem]) for stem in sorted(frames, key=_natural))
        )


def _natural(name: str) -> list[tuple[int, int, str]]:
    """Return a sorting key that puts frame2 before frame10."""
    parts = re.split(r"(\d+)", name)
    return [(1, int(part), part) if part.isdecimal() and part.isascii() else (0, 0, part) for part in parts]


def _size(shape: Sequence[int]) -> str:
    return f"{shape[1]}×{shape[0]}"
