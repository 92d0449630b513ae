"""Soft mattes from binary masks: around the mask's edge, what is person and what is not is solved for.

The mask says where the edge is; a band around it is unknown (a trimap); pymatting solves for the alpha there from the
photo's colours.
"""

from __future__ import annotations

import functools
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from typing import Literal, get_args

import cv2
import numpy as np

from mmnet.arrays import AnyArray, U8Array
from mmnet.errors import MissingExtraError, MMNetError
from mmnet.runtime.imaging.writing import write_image
from mmnet.training.data.layouts import DataError, Pair, match_folders, read_pair

Method = Literal["closed-form", "knn"]
METHODS: tuple[Method, ...] = get_args(Method)

UNKNOWN = 128
# Without --band: the band's width, each way, in parts of the longer side. Wide enough for a mask drawn with care; the
# wider, the more of what the mask knows is thrown away (gradient error on portraits of 512 pixels, of masks made from
# known mattes: 1.5 with 3 pixels, 1.8 with 5, 2.1 with 8, 2.5 with 13, and 2.5 without matting).
_BAND = 1 / 80
# Closed-form's regulariser: ten times pymatting's, which takes the blocks of a JPEG for texture.
_EPSILON = 1e-6


class MatteError(DataError):
    """No matte can be made of a mask."""


@dataclass(frozen=True)
class Solver:
    """How mattes are made.

    Attributes:
        method: "closed-form" (Levin 2008) or "knn" (Chen 2013).
        inside, outside: pixels by which the unknown band reaches into the mask and out of it; None: 1/80 of the
            longer side.
        max_side: solve at most at this size, in pixels, and resize the result to the photo's.
    """

    method: Method = "closed-form"
    inside: int | None = None
    outside: int | None = None
    max_side: int = 1024


@dataclass(frozen=True)
class Made:
    """What became of one mask: its matte, or why there is none."""

    mask: Path
    output: Path
    error: str | None = None


def plan(masks: Path, images: Path, out: Path, *, force: bool) -> tuple[list[tuple[Pair, Path]], int, list[Made]]:
    """What is to be done: pairs with the files to write; how many are done already; masks and photos without partner.

    Raises:
        DataError: a folder is not there, nothing in the two has the same name, or `out` is one of them.
    """
    if any(out.exists() and folder.exists() and out.samefile(folder) for folder in (masks, images)):
        raise MatteError(f"{out}: holds what this reads; name another folder to write to")
    pairs, unpaired = match_folders(images, masks)
    if not pairs:
        raise DataError(f"{masks}: no mask has the name of a photo in {images}; they are matched by stem")
    jobs = [(pair, out / f"{pair.matte.stem}.png") for pair in pairs]
    todo = [(pair, output) for pair, output in jobs if force or not output.exists()]
    return (
        todo,
        len(jobs) - len(todo),
        [Made(path, out / f"{path.stem}.png", f"{path}: {why}") for path, why in unpaired],
    )


