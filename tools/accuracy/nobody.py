"""Compare measures that tell images of nobody from images of somebody, on sets of both, for one model.

    python tools/accuracy/nobody.py SETS MODEL.tflite

SETS holds the sets to measure on, as `training_mix.py DATA SETS --validation-only` makes them: `nobody-validation`
shows nobody, the others somebody. The alpha is that of the runtime (`--fit auto`): of the second pass where there is
one.

For every measure: the area under its ROC curve (the chance that a random image of somebody has a higher value than one
of nobody), and the rates of both errors at the value that minimises their sum. For the measure that the runtime uses:
the rates at several limits, by set, and the images that pass for the other.

missed    the part of the images of somebody that pass for nobody
ghosts    the part of the images of nobody that pass for somebody
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from mmnet.arrays import U8Array
from mmnet.cli.progress import progress_bar
from mmnet.errors import MMNetError
from mmnet.evaluation.framing import FramedPhoto
from mmnet.evaluation.models import open_file
from mmnet.evaluation.resize import choose_resize
from mmnet.runtime.imaging.fit import Fit
from mmnet.runtime.imaging.framing import PERSON
from mmnet.runtime.imaging.photos import list_photos, read_photo
from mmnet.runtime.imaging.presence import SOMEBODY, confidence_of

NOBODY = "nobody-validation"
SOMEBODY_SETS = (
    "scenes-validation",
    "groups-validation",
    "cutouts-validation",
    "fashion-validation",
    "portraits-test",
)
LIMITS = (96, 128, 160, 192, 208, SOMEBODY, 240, 248, 252)

Values = NDArray[np.float64]


def largest_component(alpha: U8Array) -> tuple[float, float]:
    """Return the area of the largest component of the person's pixels, as a part of the alpha, and its mean alpha."""
    count, labels, statistics, _ = cv2.connectedComponentsWithStats((alpha >= PERSON).view(np.uint8), connectivity=4)
    if count < 2:
        return 0.0, 0.0
    label = 1 + int(np.asarray(statistics)[1:, cv2.CC_STAT_AREA].argmax())
    inside = np.asarray(labels) == label
    return float(inside.mean()), float(alpha[inside].mean() / 255)


