"""Reading the TF-Slim checkpoints of the original code."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path, PureWindowsPath

import numpy as np

from mmnet.errors import MMNetError
from mmnet.network.checkpoint import (
    Checkpoint,
    CheckpointCorruptError,
    CheckpointNotFoundError,
)
from mmnet.network.config import ModelConfig, Sampling
from mmnet.network.tensorflow import load_tensorflow
from mmnet.network.variables import ROOT, Shape, check_weights, infer_width

STATE_FILE = "checkpoint"

# The variables of optimizers, which a training checkpoint holds beside the network. Any other variable under MMNet/
# that is not part of the network is an error.
_OPTIMIZER_SLOT = re.compile(r"/(Adam|Adam_1|Momentum|RMSProp|RMSProp_1|ExponentialMovingAverage)$")


def is_prefix(path: Path) -> bool:
    """Return whether `path` is the prefix of a TF-Slim checkpoint: PATH.index exists."""
    return path.with_name(path.name + ".index").is_file()


def newest_prefix(folder: Path) -> tuple[Path, str] | None:
    """Return the prefix of the newest TF-Slim checkpoint in a folder and, in words, why it was chosen, or None.

    The text file `checkpoint` names it. That may be a path on the machine where the training ran, of which only the
    last part is used. If there is no checkpoint of that name, the one with the highest step is taken.
    """
    state = folder / STATE_FILE
    named = _named_in(state) if state.is_file() else None
    if named is not None and is_prefix(folder / named):
        return folder / named, f"{state} names it"
    prefixes = [path.with_suffix("") for path in folder.glob("*.index")]
    if prefixes:
        why = f"{state} names {named}, which is absent; " if named else ""
        return max(prefixes, key=_step_in_name), why + f"the highest step in {folder}"
    if named is not None:
        raise CheckpointNotFoundError(f"{state}: names {named}, but {folder / named}.index is not there; copy it too")
    return None


def _named_in(state: Path) -> str | None:
    try:
        text = state.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CheckpointCorruptError(f"{state}: cannot be read as text; restore it or name a prefix") from error
    match = re.search(r'^\s*model_checkpoint_path:\s*"((?:[^"\\]|\\.)*)"', text, re.MULTILINE)
    # This class splits at slashes and at backslashes.
    return PureWindowsPath(match[1].replace("\\\\", "\\")).name if match else None


def _step_in_name(prefix: Path) -> tuple[int, str]:
    digits = re.search(r"(\d+)$", prefix.name)
    return (int(digits[1]) if digits else -1), prefix.name


def read_tfslim(prefix: Path, *, size: int = 256, sampling: Sampling = "legacy") -> Checkpoint:
    """Read the network of a TF-Slim checkpoint; the width multiplier follows from the shapes.

    Args:
        prefix: the path of the checkpoint without `.index` and `.data-…`.
        size: the input size, which the checkpoint does not record; the default is the published one.
        sampling: the sampling of the resizes, which it does not record; the default is TensorFlow 1's.

    Raises:
        MissingExtraError: TensorFlow is not installed.
        CheckpointCorruptError: it is truncated, damaged or unreadable.
        VariableError: a variable is missing, unexpected or of another shape; names it.
    """
    tf = load_tensorflow()
    try:
        reader = tf.train.load_checkpoint(str(prefix))
        stored = reader.get_variable_to_shape_map()
        shapes: dict[str, Shape] = {name: tuple(shape) for name, shape in stored.items() if _is_network(name)}
        config = ModelConfig(infer_width(shapes), size, sampling)
        weights = {name: np.asarray(reader.get_tensor(name)) for name in shapes}
        step = int(reader.get_tensor("global_step")) if reader.has_tensor("global_step") else 0
        check_weights(weights, config)
    except MMNetError as error:
        raise type(error)(f"{prefix}: {error}") from error
    # TensorFlow reports a damaged file by any of these exceptions.
    except (tf.errors.OpError, ValueError, RuntimeError, IndexError) as error:
        reason = " ".join(str(error).split())[:160]
        raise CheckpointCorruptError(f"{prefix}: cannot be read as a TensorFlow checkpoint: {reason}") from error
    provenance = {"imported from": prefix.name, "left out": _left_out(set(stored) - set(shapes))}
    return Checkpoint(config, weights, step or max(0, _step_in_name(prefix)[0]), provenance=provenance)


def _left_out(names: set[str]) -> str:
    """The variables beside the network, in words: `269 Adam, 269 Adam_1, beta1_power, global_step`."""
    slots = Counter(match[1] for name in names if (match := _OPTIMIZER_SLOT.search(name)))
    others = sorted(name for name in names if not _OPTIMIZER_SLOT.search(name))
    return ", ".join([f"{count} {slot}" for slot, count in sorted(slots.items())] + others)


def _is_network(name: str) -> bool:
    return name.startswith(ROOT) and not _OPTIMIZER_SLOT.search(name)
