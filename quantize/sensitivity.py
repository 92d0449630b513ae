"""Which layers bear 8 bits badly, and the fewest that have to stay float.

Nothing here runs a network: the errors come from a function of the layers that stay float.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

# The layers in floats -> mean |Δα| of that model against the float one.
Error = Callable[[frozenset[str]], float]


@dataclass(frozen=True)
class LayerSensitivity:
    """One layer.

    Attributes:
        name, kind: of the layer.
        alone: mean |Δα| when it alone is quantized.
        without: mean |Δα| when it alone is not.
    """

    name: str
    kind: str
    alone: float
    without: float


@dataclass(frozen=True)
class Sensitivity:
    """A network's layers, and what they are to be compared with.

    Attributes:
        full: mean |Δα| when all layers are quantized.
        floor: mean |Δα| when none is: input and output in bytes remain.
        layers: the layer with the largest error alone first.
    """

    full: float
    floor: float
    layers: tuple[LayerSensitivity, ...]


@dataclass(frozen=True)
class Proposal:
    """The layers that have to stay float.

    Attributes:
        tolerance: what was asked for, largest mean |Δα|.
        floats: the layers; dropping any one of them breaks the tolerance. None where no choice of layers meets it.
        error: mean |Δα| with them.
    """

    tolerance: float
    floats: tuple[str, ...] | None
    error: float


@dataclass
class Remembered:
    """An error function that computes each choice of layers once."""

    error: Error
    known: dict[frozenset[str], float] = field(default_factory=dict)

    def __call__(self, floats: Collection[str]) -> float:
        """As the function that it remembers."""
        key = frozenset(floats)
        if key not in self.known:
            self.known[key] = self.error(key)
        return self.known[key]


def propose(sensitivity: Sensitivity, error: Error, tolerance: float) -> Proposal:
    """The smallest set of exceptions that was found to meet a tolerance.

    The layers are ranked twice, by their error alone and by what leaving them out gains. Of each ranking the shortest
    start that meets the tolerance is found by bisection, then whatever it can do without is dropped from it, the
    least sensitive first. The smaller of the two sets is proposed: none of it can be dropped, though another set of
    fewer layers may exist.

    Args:
        sensitivity: the layers.
        error: mean |Δα| of a choice of layers in floats.
        tolerance: largest mean |Δα| accepted.
    """
    remembered = Remembered(error)
    everything = [layer.name for layer in sensitivity.layers]
    if remembered(()) <= tolerance:
        return Proposal(tolerance, (), remembered(()))
    if remembered(everything) > tolerance:
        return Proposal(tolerance, None, remembered(everything))
    rankings = (
        everything,
        [layer.name for layer in sorted(sensitivity.layers, key=lambda layer: layer.without)],
    )
    found = min((_shortest(ranking, remembered, tolerance) for ranking in rankings), key=len)
    return Proposal(tolerance, tuple(found), remembered(found))


def _shortest(ranking: Sequence[str], error: Callable[[Collection[str]], float], tolerance: float) -> list[str]:
    low, high = 0, len(ranking)  # the first `low` do not meet it, the first `high` do
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if error(ranking[:middle]) <= tolerance else (middle, high)
    kept = list(ranking[:high])
    dropped = True
    while dropped:  # what could not be dropped before may be droppable now
        dropped = False
        for name in reversed(list(kept)):
            fewer = [other for other in kept if other != name]
            if error(fewer) <= tolerance:
                kept, dropped = fewer, True
    return kept
