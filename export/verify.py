"""The checks that every export has to pass before it is written: parity, operators, partitions, contract.

The tolerances of the float model are here, those of each precision in `mmnet.quantize.precision`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmnet.arrays import F32Array, U8Array
from mmnet.errors import MMNetError
from mmnet.network.checkpoint import Checkpoint
from mmnet.network.keras_network import build_trained_keras
from mmnet.network.numpy_network import numpy_alphas
from mmnet.network.tensorflow import load_tensorflow
from mmnet.quantize.precision import Precision
from mmnet.runtime import MattingModel
from mmnet.runtime.tflite.inspection import ModelReport, TensorReport, inspect_model
from mmnet.runtime.tflite.signature import INPUT, OUTPUT, SIGNATURE

# The alpha of the float .tflite differs from that of the network as it was trained by the rounding of float32, since
# sums are taken in another order: 5e-6 on photos, up to 5e-5 where a network is undecided. One step of an 8-bit alpha
# is 4e-3.
FLOAT_TOLERANCE = 1e-4
# Operators that a failed rewriting leaves behind: dilations by space-to-batch, norms as multiplications.
FORBIDDEN_OPERATORS = ("SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND", "MUL", "SOFTMAX")
# Operators between the 8-bit graph, which is int8 inside, and the dtype of its input and output.
BORDER_OPERATORS = {"QUANTIZE", "DEQUANTIZE"}
PROBE_COUNT = 4
# Drawn images are unlike photos. In 8 bits, networks that are good on photos differ by up to 0.013 there; those whose
# ranges were measured on a black image or on noise differ by 0.077 and more.
DRAWN_FACTOR = 5
_DEFECT = "this is a fault of mmnet or of its tools: install the versions that it asks for, pip install 'mmnet[export]'"
_CLOSER = "train for 8 bits (mmnet quantize), keep layers in float (mmnet sensitivity), or take precision=float16"
_MORE_PHOTOS = f"measure on more and other photos of people (100 are enough), or {_CLOSER}"


class VerificationError(MMNetError):
    """An exported model that failed a check; nothing was written."""

    exit_code = 3


class ParityError(VerificationError):
    """The alpha differs from that of the network that the model was made from."""


class OperatorError(VerificationError):
    """The graph would run slowly: it has operators or partitions that should not be there."""


class ContractError(VerificationError):
    """The inputs or outputs are not those of the contract."""


@dataclass(frozen=True)
class ExportCheck:
    """One property of an exported model that was verified.

    Attributes:
        name: what was checked.
        measured: the figure or fact, in words.
        accepted: the limit, in words.
        passed: whether it was kept.
        error: the exception to raise if it was not.
        value: the figure as a number, if there is one.
        required: whether a model that fails is not written. The worst image only warns: it is a fact about the
            network, which one image of many does not decide.
        advice: what to do if it was not kept, in words.
    """

    name: str
    measured: str
    accepted: str
    passed: bool
    error: type[VerificationError]
    value: float | None = None
    required: bool = True
    advice: str = _DEFECT

    def to_json(self) -> dict[str, Any]:
        """Return the check as plain JSON values, as the recipe beside a model records it."""
        return {
            "name": self.name,
            "found": self.measured,
            "accepted": self.accepted,
            "passed": self.passed,
            "value": self.value,
            "required": self.required,
        }

    def __str__(self) -> str:
        mark = "✓" if self.passed else "✗" if self.required else "!"
        return f"{mark} {self.name}: {self.measured} (accepted: {self.accepted})"


def raise_on_failure(checks: Sequence[ExportCheck]) -> None:
    """Raise the error of the first required check that did not pass.

    Raises:
        ParityError, OperatorError, ContractError
    """
    for check in checks:
        if check.required and not check.passed:
            raise check.error(
                f"{check.name}: {check.measured}; accepted is {check.accepted}; nothing was written; {check.advice}"
            )


def probe_images(size: int, count: int = PROBE_COUNT) -> U8Array:
    """Draw images to compare models on where there are no photos: heads and shoulders, no two alike.

    The same size and count give the same images every time.

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


def check_against_numpy(model: bytes, checkpoint: Checkpoint, images: U8Array) -> ExportCheck:
    """Compare the float .tflite with the network as it was trained, computed with NumPy.

    Args:
        model: the float .tflite.
        checkpoint: the network that it was made from.
        images: uint8 [N, size, size, 3]; a few of them, spread evenly, are compared.
    """
    images = verified_images(images)
    return network_check("float .tflite", "NumPy", alphas(model, images), numpy_alphas(checkpoint, images))


