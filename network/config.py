"""The configuration of a network: everything that defines it apart from its weights."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from mmnet.errors import MMNetError

Sampling = Literal["legacy", "half_pixel"]

# The encoder halves the size four times, without remainder.
SIZE_MULTIPLE = 16


class ConfigError(MMNetError):
    """A configuration that MMNet cannot have."""


@dataclass(frozen=True)
class ModelConfig:
    """The configuration of a network.

    Attributes:
        width: width multiplier, 0 < width <= 4; the paper's are 1.4, 1.0, 0.75, 0.5 and 0.35.
        size: side of the square input in pixels, a multiple of 16 from 32 to 2048.
        sampling: the sampling grid of the bilinear resizes inside the network. `legacy` is TensorFlow 1's default (no
            aligned corners, no half-pixel centres), which imported checkpoints were trained with; `half_pixel` is the
            grid of newer frameworks. They are different functions: a network needs the one that it was trained with.

    Raises:
        ConfigError: a value outside these ranges.
    """

    width: float = 1.0
    size: int = 256
    sampling: Sampling = "half_pixel"

    def __post_init__(self) -> None:
        if not 0 < self.width <= 4:
            raise ConfigError(f"width multiplier {self.width} is out of range; choose one above 0, at most 4")
        if self.size % SIZE_MULTIPLE or not 32 <= self.size <= 2048:
            raise ConfigError(
                f"input size {self.size} does not fit MMNet; choose a multiple of {SIZE_MULTIPLE} from 32 to 2048"
            )
        if self.sampling not in get_args(Sampling):
            raise ConfigError(f"sampling {self.sampling!r} is unknown; choose one of {', '.join(get_args(Sampling))}")

    @property
    def name(self) -> str:
        """The name that the paper uses, for example MMNet-1.0."""
        return f"MMNet-{self.width}"

    def channels(self, nominal: int) -> int:
        """Return the channels of a layer that has `nominal` channels at width 1.0: a multiple of 8, at least 8."""
        return max(8, (round(nominal * self.width) + 4) // 8 * 8)

    def to_json(self) -> dict[str, Any]:
        """Return the configuration as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: object) -> ModelConfig:
        """Return the configuration that `to_json` gave.

        Raises:
            ConfigError: not a mapping, an unknown key, or a value of the wrong type or range.
        """
        kinds: dict[str, tuple[type, ...]] = {"width": (int, float), "size": (int,), "sampling": (str,)}
        if not isinstance(values, dict) or set(values) != set(kinds):
            raise ConfigError(f"a model configuration has exactly the keys {', '.join(kinds)}; found {values!r:.100}")
        for key, kind in kinds.items():
            if not isinstance(values[key], kind) or isinstance(values[key], bool):
                raise ConfigError(f"model configuration: {key} is {values[key]!r}")
        return cls(float(values["width"]), values["size"], values["sampling"])
