"""The network as a table of blocks, and the walk over it that builds the network in every form.

After Seo et al., "Towards Real-Time Automatic Portrait Matting on Mobile Devices" (2019), and its public TensorFlow
implementation (hyperconnect/MMNet). A `Builder` decides what the walk builds: Keras layers, variable shapes or
a graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from mmnet.network.config import ModelConfig

T = TypeVar("T")

NORM_EPSILON = 1e-3


@dataclass(frozen=True)
class Branches:
    """A multi-branch dilated block: one branch per rate, concatenated and merged by a 1x1 convolution.

    Each branch is: 1x1 convolution to `expanded` -> (stride 2 only: 3x3 depthwise, stride 2) -> 3x3 depthwise, dilated.
    The merging convolution has no activation (a linear bottleneck) unless `linear` is false.
    """

    name: str
    source: str
    expanded: int
    output: int
    rates: tuple[int, ...]
    stride: int = 1
    linear: bool = True


@dataclass(frozen=True)
class Refine:
    """A decoder block: 1x1 convolution -> bilinear x2, `upsamplings` times -> concatenated with the refined shortcut.

    The shortcut is refined by a 3x3 depthwise and a 1x1 convolution.
    """

    name: str
    source: str
    output: int
    shortcut: str | None = None
    upsamplings: int = 1


# Channel counts at width 1.0. The first convolution is the source `init_block`.
INIT_CHANNELS = 32
BLOCKS: tuple[Branches | Refine, ...] = (
    Branches("enc_block0", "init_block", 16, 16, (1, 2, 4, 8), stride=2),
    Branches("enc_block1", "enc_block0", 16, 24, (1, 2, 4, 8)),
    Branches("enc_block2", "enc_block1", 24, 24, (1, 2, 4, 8)),
    Branches("enc_block3", "enc_block2", 24, 24, (1, 2, 4, 8)),
    Branches("enc_block4", "enc_block3", 32, 40, (1, 2, 4), stride=2),
    Branches("enc_block5", "enc_block4", 64, 40, (1, 2, 4)),
    Branches("enc_block6", "enc_block5", 64, 40, (1, 2, 4)),
    Branches("enc_block7", "enc_block6", 64, 40, (1, 2, 4)),
    Branches("enc_block8", "enc_block7", 80, 80, (1, 2), stride=2),
    Branches("enc_block9", "enc_block8", 120, 80, (1, 2), linear=False),
    Refine("dec_block0", "enc_block9", 64, shortcut="enc_block4"),
    Refine("dec_block1", "dec_block0", 40, shortcut="enc_block0"),
    Branches("dec_block2", "dec_block1", 40, 40, (1, 2, 4)),
    Branches("dec_block3", "dec_block2", 40, 40, (1, 2, 4)),
    Refine("dec_block4", "dec_block3", 16, upsamplings=2),
)
# Each head gives two logits per pixel: background and foreground. The auxiliary head is for training only.
HEADS = {"final_block": "dec_block4", "aux_block": "enc_block9"}


class Builder(Protocol[T]):
    """The layers that a walk over the network calls for.

    `name` is the path of a layer below `MMNet/`, for example `enc_block0/branch0/pointwise_conv`. Padding is 'SAME'.
    """

    def conv(self, x: T, name: str, filters: int, *, kernel: int = 1, stride: int = 1, activation: bool = True) -> T:
        """Add a convolution without bias -> batch norm -> ReLU6 (if `activation`)."""

    def depthwise(self, x: T, name: str, *, stride: int = 1, rate: int = 1) -> T:
        """Add a 3x3 depthwise convolution without bias -> batch norm -> ReLU6."""

    def concat(self, parts: Sequence[T]) -> T:
        """Add a concatenation of the channels."""

    def upsample(self, x: T, name: str) -> T:
        """Add a bilinear resize to twice the size."""

    def head(self, x: T, name: str) -> T:
        """Add a 1x1 convolution with bias to two logits, without norm and activation."""


def walk(config: ModelConfig, builder: Builder[T], image: T) -> dict[str, T]:
    """Build the network on `image` and return the output of every block and head by name.

    Args:
        config: gives the channel counts; the builder takes care of size and sampling.
        builder: makes the layers.
        image: the builder's form of a [N, size, size, 3] RGB image in 0-1.
    """
    outputs = {"init_block": builder.conv(image, "init_block/conv", config.channels(INIT_CHANNELS), kernel=3, stride=2)}
    for block in BLOCKS:
        build = _branches if isinstance(block, Branches) else _refine
        outputs[block.name] = build(config, builder, block, outputs)  # type: ignore[arg-type]
    for head, source in HEADS.items():
        outputs[head] = builder.head(outputs[source], f"{head}/pointwise_conv")
    return outputs


def _branches(config: ModelConfig, builder: Builder[T], block: Branches, outputs: dict[str, T]) -> T:
    parts = []
    for index, rate in enumerate(block.rates):
        path = f"{block.name}/branch{index}"
        x = builder.conv(outputs[block.source], f"{path}/pointwise_conv", config.channels(block.expanded))
        if block.stride != 1:
            x = builder.depthwise(x, f"{path}/depthwise_conv_stride", stride=block.stride)
        parts.append(builder.depthwise(x, f"{path}/depthwise_conv_dilation", rate=rate))
    merged = builder.concat(parts)
    return builder.conv(
        merged,
        f"{block.name}/merge/pointwise_conv",
        config.channels(block.output),
        activation=not block.linear,
    )


def _refine(config: ModelConfig, builder: Builder[T], block: Refine, outputs: dict[str, T]) -> T:
    filters = config.channels(block.output)
    x = builder.conv(outputs[block.source], f"{block.name}/pointwise_conv", filters)
    for index in range(block.upsamplings):
        x = builder.upsample(x, f"{block.name}/upsample{index}")
    if block.shortcut is None:
        return x
    path = f"{block.name}/shortcut"
    shortcut = builder.depthwise(outputs[block.shortcut], f"{path}/depthwise_conv")
    return builder.concat([x, builder.conv(shortcut, f"{path}/pointwise_conv", filters)])