def check_against_keras(model: bytes, checkpoint: Checkpoint, images: U8Array) -> ExportCheck:
    """Compare the float .tflite with the training graph in Keras.

    Args:
        model: the float .tflite.
        checkpoint: the network that it was made from.
        images: uint8 [N, size, size, 3]; a few of them, spread evenly, are compared.
    """
    tf = load_tensorflow()
    import keras

    images = verified_images(images)
    network = build_trained_keras(checkpoint, keras)
    values = images.astype(np.float32) / np.float32(255)
    logits = network(tf.constant(values), training=False)["final_block"]
    return network_check("float .tflite", "Keras", alphas(model, images), tf.nn.softmax(logits).numpy()[..., 1])


def verified_images(images: U8Array) -> U8Array:
    """Return a few of the images, spread evenly: those that a float model is compared on."""
    return images[:: max(1, len(images) // PROBE_COUNT)][:PROBE_COUNT]


def network_check(model: str, network: str, found: F32Array, expected: F32Array) -> ExportCheck:
    """Return the check of a float model's alphas against those of the network as it was trained.

    Args:
        model: what the model is, in words.
        network: what computed the network.
        found, expected: the alphas of both, float32 [N, size, size].
    """
    difference = float(np.abs(found - expected).max())
    return ExportCheck(
        f"{model} against {network}",
        f"max |Δ alpha| {difference:.1e} on {len(found)} images",
        f"at most {FLOAT_TOLERANCE:.0e}",
        difference <= FLOAT_TOLERANCE,
        ParityError,
        difference,
    )


def check_against_network(name: str, model: bytes, checkpoint: Checkpoint, images: U8Array) -> ExportCheck:
    """Compare the float .tflite with the network as it was trained, computed by NumPy or by Keras.

    Args:
        name: one of `mmnet.export.choices.NETWORKS`.
        model, checkpoint, images: as for `check_against_numpy`.
    """
    check = {"numpy": check_against_numpy, "keras": check_against_keras}[name]
    return check(model, checkpoint, images)


def check_against_float(
    model: bytes,
    float_model: bytes,
    precision: Precision,
    images: U8Array,
    names: Sequence[str],
) -> list[ExportCheck]:
    """Compare a quantized .tflite with the float one, image by image, both through the runtime.

    Args:
        model, float_model: the two .tflite.
        precision: the precision of the first; it holds the tolerances.
        images: uint8 [N, size, size, 3].
        names: the name of each image.

    Returns:
        A check of the mean |Δα| over all images, and one of the worst image, which only warns.
    """
    return float_checks(f"{precision.name} against float", precision, _differences(model, float_model, images), names)


def float_checks(name: str, precision: Precision, differences: F32Array, names: Sequence[str]) -> list[ExportCheck]:
    """Return the checks of the differences from the float model: their mean, and the worst image, which only warns.

    Args:
        name: of the first check.
        precision: holds the tolerances.
        differences: the mean |Δα| of every image, float32 [N].
        names: the name of each image.
    """
    worst = int(differences.argmax())
    return [
        mean_check(name, precision.mean_tolerance, differences),
        ExportCheck(
            f"{name}, worst",
            f"MAD {differences[worst]:.5f} on {names[worst]}",
            f"at most {precision.worst_tolerance:g}",
            bool(differences[worst] <= precision.worst_tolerance),
            ParityError,
            float(differences[worst]),
            required=False,
            advice=f"look at this image (mmnet parity FLOAT QUANTIZED --report); to lower it, {_CLOSER}",
        ),
    ]


def check_on_other_images(
    model: bytes, float_model: bytes, precision: Precision, size: int, held_out: U8Array | None
) -> list[ExportCheck]:
    """Compare a quantized .tflite with the float one on images that its ranges were not measured on.

    Args:
        model, float_model, precision: as for `check_against_float`.
        size: the side of the model's input, in pixels.
        held_out: photos, uint8 [N, size, size, 3]; None if there are none left.

    Returns:
        A check of the photos, if there are any, and one of drawn images, which are unlike photos: a good network may
        differ more there, one with ranges of nothing differs by 0.1 and more.
    """
    found = []
    name = f"{precision.name} against float"
    if held_out is not None:
        differences = _differences(model, float_model, held_out)
        found.append(mean_check(f"{name}, other photos", precision.mean_tolerance, differences, _MORE_PHOTOS))
    drawn = _differences(model, float_model, probe_images(size))
    limit = DRAWN_FACTOR * precision.mean_tolerance
    return [*found, mean_check(f"{name}, drawn images", limit, drawn, _MORE_PHOTOS)]


def _differences(model: bytes, float_model: bytes, images: U8Array) -> F32Array:
    return np.asarray(np.abs(alphas(model, images) - alphas(float_model, images)).mean(axis=(1, 2)), np.float32)


def mean_check(name: str, limit: float, differences: F32Array, advice: str = _CLOSER) -> ExportCheck:
    """Return the check of the mean of some images' differences, float32 [N], against a limit."""
    mean = float(differences.mean(dtype=np.float64))
    return ExportCheck(
        name,
        f"MAD {mean:.5f} over {len(differences)} images",
        f"at most {limit:g}",
        mean <= limit,
        ParityError,
        mean,
        advice=advice,
    )


def check_graph(
    model: bytes, precision: Precision, input_dtype: str, size: int, *, mixed: bool = False
) -> list[ExportCheck]:
    """Check operators, partitions, weights and the contract.

    Args:
        model: the .tflite.
        precision, input_dtype, size: the precision, input dtype and input size that it should have.
        mixed: whether some layers should be float.
    """
    report = inspect_model(model)
    return [
        *_check_operators(report),
        *([_check_weights(report, mixed)] if precision.calibrated else []),
        _check_contract(report, input_dtype, size),
    ]


def _check_operators(report: ModelReport) -> list[ExportCheck]:
    left = [name for name in FORBIDDEN_OPERATORS if name in report.operators]
    outside = report.delegation.outside
    return [
        ExportCheck(
            "operators",
            f"{sum(report.operators.values())} operators, "
            + (f"among them {', '.join(left)}" if left else "none wasted"),
            f"no {', '.join(FORBIDDEN_OPERATORS)}",
            not left,
            OperatorError,
        ),
        ExportCheck(
            "XNNPACK partitions",
            f"{report.delegation.partitions}, outside {', '.join(outside) or 'nothing'}",
            f"1, outside at most {', '.join(sorted(BORDER_OPERATORS))}",
            report.delegation.partitions == 1 and set(outside) <= BORDER_OPERATORS,
            OperatorError,
            report.delegation.partitions,
        ),
    ]


def _check_weights(report: ModelReport, mixed: bool) -> ExportCheck:
    return ExportCheck(
        "weights",
        f"{', '.join(report.precisions)}, {'one scale per channel' if report.per_channel else 'one scale per tensor'}",
        f"int8{' and float32' if mixed else ''}, one scale per channel",
        set(report.precisions) == ({"int8", "float32"} if mixed else {"int8"}) and report.per_channel is True,
        OperatorError,
    )


def _check_contract(report: ModelReport, dtype: str, size: int) -> ExportCheck:
    scales: dict[str, tuple[float | None, float | None]] = {"uint8": (1 / 255, 1 / 256), "float32": (None, None)}
    zero = 0 if dtype == "uint8" else None
    expected = (
        TensorReport(INPUT, (1, size, size, 3), dtype, scales[dtype][0], zero),
        TensorReport(OUTPUT, (1, size, size, 1), dtype, scales[dtype][1], zero),
    )
    signatures = {entry.key: (entry.inputs, entry.outputs) for entry in report.signatures}
    tensors = (*report.inputs, *report.outputs)
    passed = (
        len(tensors) == 2
        and signatures == {SIGNATURE: ((INPUT,), (OUTPUT,))}
        and all(_same_tensor(found, wanted) for found, wanted in zip(tensors, expected, strict=True))
    )
    return ExportCheck(
        "contract",
        ", ".join(f"{list(tensor.shape)} {tensor.dtype}" for tensor in tensors) + f", signatures {sorted(signatures)}",
        f"{SIGNATURE}: {INPUT} [1, {size}, {size}, 3] {dtype} -> {OUTPUT} [1, {size}, {size}, 1] {dtype}",
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
    """Run a model on images through the runtime.

    Args:
        model: the .tflite.
        images: uint8 [N, S, S, 3], RGB.

    Returns:
        The alphas, float32 [N, S, S] in 0-1.
    """
    with MattingModel(model) as matting:
        return np.stack([matting.run_float(image) for image in images])
