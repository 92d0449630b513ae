"""Every export is checked before it is written: parity, operators, partitions, contract. The tolerances are here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mmnet.arrays import F32Array, U8Array
from mmnet.errors import MMNetError
from mmnet.export.convert import SIGNATURE
from mmnet.network.checkpoint import Checkpoint
from mmnet.network.keras_network import assign_weights, build_keras
from mmnet.quantize.precision import Precision
from mmnet.runtime import MattingModel
from mmnet.runtime.tflite.inspection import ModelReport, TensorReport, inspect_model

# Alpha of the float .tflite against the Keras graph that it was made from: rounding of float32, in another order of
# sums. 5e-6 on photos, up to 5e-5 where a network is undecided; a step of an 8-bit alpha is 4e-3.
FLOAT_TOLERANCE = 1e-4
# Operators that a conversion gone wrong leaves behind: dilations by space-to-batch, norms as multiplications.
FORBIDDEN_OPERATORS = ("SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND", "MUL", "SOFTMAX")
# Between the 8-bit graph, which is int8 inside, and the dtype of its input and output.
BORDER_OPERATORS = {"QUANTIZE", "DEQUANTIZE"}
PROBES = 4


class VerificationError(MMNetError):
    """The exported model is not what it should be; nothing was written."""

    exit_code = 3


class ParityError(VerificationError):
    """Its alpha differs from that of the network it was made from."""


class OperatorError(VerificationError):
    """Its graph would run slowly: operators or partitions that should not be there."""


class ContractError(VerificationError):
    """Its inputs or outputs are not those of the contract."""


@dataclass(frozen=True)
class Check:
    """One thing that was verified.

    Attributes:
        name: what was compared.
        found: the figure or fact, in words.
        accepted: what would have passed.
        passed: whether it did.
        value: the figure as a number, where there is one.
        error: what to raise if it did not pass.
    """

    name: str
    found: str
    accepted: str
    passed: bool
    error: type[VerificationError]
    value: float | None = None

    def to_json(self) -> dict[str, Any]:
        """The check as plain JSON values."""
        return {key: value for key, value in asdict(self).items() if key != "error"}


def raise_on_failure(checks: Sequence[Check]) -> None:
    """Raise the error of the first check that did not pass.

    Raises:
        ParityError, OperatorError, ContractError
    """
    for check in checks:
        if not check.passed:
            raise check.error(f"{check.name}: {check.found}; accepted is {check.accepted}; nothing was written")


def probe_images(size: int, count: int = PROBES) -> U8Array:
    """Images to compare on where there are no photos: a drawn head and shoulders, another each time, always the same.

    Returns:
        uint8 [count, size, size, 3].
    """
    random = np.random.default_rng(2019)
    y, x = np.mgrid[0:size, 0:size][..., None] / size
    images = np.empty((count, size, size, 3), np.uint8)
    for image in images:
        middle, top, width = random.uniform(0.4, 0.6), random.uniform(0.3, 0.4), random.uniform(0.13, 0.18)
        sky, ground, skin, coat = random.uniform((90, 60, 140, 10), (230, 160, 220, 90), (3, 4)).T
        light = 1 - 0.5 * (x - middle)
        scene = sky * (1 - y) + ground * y
        for centre, spread, colour in (
            ((1.15, middle), (0.55, 2.4 * width), coat),
            ((top, middle), (1.65 * width, 1.2 * width), coat / 2),
            ((top + 0.03, middle), (1.4 * width, width), skin * light),
        ):
            distance = np.hypot((y - centre[0]) / spread[0], (x - centre[1]) / spread[1])
            inside = 1 / (1 + np.exp((distance - 1) * 60))
            scene = scene * (1 - inside) + colour * inside
        image[:] = (scene + random.normal(0, 2, scene.shape)).clip(0, 255)
    return images


def check_against_keras(model: bytes, checkpoint: Checkpoint, images: U8Array) -> Check:
    """Compare the float .tflite with the training graph in Keras, on at most a few of the images."""
    import keras
    import tensorflow as tf

    images = images[:: max(1, len(images) // PROBES)][:PROBES]
    network = build_keras(checkpoint.config, keras)
    assign_weights(network, checkpoint.weights, checkpoint.config)
    values = images.astype(np.float32) / np.float32(255)
    logits = network(tf.constant(values), training=False)["final_block"]
    expected = tf.nn.softmax(logits).numpy()[..., 1]
    difference = float(np.abs(alphas(model, images) - expected).max())
    return Check(
        "float .tflite against Keras",
        f"max |Δ alpha| {difference:.1e} on {len(images)} images",
        f"at most {FLOAT_TOLERANCE:.0e}",
        difference <= FLOAT_TOLERANCE,
        ParityError,
        difference,
    )


def check_against_float(
    model: bytes, float_model: bytes, precision: Precision, images: U8Array, names: Sequence[str]
) -> list[Check]:
    """Compare a quantized .tflite with the float one, image by image, both through the runtime."""
    differences = np.abs(alphas(model, images) - alphas(float_model, images)).mean(axis=(1, 2))
    mean, worst = float(differences.mean()), int(differences.argmax())
    name = f"{precision.name} against float"
    return [
        Check(
            name,
            f"MAD {mean:.5f} over {len(images)} images",
            f"at most {precision.mean_tolerance:g}",
            mean <= precision.mean_tolerance,
            ParityError,
            mean,
        ),
        Check(
            f"{name}, worst",
            f"MAD {differences[worst]:.5f} on {names[worst]}",
            f"at most {precision.worst_tolerance:g}",
            bool(differences[worst] <= precision.worst_tolerance),
            ParityError,
            float(differences[worst]),
        ),
    ]


def check_graph(model: bytes, precision: Precision, input_dtype: str, size: int, *, mixed: bool = False) -> list[Check]:
    """Check operators, partitions, weights and the contract.

    Args:
        model: the .tflite.
        precision, input_dtype, size: what it should be.
        mixed: whether some layers were to stay float.
    """
    report = inspect_model(model)
    return [
        *_check_operators(report),
        *([_check_weights(report, mixed)] if precision.calibrated else []),
        _check_contract(report, input_dtype, size),
    ]


def _check_operators(report: ModelReport) -> list[Check]:
    left = [name for name in FORBIDDEN_OPERATORS if name in report.operators]
    outside = report.delegation.outside
    return [
        Check(
            "operators",
            f"{sum(report.operators.values())} operators, "
            + (f"among them {', '.join(left)}" if left else "none wasted"),
            f"no {', '.join(FORBIDDEN_OPERATORS)}",
            not left,
            OperatorError,
        ),
        Check(
            "XNNPACK partitions",
            f"{report.delegation.partitions}, outside {', '.join(outside) or 'nothing'}",
            f"1, outside at most {', '.join(sorted(BORDER_OPERATORS))}",
            report.delegation.partitions == 1 and set(outside) <= BORDER_OPERATORS,
            OperatorError,
            report.delegation.partitions,
        ),
    ]


def _check_weights(report: ModelReport, mixed: bool) -> Check:
    return Check(
        "weights",
        f"{', '.join(report.precisions)}, {'a scale a channel' if report.per_channel else 'a scale a tensor'}",
        f"int8{' and float32' if mixed else ''}, a scale a channel",
        set(report.precisions) == ({"int8", "float32"} if mixed else {"int8"}) and report.per_channel is True,
        OperatorError,
    )


def _check_contract(report: ModelReport, dtype: str, size: int) -> Check:
    scales: dict[str, tuple[float | None, float | None]] = {"uint8": (1 / 255, 1 / 256), "float32": (None, None)}
    zero = 0 if dtype == "uint8" else None
    expected = (
        TensorReport("image", (1, size, size, 3), dtype, scales[dtype][0], zero),
        TensorReport("alpha", (1, size, size, 1), dtype, scales[dtype][1], zero),
    )
    signatures = {entry.key: (entry.inputs, entry.outputs) for entry in report.signatures}
    tensors = (*report.inputs, *report.outputs)
    passed = (
        len(tensors) == 2
        and signatures == {SIGNATURE: (("image",), ("alpha",))}
        and all(_same_tensor(found, wanted) for found, wanted in zip(tensors, expected, strict=True))
    )
    return Check(
        "contract",
        ", ".join(f"{list(tensor.shape)} {tensor.dtype}" for tensor in tensors) + f", signatures {sorted(signatures)}",
        f"{SIGNATURE}: image [1, {size}, {size}, 3] {dtype} -> alpha [1, {size}, {size}, 1] {dtype}",
        passed,
        ContractError,
    )


def _same_tensor(found: TensorReport, wanted: TensorReport) -> bool:
    same_scale = found.scale == wanted.scale or (
        None not in (found.scale, wanted.scale) and bool(np.isclose(found.scale or 0, wanted.scale or 0, rtol=1e-6))
    )
    return same_scale and (found.shape, found.dtype, found.zero_point) == (
        wanted.shape,
        wanted.dtype,
        wanted.zero_point,
    )


def alphas(model: bytes, images: U8Array) -> F32Array:
    """What a model computes from images through the runtime: float32 [N, S, S] in 0-1."""
    with MattingModel(model) as matting:
        return np.stack([matting.run_float(image) for image in images])
