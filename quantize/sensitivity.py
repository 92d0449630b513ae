"""The search for the fewest layers that have to stay float.

No network runs here: the errors come from a function of the layers that stay float.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

# The layers that stay float -> mean |Δα| of that model against the float model.
ErrorFunction = Callable[[frozenset[str]], float]


@dataclass(frozen=True)
class LayerSensitivity:
    """The errors of one layer.

    Attributes:
        name, kind: the layer's name, and its operator.
        alone: mean |Δα| when only this layer is quantized.
        without: mean |Δα| when every layer but this one is quantized.
    """

    name: str
    kind: str
    alone: float
    without: float


@dataclass(frozen=True)
class Sensitivity:
    """The errors of all layers of a network.

    Attributes:
        full: mean |Δα| when all layers are quantized.
        floor: mean |Δα| when none is quantized: only input and output are bytes.
        layers: the errors of each layer, sorted by `alone`, the largest first.
    """

    full: float
    floor: float
    layers: tuple[LayerSensitivity, ...]


@dataclass(frozen=True)
class Proposal:
    """The layers that have to stay float so that a tolerance is met.

    Attributes:
        tolerance: the largest mean |Δα| accepted.
        float_layers: the layers; none of them can be quantized without exceeding the tolerance. None if no choice of
            layers meets the tolerance.
        error: mean |Δα| with these layers in float; with all of them in float if no choice meets the tolerance.
    """

    tolerance: float
    float_layers: tuple[str, ...] | None
    error: float

    @property
    def met(self) -> bool:
        """Whether a choice of layers meets the tolerance."""
        return self.float_layers is not None


@dataclass
class CachedError:
    """An error function that computes each choice of layers once."""

    error: ErrorFunction
    known: dict[frozenset[str], float] = field(default_factory=dict)

    def __call__(self, float_layers: Collection[str]) -> float:
        """Return mean |Δα| with these layers in float."""
        key = frozenset(float_layers)
        if key not in self.known:
            self.known[key] = self.error(key)
        return self.known[key]


def propose(sensitivity: Sensitivity, error: ErrorFunction, tolerance: float) -> Proposal:
    """Return the smallest set of float layers that was found to meet a tolerance.

    The layers are ranked twice, by their error alone and by the error without them. For each ranking, bisection finds
    the shortest prefix that meets the tolerance; then every layer that it can do without is dropped from it, the least
    sensitive first. The smaller of the two sets is proposed. None of its layers can be dropped, but another set of
    fewer layers may exist.

    Args:
        sensitivity: the errors of the layers.
        error: mean |Δα| as a function of the layers that stay float.
        tolerance: the largest mean |Δα| accepted.
    """
    cached = CachedError(error)
    everything = [layer.name for layer in sensitivity.layers]
    if cached(()) <= tolerance:
        return Proposal(tolerance, (), cached(()))
    if cached(everything) > tolerance:
        return Proposal(tolerance, None, cached(everything))
    rankings = (
        everything,
        [layer.name for layer in sorted(sensitivity.layers, key=lambda layer: layer.without)],
    )
    smallest = min((_shortest(ranking, cached, tolerance) for ranking in rankings), key=len)
    return Proposal(tolerance, tuple(smallest), cached(smallest))


def _shortest(ranking: Sequence[str], error: Callable[[Collection[str]], float], tolerance: float) -> list[str]:
    low, high = 0, len(ranking)  # the first `low` layers do not meet the tolerance, the first `high` do
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if error(ranking[:middle]) <= tolerance else (middle, high)
    kept = list(ranking[:high])
    dropped = True
    while dropped:  # a layer that was needed before may be droppable now
        dropped = False
        for name in reversed(list(kept)):
            fewer = [other for other in kept if other != name]
            if error(fewer) <= tolerance:
                kept, dropped = fewer, True
    return kept
