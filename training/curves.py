"""Training curves of a run, read from the TensorBoard files that it wrote, as a CSV table and as a PNG image."""

from __future__ import annotations

import csv
import io
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mmnet.errors import MissingExtraError, MMNetError

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


class CurvesError(MMNetError):
    """A run's folder holds no curves."""


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
    for path in sorted((run / "events").glob("events.*")):
        for event in _events(path.read_bytes()):
            for value in event.summary.value:
                if value.HasField("simple_value"):
                    curves.setdefault(value.tag, {})[event.step] = value.simple_value
    if not curves:
        raise CurvesError(f"{run}: there are no curves in {run / 'events'}; name the folder of a run of mmnet train")
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
    figure = Figure(figsize=(12, 6.5), layout="constrained")
    for axes, (title, tags) in zip(figure.subplots(2, 3).flat, _PANELS, strict=True):
        axes.set_title(title)
        axes.grid(alpha=0.3)
        for tag in tags:
            if tag in curves:
                marker = "." if tag.startswith("metrics/") else ""
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
