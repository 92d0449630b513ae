"""The choice of a checkpoint: what `latest`, `best`, a name or a path after `--ckpt` means."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any

from mmnet.arguments import checked_arguments
from mmnet.failures import note
from mmnet.json_reader import is_of
from mmnet.network.checkpoint import (
    CONFIG_FILE,
    Checkpoint,
    CheckpointCorruptError,
    CheckpointError,
    CheckpointKindError,
    CheckpointNotFoundError,
    is_checkpoint,
    load_checkpoint,
    read_config,
    read_document,
)
from mmnet.network.steps import read_steps
from mmnet.network.tfslim import WeightsError, read_tfslim
from mmnet.network.tfslim_files import is_prefix, modified, newest_prefix, prefix_of

DEFAULT_FOLDER = Path("checkpoints")

HOW_TO_NAME = "name one with checkpoint=PATH (a checkpoint folder, a run, or a TF-Slim prefix or folder)"
HOW_TO_GET = f"{HOW_TO_NAME}, name the folder that holds them with checkpoint_dir=FOLDER, or train one with mmnet train"

# Files that are often named by mistake, and what they are.
_OTHER_KINDS = {
    ".tflite": "an exported model",
    ".keras": "a Keras file, which may execute code when read",
    ".h5": "an HDF5 file of Keras",
    ".pb": "a frozen TensorFlow graph",
    ".pt": "a PyTorch file",
    ".pth": "a PyTorch file",
    ".onnx": "an ONNX model",
    ".mlpackage": "a Core ML model",
    ".safetensors": "bare weights; name the folder around them",
    ".json": "a description; name the folder around it",
}

# The checkpoints that ship; `latest` and `best` fall back to the first.
SHIPPED = ("mmnet-1.0",)


@dataclass(frozen=True)
class CheckpointSource:
    """A checkpoint on disk that was not read yet.

    Attributes:
        path: the checkpoint folder, or the prefix of a TF-Slim checkpoint.
        tfslim: whether it is a TF-Slim checkpoint.
        reason: why it was chosen, in words.
    """

    path: Path
    tfslim: bool
    reason: str

    @property
    def label(self) -> str:
        """The name of the checkpoint in file names: that of its folder or prefix, for a step after that of the run."""
        path = self.path.absolute()
        is_step = not self.tfslim and re.fullmatch(r"step-\d+", path.name)
        return f"{path.parent.name}-{path.name}" if is_step else path.name

    def note(self, wanted: object) -> None:
        """Log which checkpoint was taken, and why, where `wanted` leaves that open: `latest` or `best`."""
        if wanted in ("latest", "best"):
            note(f"{wanted} is {self.path} ({self.reason})")

    def size(self) -> int:
        """Return the input size that it records, in pixels, without reading the weights; 256 for TF-Slim.

        Raises:
            CheckpointCorruptError, ConfigError: its description is damaged.
        """
        return 256 if self.tfslim else read_config(self.path).size

    def has_ranges(self) -> bool:
        """Whether it records ranges of 8-bit activations, without reading the weights.

        Raises:
            CheckpointCorruptError: its description is damaged.
        """
        return not self.tfslim and "ranges" in read_document(self.path)

    def load(self, weights: str | None = None) -> Checkpoint:
        """Read the checkpoint.

        Args:
            weights: of a TF-Slim checkpoint with averages, `raw` or `average`; None takes complete averages.

        Raises:
            WeightsError: `weights` is given, and this is no TF-Slim checkpoint.
            MMNetError: what `load_checkpoint` or `read_tfslim` raises.
        """
        if self.tfslim:
            return read_tfslim(self.path, weights=weights)
        if weights is not None:
            raise WeightsError(
                f"{self.path}: a checkpoint folder holds one set of weights; leave out weights=…, which is for TF-Slim"
            )
        return load_checkpoint(self.path)


@dataclass(frozen=True, repr=False)
class OpenedCheckpoint:
    """A checkpoint together with the place that it was read from.

    Attributes:
        source: where it lies, and why it was chosen.
        checkpoint: the network.
    """

    source: CheckpointSource
    checkpoint: Checkpoint

    @property
    def name(self) -> str:
        """The last part of its path, without the folders of this machine."""
        return self.source.path.name

    def identity(self) -> dict[str, Any]:
        """Return name, fingerprint and step, as recipes and reports record them."""
        return {"name": self.name, "sha256": self.checkpoint.fingerprint(), "step": self.checkpoint.step}

    def resized(self, size: int | None) -> OpenedCheckpoint:
        """Return the same checkpoint at another input size; see `Checkpoint.resized`."""
        return OpenedCheckpoint(self.source, self.checkpoint.resized(size))

    def __repr__(self) -> str:
        return f"<OpenedCheckpoint {self}>"

    def __str__(self) -> str:
        config = self.checkpoint.config
        return (
            f"{self.source.path} ({self.source.reason}): {config.name}, step {self.checkpoint.step}, "
            f"{config.size}×{config.size}, {config.sampling} sampling"
        )


@checked_arguments
def open_checkpoint(
    which: str | Path | CheckpointSource = "latest",
    folder: str | Path = DEFAULT_FOLDER,
    *,
    size: int | None = None,
    weights: str | None = None,
    apart_from: Path | None = None,
) -> OpenedCheckpoint:
    """Find a checkpoint and read it.

    Args:
        which: `latest`, `best`, a path or a name, see `resolve`; or what `resolve` returned.
        folder: the folder that holds the checkpoints.
        size: input size in pixels, a multiple of 16; the checkpoint's own if None.
        weights: of a TF-Slim checkpoint with moving averages of its weights, `raw` or `average`; None takes the
            averages if they are complete. `source.reason` of the result says which were taken.
        apart_from: a run whose checkpoints `latest` and `best` pass over; see `resolve`.

    Raises:
        CheckpointError: there is no such checkpoint, it cannot be read, or it lacks the wanted weights.
        ConfigError: MMNet cannot have this input size.
    """
    source = which if isinstance(which, CheckpointSource) else resolve(str(which), Path(folder), apart_from)
    checkpoint = source.load(weights)
    taken = checkpoint.provenance.get("weights")
    if source.tfslim and taken:
        source = replace(source, reason=f"{source.reason}; weights: {taken}")
    return OpenedCheckpoint(source, checkpoint.resized(size))


def resolve(wanted: str, folder: Path, apart_from: Path | None = None) -> CheckpointSource:
    """Find the checkpoint that `wanted` means.

    Args:
        wanted: `latest` (the newest in `folder`), `best` (the lowest MAD recorded in `folder`), the name of a
            checkpoint that ships, or a path, relative to the working directory or to `folder`: a checkpoint folder, a
            run (a folder of checkpoint folders, of which the highest step is taken), a TF-Slim prefix, or a folder
            with TF-Slim checkpoints. `latest` and `best` mean the checkpoint that ships if `folder` holds no other.
        folder: the folder that holds the checkpoints, `--ckpt-dir`.
        apart_from: a run in `folder` whose checkpoints `latest` and `best` pass over: a run that goes on must find what
            it began with, not what it has saved since.

    Raises:
        CheckpointNotFoundError: nothing there; says how to name a checkpoint.
        CheckpointKindError: a file of another kind.
        CheckpointCorruptError: a file that has to be read in order to choose is damaged.
    """
    if wanted in ("latest", "best"):
        source = (_latest if wanted == "latest" else _best)(folder, apart_from) or _shipped(folder)
        if source is None:
            raise CheckpointNotFoundError(f"no checkpoint in {folder}/; {HOW_TO_GET}")
        return source
    other: CheckpointKindError | None = None  # of the first place that holds something else, such as photos
    for path in dict.fromkeys((Path(wanted), folder / wanted, *(path for path in shipped() if path.name == wanted))):
        try:
            source = _at(path)
        except CheckpointKindError as error:
            other = other or error
            continue
        if source is not None:
            return source
    raise other or CheckpointNotFoundError(f"{wanted}: no such checkpoint, here or in {folder}; {HOW_TO_NAME}")


def _at(path: Path) -> CheckpointSource | None:
    """The checkpoint that `path` names; None if the path does not exist."""
    # A TF-Slim checkpoint has several files; the name of each means the checkpoint.
    prefix = prefix_of(path)
    if is_prefix(prefix):
        return CheckpointSource(prefix, True, "named")
    if path.is_file():
        kind = _OTHER_KINDS.get(path.suffix.lower(), "not a checkpoint")
        raise CheckpointKindError(f"{path}: this is {kind}; {HOW_TO_NAME}")
    if not path.is_dir():
        return None
    if is_checkpoint(path):
        return CheckpointSource(path, False, "named")
    newest = newest_prefix(path)
    if newest is not None:
        return CheckpointSource(newest[0], True, newest[1])
    steps = read_steps(path)
    child = steps.newest()
    if child is not None:
        why = f"the highest step, {steps.steps[-1]}, of the run {path}{steps.passed_over}"
        return CheckpointSource(child, False, why)
    raise CheckpointKindError(f"{path}: a folder without a checkpoint ({CONFIG_FILE} or *.index); {HOW_TO_NAME}")


def shipped() -> tuple[Path, ...]:
    """Return the folders of the checkpoints that ship with this installation, in the order of `SHIPPED`."""
    folder = Path(str(resources.files("mmnet.checkpoints")))
    return tuple(folder / name for name in SHIPPED if is_checkpoint(folder / name))


def _shipped(folder: Path) -> CheckpointSource | None:
    reason = f"the one that ships with mmnet, since {folder} holds none of yours"
    return next((CheckpointSource(path, False, reason) for path in shipped()), None)


def _or_shipped() -> str:
    """Return the part of a reason that says how to take the checkpoint that ships instead of one's own."""
    return f"; {SHIPPED[0]} names the one that ships" if shipped() else ""


