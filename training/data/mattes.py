"""Soft mattes from binary masks: alpha is solved for in a band around the mask's edge.

The band around the edge is marked as unknown, which gives a trimap. pymatting then solves for alpha in the band from
the photo's colours.
"""

from __future__ import annotations

import functools
import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor
from concurrent.futures import wait as wait_for_futures
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from typing import Literal, get_args

import cv2
import numpy as np

from mmnet.arrays import AnyArray, U8Array
from mmnet.errors import MissingExtraError
from mmnet.evaluation.datasets.pairs import check_sizes
from mmnet.failures import failure_line
from mmnet.runtime.imaging.mattes import read_mask
from mmnet.runtime.imaging.photos import read_photo
from mmnet.runtime.imaging.writing import write_image
from mmnet.training.data.layouts import DataError, Pair, match_folders

Method = Literal["closed-form", "knn"]
METHODS: tuple[Method, ...] = get_args(Method)

UNKNOWN = 128
# Default width of the band in each direction, as a fraction of the longer side. It suits a mask drawn with care; a
# wider band discards more of the mask (gradient error on portraits of 512 pixels, of masks made from known mattes: 1.5
# with 3 pixels, 1.8 with 5, 2.1 with 8, 2.5 with 13, and 2.5 without matting).
_BAND = 1 / 80
# Regulariser of closed-form matting, ten times pymatting's, with which the blocks of a JPEG count as texture.
_EPSILON = 1e-6


class MatteError(DataError):
    """No matte can be computed from a mask."""


@dataclass(frozen=True)
class Solver:
    """The settings that mattes are computed with.

    Attributes:
        method: "closed-form" (Levin et al., 2008) or "knn" (Chen et al., 2013).
        inside: width of the unknown band within the mask, in pixels; None: 1/80 of the longer side.
        outside: width of the unknown band outside of the mask, likewise.
        max_side: longest side, in pixels, to solve at; the alpha of a larger photo is resized.
    """

    method: Method = "closed-form"
    inside: int | None = None
    outside: int | None = None
    max_side: int = 1024


@dataclass(frozen=True)
class MatteOutcome:
    """The outcome of one mask.

    Attributes:
        mask: the mask's file.
        output: the matte's file.
        error: why there is no matte; None if it was written.
    """

    mask: Path
    output: Path
    error: str | None = None


@dataclass(frozen=True)
class MattePlan:
    """The work of `make_mattes`.

    Attributes:
        jobs: pairs of a photo and a binary mask, each with the PNG to write.
        kept: number of mattes that exist and are kept.
        unpaired: outcomes of the masks and photos without a partner.
    """

    jobs: tuple[tuple[Pair, Path], ...]
    kept: int
    unpaired: tuple[MatteOutcome, ...]


def plan_mattes(masks: Path, images: Path, out: Path, *, force: bool) -> MattePlan:
    """Pair masks with photos and list the mattes to write.

    Args:
        masks: folder of binary masks.
        images: folder of photos with the same stems.
        out: folder to write the mattes to.
        force: whether to write mattes that exist again.

    Raises:
        DataError: a folder does not exist, no mask has the name of a photo, or `out` is one of the two folders.
    """
    if any(out.exists() and folder.exists() and out.samefile(folder) for folder in (masks, images)):
        raise MatteError(f"{out}: holds the files to read; name another folder to write to")
    pairs, unpaired = match_folders(images, masks)
    if not pairs:
        raise DataError(f"{masks}: no mask has the name of a photo in {images}; masks and photos are matched by stem")
    jobs = [(pair, out / f"{pair.matte.stem}.png") for pair in pairs]
    todo = tuple((pair, output) for pair, output in jobs if force or not output.exists())
    outcomes = tuple(MatteOutcome(path, out / f"{path.stem}.png", f"{path}: {why}") for path, why in unpaired)
    return MattePlan(todo, len(jobs) - len(todo), outcomes)


def make_mattes(
    jobs: Sequence[tuple[Pair, Path]], solver: Solver, *, workers: int | None = None
) -> Iterator[MatteOutcome]:
    """Compute mattes in parallel and yield their outcomes as they finish; a failure does not stop the others.

    Each matte is written completely or not at all, so that work that was stopped can be continued.

    Args:
        jobs: pairs whose matte is a binary mask, each with the PNG to write.
        solver: the settings.
        workers: number of processes; None: one per core. With 1 the work is done in this process.

    Raises:
        MissingExtraError: pymatting is not installed.
    """
    load_solver(solver.method)  # compiles once, and not in every worker
    workers = min(workers or os.cpu_count() or 1, max(1, len(jobs)))
    if workers == 1:
        yield from (_solve_file(pair, output, solver) for pair, output in jobs)
        return
    waiting = deque(jobs)
    while waiting:
        suspects = yield from _solve_in_processes(waiting, solver, workers)
        for pair, output in suspects:  # one of them ended its worker: each gets a process of its own
            one = deque([(pair, output)])
            if (yield from _solve_in_processes(one, solver, 1)):
                reason = "the system ended its process, perhaps because memory ran out; choose a smaller max_side=N"
                yield MatteOutcome(pair.matte, output, f"{pair.matte}: {reason}")


