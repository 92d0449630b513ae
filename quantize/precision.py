"""The precisions that a model can be exported in, as a table."""

from __future__ import annotations

from dataclasses import dataclass

from mmnet.errors import MMNetError


class PrecisionError(MMNetError):
    """An unknown precision, or one that does not allow the other options."""


@dataclass(frozen=True)
class Precision:
    """A precision that a model can be exported in.

    Attributes:
        name: the value of `--precision`.
        stores: what the model stores, in words. This text is part of every exported file, so it must not change.
        inputs: dtypes that the input and output can have; the first is the default.
        calibrated: whether activation ranges are measured on photos.
        mean_tolerance: the largest accepted mean |alpha - float alpha| over the verification images.
        worst_tolerance: the largest accepted mean |alpha - float alpha| of a single image.
    """

    name: str
    stores: str
    inputs: tuple[str, ...]
    calibrated: bool
    mean_tolerance: float
    worst_tolerance: float


PRECISIONS: dict[str, Precision] = {
    precision.name: precision
    for precision in (
        Precision(
            "int8", "8-bit weights, a scale a channel, and 8-bit activations", ("uint8", "float32"), True, 0.01, 0.05
        ),
        Precision("float16", "16-bit weights, computed in float32", ("float32",), False, 0.001, 0.005),
        Precision("float32", "32-bit weights", ("float32",), False, 1e-6, 1e-6),
        Precision("dynamic", "8-bit weights of the convolutions, float activations", ("float32",), False, 0.01, 0.05),
    )
}


def choose_precision(name: str, input_dtype: str | None) -> tuple[Precision, str]:
    """Return the precision called `name`, and the dtype of its input: `input_dtype`, or the default if that is None.

    Raises:
        PrecisionError: an unknown precision, or a dtype that it does not allow; lists the accepted ones.
    """
    precision = PRECISIONS.get(name)
    if precision is None:
        raise PrecisionError(f"precision {name!r} is unknown; choose one of {', '.join(PRECISIONS)}")
    if input_dtype is not None and input_dtype not in precision.inputs:
        taken = " or ".join(f"input_type={one!r}" for one in precision.inputs)
        raise PrecisionError(
            f"precision {name} takes {taken}, not {input_dtype}; "
            + "; ".join(f"{p.name}: {', '.join(p.inputs)}" for p in PRECISIONS.values())
        )
    return precision, input_dtype or precision.inputs[0]
