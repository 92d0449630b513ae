"""The ranges of the 8-bit activations that a checkpoint carries, checked when they are read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mmnet.errors import MMNetError

FORMAT = "mmnet-ranges/1"


class RangeError(MMNetError):
    """Activation ranges that the network cannot have."""


@dataclass(frozen=True)
class Ranges:
    """The ranges of the activations of an 8-bit network.

    They are named after nodes of the inference graph (`mmnet.graph.inference.inference_graph`). All tensors that have
    to share a scale have one range, named after the first of them (`mmnet.quantize.activations`).

    Attributes:
        limits: name -> lowest and highest value. A range always includes zero, since padding is zero.
        size: the input size in pixels at which the ranges were measured.
        source: how the ranges were made, for example `{"photos": 100, "trained_steps": 300}`.

    Raises:
        RangeError: there are no ranges, or one is not finite, is empty, or excludes zero.
    """

    limits: Mapping[str, tuple[float, float]]
    size: int
    source: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.limits:
            raise RangeError("there are no activation ranges")
        for name, (low, high) in self.limits.items():
            if not (math.isfinite(low) and math.isfinite(high) and low <= 0 <= high and low < high):
                raise RangeError(f"activation {name} ranges from {low} to {high}: zero must lie in a finite range")

    def to_json(self) -> dict[str, Any]:
        """Return the ranges as plain JSON values."""
        return {
            "format": FORMAT,
            "size": self.size,
            "source": dict(self.source),
            "limits": {name: [low, high] for name, (low, high) in self.limits.items()},
        }

    @classmethod
    def from_json(cls, values: object) -> Ranges:
        """Return the ranges that `to_json` gave.

        Raises:
            RangeError: another format, a missing key, a value of the wrong type, or ranges that the class refuses.
        """
        if not isinstance(values, dict) or values.get("format") != FORMAT:
            found = values.get("format") if isinstance(values, dict) else values
            raise RangeError(f"the activation ranges have the format {found!r:.60}; this version reads {FORMAT!r}")
        size, source, limits = (values.get(key) for key in ("size", "source", "limits"))
        if type(size) is not int or not isinstance(source, dict) or not isinstance(limits, dict):
            raise RangeError("the activation ranges need 'size' (a whole number), 'source' and 'limits' (mappings)")
        for name, pair in limits.items():
            if not (isinstance(pair, list) and len(pair) == 2 and all(type(value) in (int, float) for value in pair)):
                raise RangeError(f"activation {name} has the range {pair!r:.60}; two numbers are needed")
        try:
            pairs = {name: (float(low), float(high)) for name, (low, high) in limits.items()}
        except OverflowError as error:
            raise RangeError(f"the activation ranges hold a number that is too large ({error})") from error
        return cls(pairs, size, source)