def _solve_in_processes(
    waiting: deque[tuple[Pair, Path]], solver: Solver, workers: int
) -> Generator[MatteOutcome, None, list[tuple[Pair, Path]]]:
    """Take jobs from a queue and yield their outcomes, until none is left or the system ends a worker.

    Returns:
        The jobs that were in work when a worker ended; empty if none did.
    """
    context = multiprocessing.get_context("spawn")  # a forked child would inherit locks of threads that it lacks
    working: dict[Future[MatteOutcome], tuple[Pair, Path]] = {}
    with ProcessPoolExecutor(workers, context, initializer=_prepare_worker) as pool:
        try:
            while waiting or working:
                while waiting and len(working) < 2 * workers:
                    working[pool.submit(_solve_file, *waiting[0], solver)] = waiting[0]
                    waiting.popleft()
                for future in wait_for_futures(working, return_when=FIRST_COMPLETED).done:
                    outcome = future.result()
                    del working[future]
                    yield outcome
        except BrokenProcessPool:
            return list(working.values())
        finally:
            # Waiting ends the pool's own thread: Python's end would otherwise write to a pipe that it may have closed.
            pool.shutdown(cancel_futures=True)
    return []


def solve_matte(photo: U8Array, mask: U8Array, solver: Solver) -> U8Array:
    """Compute one soft matte.

    Args:
        photo: uint8 [H, W, 3], RGB.
        mask: uint8 [H, W], person where it is above half of its largest value (0 and 1 serve as well as 0 and 255).
        solver: the settings.

    Returns:
        uint8 [H, W]: the alpha matte, which outside of the band is 0 or 255 as the mask is.

    Raises:
        MatteError: the mask is empty or full, or the solver does not converge.
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
    except (ValueError, ArithmeticError) as error:  # pymatting raises these if its solver does not converge
        raise MatteError(
            f"the solver does not converge ({error}); try the other method=…, or a narrower band (inside=N, outside=N)"
        ) from error
    if scale < 1:
        # Bilinear comes closer to the matte solved at full size than a guided filter (band error 0.021 against 0.032
        # and more at half size, on portraits), since it adds no texture of the photo where the alpha is smooth.
        alpha = cv2.resize(np.asarray(alpha, np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    soft = np.rint(np.asarray(alpha).clip(0, 1) * 255).astype(np.uint8)
    return np.where(trimap == UNKNOWN, soft, trimap).astype(np.uint8)


def make_trimap(mask: U8Array, inside: int | None = None, outside: int | None = None) -> U8Array:
    """Mark a band around a mask's edge as unknown.

    The band is narrowed where needed: on each side it reaches at most half as far as the deepest pixel there, so that
    known pixels are always left.

    Args:
        mask: uint8 [H, W], as for `solve_matte`.
        inside, outside: widths of the band in pixels; None: 1/80 of the longer side.

    Returns:
        uint8 [H, W]: 0 background, 255 person, 128 unknown.

    Raises:
        MatteError: the mask is all background or all person.
    """
    person = (mask > mask.max() / 2).astype(np.uint8)
    if not person.any():
        raise MatteError("the mask is empty")
    if person.all() or mask.min() == mask.max():
        raise MatteError("the mask is full, so it has no edge")
    trimap = np.full(mask.shape, UNKNOWN, np.uint8)
    for region, value, band in ((person, 255, inside), (1 - person, 0, outside)):
        depth = cv2.distanceTransform(region, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        reach = max(1, round(max(mask.shape) * _BAND)) if band is None else band
        trimap[depth > min(reach, depth.max() / 2)] = value
    return trimap


def load_solver(method: Method) -> Callable[[AnyArray, AnyArray], AnyArray]:
    """Return pymatting's function for a method: from image [H, W, 3] and trimap [H, W] in 0-1 to alpha [H, W].

    The first import of pymatting compiles it, which takes a minute or two; later imports take seconds.

    Raises:
        MissingExtraError: pymatting is not installed.
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


def _solve_file(pair: Pair, output: Path, solver: Solver) -> MatteOutcome:
    try:
        photo, mask = read_photo(pair.photo), read_mask(pair.matte)
        check_sizes(pair.photo, photo, pair.matte, mask)
        write_image(output, solve_matte(photo, mask, solver))
    except MemoryError:
        return MatteOutcome(pair.matte, output, f"{pair.photo}: does not fit into memory; choose a smaller max_side=N")
    except Exception as error:
        item = pair.photo if str(pair.photo) in str(error) else pair.matte
        return MatteOutcome(pair.matte, output, failure_line(error, item))
    return MatteOutcome(pair.matte, output)


def _prepare_worker() -> None:
    """Prepare a worker process: it uses one OpenCV thread, and it ends when its parent ends.

    A worker whose parent was killed would otherwise wait for work for ever.
    """
    cv2.setNumThreads(1)
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            wait([parent.sentinel])
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