def _own(folder: Path, apart_from: Path | None, passed_over: list[str]) -> Iterator[Path | tuple[Path, str]]:
    """Yield every checkpoint in `folder` and in its runs, and the newest of every TF-Slim folder there.

    The reasons why others cannot be used are appended to `passed_over`.

    The checkpoints that ship are left out: in a clone of the repository they lie in the same folder as the user's own,
    and would hide the older ones of those. The run `apart_from` is left out, too.
    """
    if not folder.is_dir():
        return
    ours = {read_document(path)["weights_sha256"] for path in shipped()}
    for place in (folder, *sorted(child for child in folder.iterdir() if child.is_dir())):
        if place.name.startswith(".") or place == apart_from:
            continue
        try:
            if is_checkpoint(place):
                if read_document(place)["weights_sha256"] not in ours:
                    yield place
                continue
            newest = newest_prefix(place)
        except CheckpointError as error:
            passed_over.append(f"; passed over: {error}")
            continue
        if newest is not None:
            yield newest
        if place != folder:
            steps = read_steps(place)
            passed_over += [steps.passed_over] if steps.unreadable else []
            yield from steps.folders


def _latest(folder: Path, apart_from: Path | None) -> CheckpointSource | None:
    newest: tuple[float, Path, bool] | None = None
    passed_over: list[str] = []
    for candidate in _own(folder, apart_from, passed_over):
        tfslim = isinstance(candidate, tuple)
        path = candidate[0] if isinstance(candidate, tuple) else candidate
        moment = modified(path) if tfslim else _created(path)
        # Of one run, steps come in order, and two may be saved within one second.
        if newest is None or moment >= newest[0]:
            newest = moment, path, tfslim
    if newest is None:
        _raise_if_unreadable(passed_over)
        return None
    moment, path, tfslim = newest
    saved = datetime.fromtimestamp(moment).astimezone().isoformat(sep=" ", timespec="seconds")
    return CheckpointSource(path, tfslim, f"the newest in {folder}, saved {saved}{_or_shipped()}{''.join(passed_over)}")


