"""Limits of how far a quantized model may be from its float model, and their default tolerances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Limit:
    """One figure that a parity comparison judges.

    Attributes:
        name: its name in JSON; the command line's option is `--name` with hyphens.
        what: a description.
        relative: whether it is a fraction of the float model's own error, shown in per cent.
        needs_mattes: whether it can be judged only if the true mattes are known.
    """

    name: str
    what: str
    relative: bool = False
    needs_mattes: bool = False

    @property
    def option(self) -> str:
        """The option of the command line."""
        return "--" + self.name.replace("_", "-")


MAX_MAD = Limit("max_mad", "mean |Δα|")
MAX_IMAGE_MAD = Limit("max_image_mad", "mean |Δα| of the worst image")
MAX_MAD_INCREASE = Limit("max_mad_increase", "increase of MAD at 256×256", relative=True, needs_mattes=True)
MAX_GAUSS_GRAD_INCREASE = Limit(
    "max_gauss_grad_increase", "increase of GAUSS_GRAD at 256×256", relative=True, needs_mattes=True
)
LIMITS = (MAX_MAD, MAX_IMAGE_MAD, MAX_MAD_INCREASE, MAX_GAUSS_GRAD_INCREASE)

# By the precision of the second model, in the order of LIMITS. A step of an 8-bit alpha is 0.004, so that a mean of
# 0.003 over mattes that are mostly 0 or 1 is visible only at edges. The 8-bit network of the paper is as accurate as
# its float network; 1 % is less than the figures differ between two trainings. Two float models differ by rounding.
_DEFAULTS = {
    "int8": (0.003, 0.05, 0.01, 0.01),
    "dynamic": (0.003, 0.05, 0.01, 0.01),
    "float16": (0.0005, 0.005, 0.002, 0.002),
    "float32": (0.00001, 0.0001, 0.0001, 0.0001),
}
DEFAULTS: dict[str, dict[str, float]] = {
    precision: {limit.name: value for limit, value in zip(LIMITS, values, strict=True)}
    for precision, values in _DEFAULTS.items()
}
FALLBACK = "int8"


def tolerances(precision: str, given: Mapping[str, float | None]) -> dict[str, float]:
    """Return limit name -> tolerance: the given value, else the default of the precision.

    Args:
        precision: the precision in a recipe, for example `int8`; an unknown one gets the defaults of int8.
        given: limit name -> value, or None for the default.
    """
    chosen = dict(DEFAULTS.get(precision, DEFAULTS[FALLBACK]))
    return chosen | {name: value for name, value in given.items() if value is not None}
