"""The ranges of the 8-bit activations, as a checkpoint carries them: plain data, checked when it is read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mmnet.errors import MMNetError

FORMAT = "mmnet-ranges/1"


class RangeError(MMNetError):
    """Activation ranges that cannot be those of the network."""


@dataclass(frozen=True)
class Ranges:
    """What the activations of an 8-bit network range over.

    They belong to the inference graph (`mmnet.graph.inference.inference_graph`), whose nodes they name: one range for
    all tensors that have to share a scale, named after the first of them (`mmnet.quantize.activations`).

    Attributes:
        limits: name -> lowest and highest value; zero always lies between, since padding is zero.
        size: input size in pixels at which they were measured.
        source: how they came about, for example `{"photos": 100, "trained_steps": 300}`.

    Raises:
        RangeError: no ranges, or one that is not finite, empty, or leaves zero out.
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
        """The ranges as plain JSON values."""
        return {
            "format": FORMAT,
            "size": self.size,
            "source": dict(self.source),
            "limits": {name: [low, high] for name, (low, high) in self.limits.items()},
        }

    @classmethod
    def from_json(cls, values: object) -> Ranges:
        """The inverse of `to_json`.

        Raises:
            RangeError: another format, a key that is missing or of the wrong type, or what the class itself refuses.
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
            floats = {name: (float(low), float(high)) for name, (low, high) in limits.items()}
        except OverflowError as error:
            raise RangeError(f"the activation ranges hold a number that is too large ({error})") from error
        return cls(floats, size, source)