def highest_window(parts: int) -> Callable[[U8Array], float]:
    """Return the measure that is the mean alpha of the best window of 1/`parts` of the side."""

    def measure(alpha: U8Array) -> float:
        side = max(1, len(alpha) // parts)
        means = cv2.blur(alpha.astype(np.float64), (side, side), borderType=cv2.BORDER_CONSTANT)
        return float(np.max(means)) / 255

    return measure


def mean_of_person(alpha: U8Array) -> float:
    """Return the mean alpha of the person's pixels."""
    inside = alpha[alpha >= PERSON]
    return float(inside.mean()) / 255 if inside.size else 0.0


MEASURES: dict[str, Callable[[U8Array], float]] = {
    "mean alpha": lambda alpha: float(alpha.mean()) / 255,
    "area of alpha >= 128": lambda alpha: float((alpha >= PERSON).mean()),
    "area of alpha >= 240": lambda alpha: float((alpha >= 240).mean()),
    "area of the largest component": lambda alpha: largest_component(alpha)[0],
    "mean alpha of that component": lambda alpha: largest_component(alpha)[1],
    "mean alpha of alpha >= 128": mean_of_person,
    "mean of max(alpha, 1 - alpha)": lambda alpha: float(np.maximum(alpha, 255 - alpha).mean()) / 255,
    "highest alpha": lambda alpha: float(alpha.max()) / 255,
    "best window of 1/32 of the side": highest_window(32),
    "best window of 1/16 of the side": highest_window(16),
    "best window of 1/8 of the side": highest_window(8),
    "best window of 1/4 of the side": highest_window(4),
}


def alphas_of(folder: Path, model: Path, console: Console) -> dict[str, U8Array]:
    """Compute the alpha of every image of a folder, of several crops the most confident: stem -> uint8 [S, S]."""
    resize, alphas = choose_resize("runtime"), {}
    with closing(open_file(model).load()) as loaded, progress_bar(console) as progress:
        for path in progress.track(list_photos(folder / "image"), description=folder.name):
            parts = FramedPhoto(read_photo(path), resize).alpha(loaded, Fit.AUTO).parts
            crops = [np.rint(part.alpha * 255).astype(np.uint8) for part in parts]
            alphas[path.stem] = max(crops, key=confidence_of)
    return alphas


def area_under_curve(somebody: Values, nobody: Values) -> float:
    """Return the chance that a value of somebody is higher than one of nobody; equal ones count half."""
    higher, equal = somebody[:, None] > nobody, somebody[:, None] == nobody
    return float(higher.mean() + equal.mean() / 2)


def best_limit(somebody: Values, nobody: Values) -> tuple[float, float, float]:
    """Return the limit with the smallest sum of both errors, and both: missed, ghosts."""
    limits = np.unique(np.concatenate([somebody, nobody]))
    errors = [(float((somebody < limit).mean()), float((nobody >= limit).mean()), float(limit)) for limit in limits]
    missed, ghosts, limit = min(errors, key=lambda error: error[0] + error[1])
    return limit, missed, ghosts


def show_measures(nobody: list[U8Array], somebody: list[U8Array]) -> None:
    """Print one line per measure."""
    print(f"{'measure':34} {'AUC':>7} {'limit':>8} {'missed':>7} {'ghosts':>7}")
    for name, measure in MEASURES.items():
        values = [np.array([measure(alpha) for alpha in alphas]) for alphas in (somebody, nobody)]
        limit, missed, ghosts = best_limit(*values)
        print(f"{name:34} {area_under_curve(*values):7.4f} {limit:8.4f} {missed:7.1%} {ghosts:7.1%}")


def show_limits(sets: dict[str, dict[str, U8Array]]) -> None:
    """Print the errors of the runtime's measure at several limits, and what passes for the other."""
    found = {name: {stem: confidence_of(alpha) for stem, alpha in alphas.items()} for name, alphas in sets.items()}
    values = {name: np.array(list(one.values())) for name, one in found.items()}
    print(f"\nconfidence   ghosts   missed   {'   '.join(SOMEBODY_SETS)}")
    for limit in LIMITS:
        missed = [float((values[name] < limit).mean()) for name in SOMEBODY_SETS]
        every = float((np.concatenate([values[name] for name in SOMEBODY_SETS]) < limit).mean())
        cells = "   ".join(f"{part:{len(name)}.1%}" for part, name in zip(missed, SOMEBODY_SETS, strict=True))
        mark = "*" if limit == SOMEBODY else " "
        print(f"{limit:9}{mark} {(values[NOBODY] >= limit).mean():9.1%} {every:8.1%}   {cells}")
    ghosts = sorted(stem for stem, value in found[NOBODY].items() if value >= SOMEBODY)
    lost = sorted(f"{name}/{stem}" for name in SOMEBODY_SETS for stem, value in found[name].items() if value < SOMEBODY)
    print(f"\nghosts at {SOMEBODY}: {', '.join(ghosts) or 'none'}\nmissed at {SOMEBODY}: {', '.join(lost) or 'none'}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure with the arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", type=Path, metavar="SETS", help="folder of the sets")
    parser.add_argument("model", type=Path, metavar="MODEL.tflite")
    options = parser.parse_args(arguments)
    console = Console(stderr=True)
    sets = {name: alphas_of(options.sets / name, options.model, console) for name in (NOBODY, *SOMEBODY_SETS)}
    somebody = [alpha for name in SOMEBODY_SETS for alpha in sets[name].values()]
    print(f"{len(sets[NOBODY])} images of nobody, {len(somebody)} of somebody\n")
    show_measures(list(sets[NOBODY].values()), somebody)
    show_limits(sets)


if __name__ == "__main__":
    try:
        main()
    except MMNetError as error:
        raise SystemExit(f"error: {error}") from None
