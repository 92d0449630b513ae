"""The choice of layers by their names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mmnet.errors import MMNetError
from mmnet.runtime.tflite.layers import Layer


class UnknownLayerError(MMNetError):
    """A name of a layer that the network does not have."""


def layers_named(layers: Sequence[Layer], names: Iterable[str]) -> frozenset[str]:
    """Return the names of the chosen layers, where `enc_block0` stands for all layers of that block.

    Args:
        layers: the layers of the network.
        names: names of layers and blocks.

    Raises:
        UnknownLayerError: a name of no layer.
    """
    known = [layer.name for layer in layers]
    chosen: set[str] = set()
    for name in names:
        matching = [layer for layer in known if layer == name or layer.startswith(f"{name}/")]
        if not matching:
            blocks = dict.fromkeys(layer.block for layer in layers)
            raise UnknownLayerError(
                f"layer {name!r} is unknown; the blocks are {', '.join(blocks)}, and mmnet sensitivity lists all"
            )
        chosen.update(matching)
    return frozenset(chosen)
