"""The origins of two models that are compared: whether one was derived from the other, and which one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmnet.evaluation.parity.compare import NotComparedError, Parity

# Precisions from the most exact; a model is derived from one that stands before it.
_ORDER = {"float32": 0, "float16": 1, "dynamic": 2, "int8": 3}


def check_order(reference: tuple[str, object], other: tuple[str, object]) -> None:
    """Raise where two models are given the wrong way round: the quantized one as the reference.

    Args:
        reference: the name of the first model, and its precision if its recipe tells it.
        other: likewise of the second.

    Raises:
        NotComparedError: the first model is of a coarser precision than the second; says how to call it.
    """
    first, second = (_ORDER.get(str(precision)) for _, precision in (reference, other))
    if first is not None and second is not None and first > second:
        raise NotComparedError(
            f"{reference[0]} is {reference[1]} and {other[0]} is {other[1]}: the limits are for a model that was "
            f"derived from the first; swap them: mmnet parity {other[0]} {reference[0]}"
        )


def different_checkpoints(parity: Parity) -> str | None:
    """Return a sentence if the recipes of both models name different checkpoints; None if not, or if unknown."""
    reference, other = _checkpoint(parity.reference.recipe), _checkpoint(parity.other.recipe)
    if reference is None or other is None or reference["sha256"] == other["sha256"]:
        return None
    names = [_named(checkpoint) for checkpoint in (reference, other)]
    return (
        f"The models were made from different checkpoints, {names[0]} and {names[1]}: the differences are those of two "
        "networks, not of the quantization alone"
    )


def _checkpoint(recipe: Mapping[str, Any]) -> Mapping[str, Any] | None:
    checkpoint = recipe.get("checkpoint")
    return checkpoint if isinstance(checkpoint, Mapping) and isinstance(checkpoint.get("sha256"), str) else None


def _named(checkpoint: Mapping[str, Any]) -> str:
    name, step = checkpoint.get("name"), checkpoint.get("step")
    return f"{name} (step {step}, {checkpoint['sha256'][:8]})"
