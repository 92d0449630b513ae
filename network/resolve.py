"""From what the user typed after `--ckpt` to one checkpoint, saying which and why."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from pathlib import Path

from mmnet.network.checkpoint import (
    CONFIG_FILE,
    Checkpoint,
    CheckpointCorruptError,
    CheckpointKindError,
    CheckpointNotFoundError,
    is_checkpoint,
    load_checkpoint,
    read_document,
)
from mmnet.network.tfslim import is_prefix, newest_prefix, read_tfslim

HOW_TO_NAME = "name one with --ckpt PATH (a checkpoint folder, a run, or a TF-Slim prefix or folder)"
HOW_TO_GET = f"{HOW_TO_NAME}, say where they are with --ckpt-dir, or train one with mmnet train"

# What people try, and what it is.
_OTHER_KINDS = {
    ".tflite": "an exported model",
    ".keras": "a Keras file, which may execute code when read",
    ".h5": "an HDF5 file of Keras",
    ".pb": "a frozen TensorFlow graph",
    ".pt": "a PyTorch file",
    ".pth": "a PyTorch file",
    ".onnx": "an ONNX model",
    ".safetensors": "bare weights; name the folder around them",
    ".json": "a description; name the folder around it",
}


# The networks that ship, the one that `latest` means first.
SHIPPED = ("mmnet-1.0",)


@dataclass(frozen=True)
class Found:
    """A checkpoint on disk: its path, whether it is TF-Slim's, and, in words, why it was chosen."""

    path: Path
    tfslim: bool
    why: str

    def load(self) -> Checkpoint:
        """Read it. Raises what `load_checkpoint` and `read_tfslim` raise."""
        return read_tfslim(self.path) if self.tfslim else load_checkpoint(self.path)


def resolve(wanted: str, folder: Path) -> Found:
    """Find the checkpoint that `wanted` means.

    Args:
        wanted: `latest` (the newest in `folder`), `best` (the lowest MAD recorded in `folder`), or a path, taken as
            it is or inside `folder`: a checkpoint folder, a run (a folder of checkpoint folders: the highest step),
            a TF-Slim prefix, or a folder with TF-Slim checkpoints; or the name of a network that ships. `latest` and
            `best` mean the network that ships where `folder` holds no other.
        folder: where checkpoints are kept, `--ckpt-dir`.

    Raises:
        CheckpointNotFoundError: nothing there; says how to name a checkpoint.
        CheckpointKindError: a file of another kind.
        CheckpointCorruptError: a file that has to be read in order to choose is damaged.
    """
    if wanted in ("latest", "best"):
        found = (_latest if wanted == "latest" else _best)(folder) or _shipped()
        if found is None:
            raise CheckpointNotFoundError(f"no checkpoint in {folder}/; {HOW_TO_GET}")
        return found
    for path in dict.fromkeys((Path(wanted), folder / wanted, *(path for path in shipped() if path.name == wanted))):
        found = _at(path)
        if found is not None:
            return found
    raise CheckpointNotFoundError(f"{wanted}: no such checkpoint, here or in {folder}; {HOW_TO_NAME}")


def _at(path: Path) -> Found | None:
    """The checkpoint that `path` names; None if there is nothing at all."""
    # Either half of a TF-Slim checkpoint means the whole.
    prefix = path.with_name(path.name.split(".index")[0].split(".data-")[0]) if path.name else path
    if is_prefix(prefix):
        return Found(prefix, True, "named")
    if path.is_file():
        kind = _OTHER_KINDS.get(path.suffix.lower(), "not a checkpoint")
        raise CheckpointKindError(f"{path}: this is {kind}; {HOW_TO_NAME}")
    if not path.is_dir():
        return None
    if is_checkpoint(path):
        return Found(path, False, "named")
    newest = newest_prefix(path)
    if newest is not None:
        return Found(newest[0], True, newest[1])
    steps = [(read_document(child)["step"], child) for child in sorted(path.iterdir()) if is_checkpoint(child)]
    if steps:
        step, child = max(steps)
        return Found(child, False, f"the highest step, {step}, of the run {path}")
    raise CheckpointKindError(f"{path}: a folder without a checkpoint ({CONFIG_FILE} or *.index); {HOW_TO_NAME}")


def shipped() -> tuple[Path, ...]:
    """Folders of the checkpoints that ship with this installation, in the order of `SHIPPED`."""
    folder = Path(str(resources.files("mmnet.checkpoints")))
    return tuple(folder / name for name in SHIPPED if is_checkpoint(folder / name))


def _shipped() -> Found | None:
    return next((Found(path, False, "the one that ships with mmnet") for path in shipped()), None)


def _own(folder: Path) -> Iterator[Path | tuple[Path, str]]:
    """Every checkpoint in `folder`, in its runs, and the newest of every TF-Slim folder there.

    Not those that ship: in a clone of the repository they lie where a user's own do, and would hide older ones.
    """
    if not folder.is_dir():
        return
    ours = {read_document(path)["weights_sha256"] for path in shipped()}
    for place in (folder, *sorted(child for child in folder.iterdir() if child.is_dir())):
        if place.name.startswith("."):
            continue
        if is_checkpoint(place):
            if read_document(place)["weights_sha256"] not in ours:
                yield place
            continue
        newest = newest_prefix(place)
        if newest is not None:
            yield newest
        if place != folder:
            yield from (child for child in sorted(place.iterdir()) if is_checkpoint(child))


def _latest(folder: Path) -> Found | None:
    best: tuple[float, Found] | None = None
    for candidate in _own(folder):
        if isinstance(candidate, tuple):
            found = Found(candidate[0], True, "")
            moment = candidate[0].with_name(candidate[0].name + ".index").stat().st_mtime
        else:
            found, moment = Found(candidate, False, ""), _created(candidate)
        if best is None or moment > best[0]:
            best = moment, found
    if best is None:
        return None
    moment, found = best
    saved = datetime.fromtimestamp(moment).astimezone().isoformat(sep=" ", timespec="seconds")
    return Found(found.path, found.tfslim, f"the newest in {folder}, saved {saved}")


def _created(folder: Path) -> float:
    text = read_document(folder)["created"]
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError as error:
        raise CheckpointCorruptError(f"{folder / CONFIG_FILE}: 'created' is not a date: {text!r}") from error


def _best(folder: Path) -> Found | None:
    best: tuple[float, Path] | None = None
    unmeasured = False
    for candidate in _own(folder):
        mad = read_document(candidate)["metrics"].get("mad") if isinstance(candidate, Path) else None
        if not isinstance(candidate, Path) or not isinstance(mad, int | float) or not math.isfinite(mad):
            unmeasured = True
        elif best is None or mad < best[0]:
            best = float(mad), candidate
    if best is None:
        if unmeasured:
            raise CheckpointNotFoundError(
                f"no checkpoint in {folder}/ records a MAD; {HOW_TO_NAME}, or take --ckpt latest"
            )
        return None
    return Found(best[1], False, f"the lowest MAD in {folder}, {best[0]:.4f}")
