"""Training curves of a run, read from the TensorBoard files that it wrote, as a CSV table and as a PNG image."""

from __future__ import annotations

import csv
import io
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mmnet.errors import MissingExtraError, MMNetError
from mmnet.training.events import EVENTS_FOLDER

Curves = Mapping[str, Mapping[int, float]]

_LENGTH = struct.Struct("<Q")
_CHECKSUM_BYTES = 4
# The panels of the image: the title, and the tags of the curves.
_PANELS = (
    ("loss", ("loss/loss",)),
    ("terms of the loss", ("loss/alpha", "loss/compositional", "loss/gradient")),
    ("cross entropies", ("loss/cross_entropy", "loss/auxiliary")),
    ("MAD", ("metrics/train_mad", "metrics/validation_mad")),
    ("GAUSS_GRAD", ("metrics/train_gauss_grad", "metrics/validation_gauss_grad")),
    ("learning rate", ("learning_rate",)),
)


_COLUMNS = 3


class CurvesError(MMNetError):
    """A run's folder holds no curves."""


def find_run(name: Path, folder: Path) -> Path:
    """Return the folder of a run with curves: the path itself, or the run of that name beside the checkpoints.

    Args:
        name: a path or the name of a run.
        folder: the folder that holds the checkpoints.

    Raises:
        CurvesError: neither holds curves.
    """
    for path in (name, folder / name):
        if (path / EVENTS_FOLDER).is_dir():
            return path
    known = sorted(path.parent.name for path in folder.glob(f"*/{EVENTS_FOLDER}"))
    runs = f"; the runs of {folder} are {', '.join(known)}" if known else ""
    raise CurvesError(f"{name}: is no run with curves, here or in {folder}; name a run of mmnet train{runs}")


def read_curves(run: Path) -> Curves:
    """Read the curves that a training recorded.

    An interrupted run repeats steps; the value that was written last counts. An event file that ends in the middle of
    a record, because the process was killed, is read up to there.

    Args:
        run: the run's folder; its event files are in `run/events`.

    Returns:
        TensorBoard's tag → step → value, both sorted.

    Raises:
        CurvesError: there are no event files, or none holds a value.
        MissingExtraError: tensorboardX is not installed.
    """
    curves: dict[str, dict[int, float]] = {}
    for path in sorted((run / EVENTS_FOLDER).glob("events.*")):
        for event in _events(path.read_bytes()):
            for value in event.summary.value:
                if value.HasField("simple_value"):
                    curves.setdefault(value.tag, {})[event.step] = value.simple_value
    if not curves:
        raise CurvesError(
            f"{run}: there are no curves in {run / EVENTS_FOLDER}; name the folder of a run of mmnet train"
        )
    return {tag: dict(sorted(curves[tag].items())) for tag in sorted(curves)}


def curves_table(curves: Curves) -> str:
    """Return the curves as CSV: one row per step, one column per tag, empty cells where nothing was recorded."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["step", *curves])
    for step in sorted({step for values in curves.values() for step in values}):
        cells = (values.get(step) for values in curves.values())
        writer.writerow([step, *("" if cell is None else f"{cell:.6g}" for cell in cells)])
    return table.getvalue()


def curves_image(curves: Curves) -> bytes:
    """Draw the curves as a PNG.

    The same curves give the same bytes.

    Raises:
        MissingExtraError: Matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("train", "Matplotlib") from error
    # A short run may lack checkpoints, and a run in 8 bits the terms of the loss: a panel without a curve is left out.
    panels = [(title, tags) for title, tags in _PANELS if any(tag in curves for tag in tags)]
    rows = 1 if len(panels) <= _COLUMNS else 2
    columns = max(1, -(-len(panels) // rows))
    figure = Figure(figsize=(max(6, 4 * columns), 6.5 if rows == 2 else 4.2), layout="constrained")
    grid = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes in grid[len(panels) :]:
        axes.remove()
    for axes, (title, tags) in zip(grid, panels, strict=False):
        axes.set_title(title)
        axes.grid(alpha=0.3)
        for tag in tags:
            if tag in curves:
                marker = "." if tag.startswith("metrics/") or len(curves[tag]) == 1 else ""
                axes.plot(list(curves[tag]), list(curves[tag].values()), marker=marker, label=tag.split("/")[-1])
        if len(tags) > 1:
            handles, labels = axes.get_legend_handles_labels()
            if handles:
                axes.legend(handles, labels)
        axes.set_xlabel("step")
    image = io.BytesIO()
    # The metadata would hold the version of Matplotlib, and so change the bytes.
    figure.savefig(image, format="png", dpi=110, metadata={"Software": None})
    return image.getvalue()


def _events(data: bytes) -> Iterator[Any]:
    """Yield the events of a file of records: a length, its checksum, a serialized Event, its checksum."""
    try:
        from tensorboardX.proto.event_pb2 import Event
    except ImportError as error:
        raise MissingExtraError("train", "tensorboardX") from error
    start = 0
    while start + _LENGTH.size <= len(data):
        (length,) = _LENGTH.unpack_from(data, start)
        start += _LENGTH.size + _CHECKSUM_BYTES
        end = start + length
        if end + _CHECKSUM_BYTES > len(data):
            return
        yield Event.FromString(data[start:end])
        start = end + _CHECKSUM_BYTES
