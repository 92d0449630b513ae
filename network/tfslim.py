"""Reading the TF-Slim checkpoints of the original code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from mmnet.errors import MMNetError
from mmnet.network.checkpoint import Checkpoint, CheckpointCorruptError, CheckpointError
from mmnet.network.config import ModelConfig, Sampling
from mmnet.network.tensorflow import load_tensorflow
from mmnet.network.tfslim_files import check_complete, is_version_1, step_in_name
from mmnet.network.variables import ROOT, Shape, VariableError, check_weights, infer_width, variable_shapes

# Which weights of a checkpoint with moving averages are taken.
Taken = Literal["raw", "average"]

_AVERAGE = "/ExponentialMovingAverage"
_FIRST = f"{ROOT}init_block/conv/weights"
_STATISTICS = ("moving_mean", "moving_variance")
# TensorFlow's fake quantization (contrib.quantize) keeps ranges in scopes of these names.
_RANGE_SCOPE = "_quant"
_MOST_NAMED = 20


class WeightsError(CheckpointError):
    """Weights that a checkpoint does not hold: raw ones, or complete averages."""


def read_tfslim(
    prefix: Path, *, size: int = 256, sampling: Sampling = "legacy", weights: str | None = None
) -> Checkpoint:
    """Read the network of a TF-Slim checkpoint; the width multiplier follows from the shapes.

    Training code often keeps exponential moving averages of the trained variables beside them
    (`…/ExponentialMovingAverage`), which are better. They are taken where all trained variables have one. The variables
    of optimizers and the ranges of contrib.quantize are left out.

    Args:
        prefix: the path of the checkpoint without `.index` and `.data-…`, or a checkpoint of version 1, one file.
        size: the input size, which the checkpoint does not record; the default is the published one.
        sampling: the sampling of the resizes, which it does not record; the default is TensorFlow 1's.
        weights: `raw` or `average`; None takes the averages if they are complete.

    Returns:
        The checkpoint. Where there are averages, its provenance tells which weights it holds, as `weights`.

    Raises:
        MissingExtraError: TensorFlow is not installed.
        CheckpointNotFoundError: the file with the values is missing.
        CheckpointCorruptError: it is truncated, damaged or unreadable.
        WeightsError: `weights` is unknown, or the checkpoint lacks raw values or averages.
        VariableError: a variable is missing, unexpected or of another shape; names it.
    """
    if weights is not None and weights not in get_args(Taken):
        raise WeightsError(f"weights {weights!r} are unknown; choose {' or '.join(get_args(Taken))}")
    tf = load_tensorflow()
    check_complete(prefix)
    try:
        reader = tf.train.load_checkpoint(str(prefix.absolute()))
        found = _Found({name: tuple(shape) for name, shape in reader.get_variable_to_shape_map().items()})
        places, taken = found.places(weights)
        shapes = {name: found.shapes[place] for name, place in places.items()}
        config = ModelConfig(infer_width(shapes), size, sampling)
        values = {name: np.asarray(reader.get_tensor(place)) for name, place in places.items()}
        step = _step(reader)
        check_weights(values, config)
    except MMNetError as error:
        raise type(error)(f"{prefix}: {error}") from error
    # TensorFlow reports a damaged file by any of these exceptions.
    except (tf.errors.OpError, ValueError, RuntimeError, LookupError, TypeError, MemoryError) as error:
        reason = " ".join(str(error).split())[:160]
        raise CheckpointCorruptError(f"{prefix}: cannot be read as a TensorFlow checkpoint: {reason}") from error
    provenance = {"imported from": prefix.name, "left out": found.left_out(places.values())}
    if is_version_1(prefix):
        provenance["format"] = "version 1"
    return Checkpoint(config, values, step or max(0, step_in_name(prefix)[0]), provenance=provenance | taken)


def _step(reader: Any) -> int:
    if not reader.has_tensor("global_step"):
        return 0
    value = np.asarray(reader.get_tensor("global_step"))
    return max(0, int(value.item())) if value.size == 1 and np.issubdtype(value.dtype, np.integer) else 0


class _Found:
    """The variables in a checkpoint, and the part that each has.

    Attributes:
        shapes: name -> shape of every variable.
        scope: what stands before `MMNet/` in the names of the network, for example `tower_0/`; usually nothing.
    """

    def __init__(self, shapes: Mapping[str, Shape]) -> None:
        self.shapes = shapes
        known = {name.removesuffix(_AVERAGE).removesuffix(_FIRST) for name in shapes if self._is_first(name)}
        if len(known) > 1 and "" not in known:
            scopes = ", ".join(sorted(known))
            raise VariableError(f"it holds several networks, in the scopes {scopes}; save one of them alone")
        self.scope = "" if "" in known or not known else known.pop()

    @staticmethod
    def _is_first(name: str) -> bool:
        return name.removesuffix(_AVERAGE).endswith(_FIRST)

    def places(self, weights: str | None) -> tuple[dict[str, str], dict[str, str]]:
        """Return the network's variables -> their names in the checkpoint, and the provenance of the choice."""
        root = self.scope + ROOT
        raw, averages = set[str](), set[str]()
        for name in self.shapes:
            if not name.startswith(root):
                continue
            if name.endswith(_AVERAGE):
                averages.add(name.removesuffix(_AVERAGE))
            elif not self._is_beside(name):
                raw.add(name)
        if not averages:
            if weights == "average":
                raise WeightsError("it holds no averages (ExponentialMovingAverage); leave out weights='average'")
            return {name.removeprefix(self.scope): name for name in raw}, {}
        missing = self._missing(raw | averages, averages)
        if weights == "average" and missing:
            raise WeightsError(f"its averages are incomplete: {missing[0]} has none; take weights='raw'")
        alone = sorted(averages - raw)
        if weights == "raw" and alone:
            raise WeightsError(f"it holds only the average of {alone[0]}; take weights='average'")
        chosen = averages if weights == "average" or (weights is None and not missing) else set(alone)
        places = {name.removeprefix(self.scope): name + _AVERAGE * (name in chosen) for name in raw | averages}
        how = "average" if weights != "raw" and not missing else "raw"
        incomplete = f"; the averages are incomplete: {missing[0]} has none" if missing and weights is None else ""
        return places, {"weights": how + incomplete}

    def _missing(self, found: set[str], averages: set[str]) -> list[str]:
        """The trained variables without an average; the auxiliary head does not count, since it is not exported."""
        return sorted(
            name
            for name in found - averages
            if not name.endswith(_STATISTICS) and not name.startswith(f"{self.scope}{ROOT}aux_block/")
        )

    def _is_beside(self, name: str) -> bool:
        """Whether a variable below the network's scope belongs to an optimizer, or is a range of contrib.quantize."""
        parent = name.rpartition("/")[0]
        is_slot = parent in self.shapes or parent + _AVERAGE in self.shapes or _is_variable(parent, self.scope)
        return is_slot or any(part.endswith(_RANGE_SCOPE) for part in name.split("/")[:-1])

    def left_out(self, taken: Iterable[str]) -> str:
        """The variables beside the network, in words: `269 Adam, 269 Adam_1, beta1_power, global_step`."""
        slots: Counter[str] = Counter()
        others = []
        for name in set(self.shapes) - set(taken):
            parts = name.split("/")
            if any(part.endswith(_RANGE_SCOPE) for part in parts[:-1]):
                slots["ranges of contrib.quantize"] += 1
            elif len(parts) > 2 and self._is_beside(name):
                slots[parts[-1]] += 1
            elif name.startswith(self.scope + ROOT):
                slots["raw weights"] += 1
            else:
                others.append(name)
        counted = [f"{count} {slot}" for slot, count in sorted(slots.items())]
        others.sort()
        if len(others) > _MOST_NAMED:
            others = [*others[:3], f"{len(others) - 3} others"]
        return ", ".join(counted + others)


_NETWORK = frozenset(variable_shapes(ModelConfig()))  # the names do not depend on the width


def _is_variable(name: str, scope: str) -> bool:
    return name.removeprefix(scope) in _NETWORK
