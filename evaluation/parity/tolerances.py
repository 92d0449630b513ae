"""How far a quantized model may be from its float one: the limits, and what they are unless somebody says otherwise."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limit:
    """One thing that a parity gate looks at.

    Attributes:
        name: in JSON; the option is `--name` with hyphens.
        what: in words.
        relative: whether it is a share of the float model's own error, shown in per cent.
        needs_mattes: whether it can be judged only where the true mattes are known.
    """

    name: str
    what: str
    relative: bool = False
    needs_mattes: bool = False

    @property
    def option(self) -> str:
        """As it is typed."""
        return "--" + self.name.replace("_", "-")


MAX_MAD = Limit("max_mad", "mean |Δα|")
MAX_IMAGE_MAD = Limit("max_image_mad", "mean |Δα| of the worst image")
MAX_MAD_INCREASE = Limit("max_mad_increase", "increase of MAD at 256×256", relative=True, needs_mattes=True)
MAX_GAUSS_GRAD_INCREASE = Limit(
    "max_gauss_grad_increase", "increase of GAUSS_GRAD at 256×256", relative=True, needs_mattes=True
)
LIMITS = (MAX_MAD, MAX_IMAGE_MAD, MAX_MAD_INCREASE, MAX_GAUSS_GRAD_INCREASE)

# By the precision of the second model; in the order of LIMITS. A step of an 8-bit alpha is 0.004: a mean of 0.003 over
# mattes that are mostly 0 or 1 is seen at edges alone. The paper's 8-bit network lost nothing: 1 % is within
# what retraining moves the figures by. F32Array differ by rounding.
_DEFAULTS = {
    "int8": (0.003, 0.05, 0.01, 0.01),
    "int16x8": (0.001, 0.01, 0.005, 0.005),
    "dynamic": (0.003, 0.05, 0.01, 0.01),
    "float16": (0.0005, 0.005, 0.002, 0.002),
    "float32": (0.00001, 0.0001, 0.0001, 0.0001),
}
DEFAULTS: dict[str, dict[str, float]] = {
    precision: {limit.name: value for limit, value in zip(LIMITS, values, strict=True)}
    for precision, values in _DEFAULTS.items()
}
FALLBACK = "int8"


def tolerances(precision: str, given: dict[str, float | None]) -> dict[str, float]:
    """Limit name -> accepted value: what was given, else the default for the precision (int8's where it is another).

    Args:
        precision: as a recipe tells it, for example `int8`.
        given: limit name -> value, None where nobody said.
    """
    chosen = dict(DEFAULTS.get(precision, DEFAULTS[FALLBACK]))
    return chosen | {name: value for name, value in given.items() if value is not None}
