"""An ONNX model of a checkpoint, re-read from the disk, executed and verified."""

from __future__ import annotations

from contextlib import closing

import numpy as np

from mmnet.arrays import F32Array, U8Array
from mmnet.errors import MissingExtraError
from mmnet.evaluation.onnx_model import EXTENSION, OnnxModel, load_onnx_runtime
from mmnet.export.direct.calibration import measure_plan
from mmnet.export.direct.models import to_int8_from_ranges
from mmnet.export.direct.plan import plan_of
from mmnet.export.onnx_format.file import OPSET, load_onnx, to_onnx
from mmnet.export.verify import (
    DRAWN_FACTOR,
    ExportCheck,
    OperatorError,
    ParityError,
    alphas,
    mean_check,
    network_check,
    verified_images,
)
from mmnet.files import temporary_folder
from mmnet.graph.operators import Graph
from mmnet.network.checkpoint import Checkpoint
from mmnet.network.numpy_network import numpy_alphas
from mmnet.quantize.activations import Limits
from mmnet.quantize.calibration import spanning
from mmnet.quantize.precision import Precision
from mmnet.runtime.tflite.metadata import ModelMetadata


def measured_limits(graph: Graph, images: U8Array) -> dict[str, tuple[float, float]]:
    """Return the ranges of all activations over some images, uint8 [N, size, size, 3]."""
    return measure_plan(graph, plan_of(graph), spanning(images))


def make_onnx(graph: Graph, card: ModelMetadata, limits: Limits | None) -> tuple[bytes, ExportCheck]:
    """Return the bytes of an ONNX model as they are read from the disk, and the check that they are a valid model.

    Args:
        graph, card, limits: as for `mmnet.export.onnx_format.file.to_onnx`.

    Raises:
        MissingExtraError: onnx is not installed.
    """
    onnx = load_onnx()
    with temporary_folder() as folder:
        path = folder / f"model{EXTENSION}"
        path.write_bytes(to_onnx(graph, card, limits))
        content = path.read_bytes()
        try:
            onnx.checker.check_model(str(path), full_check=True)
            fault = ""
        except Exception as error:  # of several classes
            fault = " ".join(str(error).split())[:200]
        count = len(onnx.load(path).graph.node)
    measured = fault or f"{count} operators of opset {OPSET}, checked by onnx {onnx.__version__}"
    return content, ExportCheck("ONNX model", measured, "valid, with all shapes inferred", not fault, OperatorError)


def check_onnx(
    content: bytes,
    graph: Graph,
    checkpoint: Checkpoint,
    precision: Precision,
    images: U8Array,
    limits: Limits | None,
    float_model: bytes,
    *,
    drawn: bool,
) -> list[ExportCheck]:
    """Execute an ONNX model and compare its alphas.

    Args:
        content: the ONNX model.
        graph: the inference graph that it was made from.
        checkpoint: the network.
        precision: float32 or int8.
        images: uint8 [N, size, size, 3].
        limits: the ranges of an 8-bit model.
        float_model: the float .tflite, which an 8-bit model is compared with.
        drawn: whether the images are drawn, not photos: a good network in 8 bits may differ more there.

    Returns:
        The checks. Without ONNX Runtime it is one that did not pass and only warns.
    """
    try:
        load_onnx_runtime()
    except MissingExtraError:
        return [
            ExportCheck(
                "execution", "ONNX Runtime is not installed", "executed by ONNX Runtime", False, ParityError,
                required=False, advice="pip install 'mmnet[onnx]', and export again to verify the alphas",
            )
        ]  # fmt: skip
    images = verified_images(images) if limits is None else images
    found = _onnx_alphas(content, images)
    if limits is None:
        return [network_check("float .onnx", "NumPy", found, numpy_alphas(checkpoint, images))]
    differences = np.asarray(np.abs(found - alphas(float_model, images)).mean(axis=(1, 2)), np.float32)
    other = alphas(to_int8_from_ranges(graph, limits), images)
    apart = np.rint(found * 255) != np.rint(other * 255)
    limit = precision.mean_tolerance * (DRAWN_FACTOR if drawn else 1)
    return [
        mean_check(f"{precision.name} .onnx against float" + (", drawn images" if drawn else ""), limit, differences),
        ExportCheck(
            "8-bit .onnx against the 8-bit .tflite",
            f"{apart.mean():.2%} of the alpha's bytes differ over {len(images)} images, by "
            f"{np.abs(found - other).mean():.5f} on average",
            "any: the kernels round differently",
            True,
            ParityError,
            float(apart.mean()),
            required=False,
        ),
    ]


def _onnx_alphas(content: bytes, images: U8Array) -> F32Array:
    with closing(OnnxModel(content)) as model:
        return np.stack([model.run_float(image) for image in images])
