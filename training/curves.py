"""Training curves: what a run wrote for TensorBoard, as a table and as an image."""

from __future__ import annotations

import csv
import io
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from mmnet.errors import MissingExtraError, MMNetError
from mmnet.files import atomic_file, check_writable

Curves = Mapping[str, Mapping[int, float]]

_LENGTH = struct.Struct("<Q")
_CHECKSUM_BYTES = 4
# The panels of the image: title, and the curves in it by their first words.
_PANELS = (
    ("loss", ("loss/loss",)),
    ("terms of the loss", ("loss/alpha", "loss/compositional", "loss/gradient")),
    ("cross entropies", ("loss/cross_entropy", "loss/auxiliary")),
    ("MAD", ("metrics/train_mad", "metrics/validation_mad")),
    ("GAUSS_GRAD", ("metrics/train_gauss_grad", "metrics/validation_gauss_grad")),
    ("learning rate", ("learning_rate",)),
)


class CurvesError(MMNetError):
    """A run has no curves to show."""


def read_curves(run: Path) -> Curves:
    """What `mmnet train` recorded in `run`, by TensorBoard's tag and by step.

    A run that was interrupted repeats steps; what was written last counts. An event file that ends in the middle of
    a record, since its writer was killed, is read as far as it goes.

    Returns:
        tag → step → value, both sorted.

    Raises:
        CurvesError: there are no event files, or none holds a value.
    """
    curves: dict[str, dict[int, float]] = {}
    for path in sorted((run / "events").glob("events.*")):
        for event in _events(path.read_bytes()):
            for value in event.summary.value:
                if value.HasField("simple_value"):
                    curves.setdefault(value.tag, {})[event.step] = value.simple_value
    if not curves:
        raise CurvesError(f"{run}: no curves in {run / 'events'}; name the folder of a run of mmnet train")
    return {tag: dict(sorted(curves[tag].items())) for tag in sorted(curves)}


def curves_table(curves: Curves) -> str:
    """The curves as CSV: a row for each step, a column for each tag, empty where nothing was recorded."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["step", *curves])
    for step in sorted({step for values in curves.values() for step in values}):
        cells = (values.get(step) for values in curves.values())
        writer.writerow([step, *("" if cell is None else f"{cell:.6g}" for cell in cells)])
    return table.getvalue()


def curves_image(curves: Curves) -> bytes:
    """The curves as a PNG.

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
            axes.legend()
        axes.set_xlabel("step")
    image = io.BytesIO()
    # Without the version of Matplotlib and the date: the same curves, the same bytes.
    figure.savefig(image, format="png", dpi=110, metadata={"Software": None})
    return image.getvalue()


def curves(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run, CKPT_DIR/NAME.", show_default=False)],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE.csv", show_default="RUN/curves.csv")
    ] = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE.png", show_default="RUN/curves.png")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the files if they exist.")] = False,
) -> None:
    """Write the training curves of a run as a table and as an image.

    \b
    Examples:
      mmnet curves checkpoints/fine-tune
      mmnet curves checkpoints/fine-tune -o curves.csv --plot curves.png --force
    """
    console = Console(soft_wrap=True, highlight=False)
    table_path, image_path = output or run / "curves.csv", plot or run / "curves.png"
    found = read_curves(run)
    for path in (table_path, image_path):
        check_writable(path, force=force)
    contents = {table_path: curves_table(found).encode(), image_path: curves_image(found)}
    for path, content in contents.items():
        with atomic_file(path) as temporary:
            temporary.write_bytes(content)
        console.print(f"[bold]wrote[/]        {escape(str(path))}")


def _events(data: bytes) -> Iterator[Any]:
    """The records of an event file: length, its checksum, an Event, its checksum."""
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