def _created(folder: Path) -> float:
    text = read_document(folder)["created"]
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError as error:
        raise CheckpointCorruptError(f"{folder / CONFIG_FILE}: 'created' is not a date: {text!r}") from error


def _best(folder: Path, apart_from: Path | None) -> CheckpointSource | None:
    best: tuple[float, Path] | None = None
    unmeasured = False
    passed_over: list[str] = []
    for candidate in _own(folder, apart_from, passed_over):
        mad = read_document(candidate)["metrics"].get("mad") if isinstance(candidate, Path) else None
        if not isinstance(candidate, Path) or mad is None or not is_of(mad, float):
            unmeasured = True
        elif best is None or float(mad) < best[0]:
            best = float(mad), candidate
    if best is None:
        if unmeasured:
            raise CheckpointNotFoundError(
                f"no checkpoint in {folder}/ records a MAD; {HOW_TO_NAME}, or take checkpoint='latest'"
            )
        _raise_if_unreadable(passed_over)
        return None
    return CheckpointSource(
        best[1], False, f"the lowest MAD in {folder}, {best[0]:.4f}{_or_shipped()}{''.join(passed_over)}"
    )


def _raise_if_unreadable(passed_over: list[str]) -> None:
    """Raise where checkpoints are there but none can be read: the one that ships is not what was meant."""
    if passed_over:
        raise CheckpointCorruptError(passed_over[0].removeprefix("; passed over: "))
