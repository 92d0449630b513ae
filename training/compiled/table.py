"""The network as the table of operators that the library computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from mmnet.network.blocks import HEADS, walk
from mmnet.network.config import ModelConfig

Kind = Literal["pointwise", "depthwise", "upsample", "head"]

KINDS: dict[Kind, int] = {"pointwise": 0, "depthwise": 1, "upsample": 2, "head": 3}

# Channels of the columns that make the first convolution a 1×1 convolution: nine taps of three colours, and one more
# of zeros, because the library takes multiples of four.
_COLUMNS = 28


@dataclass(eq=False)
class Map:
    """A map of the network: planes of side × side values.

    Attributes:
        channels, side: its shape.
        whole: the concatenated map that it is a part of, or None.
        offset: its first channel in `whole`.
        before: the map to upsample to this one, as long as no operator does so; or None.
    """

    channels: int
    side: int
    whole: Map | None = None
    offset: int = 0
    before: Map | None = None

    @property
    def stored(self) -> Map:
        """The map that holds the values: `whole`, or this map."""
        return self.whole or self


@dataclass(frozen=True, eq=False)
class Operator:
    """One operator.

    Attributes:
        kind: what it computes.
        name: of the layer, below `MMNet/`; empty for an upsampling.
        source, target: the maps that it reads and writes.
        kernel: where its kernel begins in the vector of parameters; the bias follows.
        stride, rate: of a depthwise convolution.
        activation: whether ReLU6 follows.
    """

    kind: Kind
    name: str
    source: Map
    target: Map
    kernel: int = 0
    stride: int = 1
    rate: int = 1
    activation: bool = False

    @property
    def bias(self) -> int:
        """The position at which the bias begins in the vector of parameters."""
        outputs = {"pointwise": self.target.channels, "depthwise": 9, "head": 1, "upsample": 0}[self.kind]
        return self.kernel + outputs * self.source.channels


@dataclass
class Table:
    """All operators of a network, in the order of their computation.

    Attributes:
        image: the map that the columns of the image are written to.
        operators: the operators.
        parameters: length of the vector of kernels and biases.
        heads: name of each head → its output.
    """

    image: Map
    operators: list[Operator] = field(default_factory=list)
    parameters: int = 0
    heads: Mapping[str, Map] = field(default_factory=dict)

    @property
    def maps(self) -> list[Map]:
        """The maps that hold values, the image's first."""
        targets = [operator.target.stored for operator in self.operators]
        return list(dict.fromkeys([self.image, *targets]))


def build_table(config: ModelConfig) -> Table:
    """Return the table of a network.

    A head is a sum over channels, and an upsampling acts on each channel alone, so that their order does not matter.
    The final head therefore comes before the upsamplings, which then have one channel in place of sixteen.
    """
    table = Table(Map(_COLUMNS, config.size // 2))
    outputs = walk(config, _Operators(table), Map(3, config.size))
    table.heads = {name: outputs[name] for name in HEADS}
    return table


class _Operators:
    """A builder whose tensors are maps; it adds operators to a table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def conv(
        self, x: Map, name: str, filters: int, *, kernel: int = 1, stride: int = 1, activation: bool = True
    ) -> Map:
        source = x if kernel == 1 else self._table.image
        return self._add("pointwise", name, source, Map(filters, source.side), activation=activation)

    def depthwise(self, x: Map, name: str, *, stride: int = 1, rate: int = 1) -> Map:
        target = Map(x.channels, x.side // stride)
        return self._add("depthwise", name, x, target, stride=stride, rate=rate, activation=True)

    def concat(self, parts: Sequence[Map]) -> Map:
        whole = Map(0, parts[0].side)
        for part in map(self._computed, parts):
            part.whole, part.offset = whole, whole.channels
            whole.channels += part.channels
        return whole

    def upsample(self, x: Map, name: str) -> Map:
        return Map(x.channels, 2 * x.side, before=x)

    def head(self, x: Map, name: str) -> Map:
        sides: list[int] = []
        while x.before is not None:
            x, sides = x.before, [x.side, *sides]
        logits = self._add("head", name, x, Map(1, x.side))
        for side in sides:
            logits = self._computed(Map(1, side, before=logits))
        return logits

    def _computed(self, x: Map) -> Map:
        """Return a map after adding the upsamplings that compute it."""
        if x.before is not None:
            source, x.before = self._computed(x.before), None
            self._table.operators.append(Operator("upsample", "", source, x))
        return x

    def _add(self, kind: Kind, name: str, x: Map, target: Map, **settings: Any) -> Map:
        table, source = self._table, self._computed(x)
        operator = Operator(kind, name, source, target, table.parameters, **settings)
        table.parameters = operator.bias + target.channels
        table.operators.append(operator)
        return target