def make_mattes(jobs: Sequence[tuple[Pair, Path]], solver: Solver, *, workers: int | None = None) -> Iterator[Made]:
    """Make mattes in parallel, in whichever order they are done; one that fails does not stop the others.

    Every output is written whole or not at all, so that a run that was stopped can be taken up again.

    Args:
        jobs: pairs whose matte is a binary mask, and the PNG to write for each.
        solver: how.
        workers: processes; None: one a core. One is this process itself.

    Raises:
        MissingExtraError: pymatting is not installed.
        MatteError: the system ended a worker; most likely there was no memory left.
    """
    load_solver(solver.method)  # compiled once here, not in every worker
    workers = min(workers or os.cpu_count() or 1, max(1, len(jobs)))
    if workers == 1:
        yield from (_make(pair, output, solver) for pair, output in jobs)
        return
    context = multiprocessing.get_context("spawn")  # a forked child inherits locks of threads that it does not have
    with ProcessPoolExecutor(workers, context, initializer=_end_with_parent) as pool:
        futures: list[Future[Made]] = [pool.submit(_make, pair, output, solver) for pair, output in jobs]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool as error:
            raise MatteError(
                "a worker was ended by the system, perhaps for its memory; take --workers 1 or a smaller --max-side"
            ) from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def solve_matte(photo: U8Array, mask: U8Array, solver: Solver) -> U8Array:
    """One soft matte.

    Args:
        photo: uint8 [H, W, 3], RGB.
        mask: uint8 [H, W]; person where it is above half of its largest value (0 and 1 serve as well as 0 and 255).
        solver: how.

    Returns:
        uint8 [H, W]: outside of the band the mask's own 0 and 255.

    Raises:
        MatteError: the mask is empty or full, or the solver found nothing.
        MissingExtraError: pymatting is not installed.
    """
    trimap = make_trimap(mask, solver.inside, solver.outside)
    height, width = mask.shape
    scale = min(1.0, solver.max_side / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(photo, size, interpolation=cv2.INTER_AREA) if scale < 1 else photo
    regions = cv2.resize(trimap, size, interpolation=cv2.INTER_NEAREST) if scale < 1 else trimap
    known = np.where(regions == UNKNOWN, 0.5, regions / 255.0)
    try:
        alpha = load_solver(solver.method)(small / 255.0, known)
    except (ValueError, ArithmeticError) as error:  # what pymatting raises where its solver does not converge
        raise MatteError(f"the solver found no matte ({error}); try the other --method or a narrower --band") from error
    if scale < 1:
        # Bilinear is nearer to the matte solved at full size than a guided filter (band error 0.021 against 0.032 and
        # more at half size, on portraits): it adds no texture of the photo where the alpha is smooth.
        alpha = cv2.resize(np.asarray(alpha, np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    soft = np.rint(np.asarray(alpha).clip(0, 1) * 255).astype(np.uint8)
    return np.where(trimap == UNKNOWN, soft, trimap).astype(np.uint8)


def make_trimap(mask: U8Array, inside: int | None = None, outside: int | None = None) -> U8Array:
    """A mask with a band of unknown around its edge.

    The band leaves at least half of what is deepest inside and farthest outside known, however thin that is.

    Returns:
        uint8 [H, W]: 0 background, 255 person, 128 unknown.

    Raises:
        MatteError: the mask is all background or all person.
    """
    person = (mask > mask.max() / 2).astype(np.uint8)
    if not person.any():
        raise MatteError("the mask is empty")
    if person.all() or mask.min() == mask.max():
        raise MatteError("the mask is full: there is no edge")
    trimap = np.full(mask.shape, UNKNOWN, np.uint8)
    for region, value, band in ((person, 255, inside), (1 - person, 0, outside)):
        depth = cv2.distanceTransform(region, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        reach = max(1, round(max(mask.shape) * _BAND)) if band is None else band
        trimap[depth > min(reach, depth.max() / 2)] = value
    return trimap


def load_solver(method: Method) -> Callable[[AnyArray, AnyArray], AnyArray]:
    """pymatting's function for a method: image [H, W, 3] and trimap [H, W] in 0-1 → alpha [H, W].

    Importing pymatting for the first time compiles it, which takes a minute or two; later it takes seconds.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        from pymatting import estimate_alpha_cf, estimate_alpha_knn
    except ImportError as error:
        raise MissingExtraError("train", "pymatting") from error
    solvers: dict[str, Callable[[AnyArray, AnyArray], AnyArray]] = {
        "closed-form": functools.partial(estimate_alpha_cf, laplacian_kwargs={"epsilon": _EPSILON}),
        "knn": estimate_alpha_knn,
    }
    return solvers[method]


def _make(pair: Pair, output: Path, solver: Solver) -> Made:
    try:
        photo, mask = read_pair(pair)
        write_image(output, solve_matte(photo, mask, solver))
    except MMNetError as error:
        text = str(error)
        return Made(
            pair.matte, output, text if str(pair.matte) in text or str(pair.photo) in text else f"{pair.matte}: {text}"
        )
    except MemoryError:
        return Made(pair.matte, output, f"{pair.photo}: does not fit into memory; take a smaller --max-side")
    return Made(pair.matte, output)


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for work for ever."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            wait([parent.sentinel])
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    cv2.setNumThreads(1)
