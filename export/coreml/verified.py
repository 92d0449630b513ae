"""A Core ML model of a checkpoint, re-read from the disk, executed and verified."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mmnet.arrays import F32Array, U8Array
from mmnet.export.coreml.contents import MilProgram, read_program
from mmnet.export.coreml.interpreter import run_program
from mmnet.export.coreml.package import (
    NOT_EXECUTED,
    SPECIFICATION_VERSION,
    read_mlpackage,
    to_mlpackage,
    write_mlpackage,
)
from mmnet.export.coreml.program import channels_first
from mmnet.export.coreml.tools import load_coremltools
from mmnet.export.verify import (
    PROBE_COUNT,
    ContractError,
    ExportCheck,
    OperatorError,
    ParityError,
    alphas,
    float_checks,
    network_check,
    verified_images,
)
from mmnet.files import temporary_folder
from mmnet.graph.operators import Conv, Depthwise, Graph
from mmnet.graph.shapes import shapes
from mmnet.network.checkpoint import Checkpoint
from mmnet.network.numpy_network import numpy_alphas
from mmnet.quantize.precision import Precision
from mmnet.runtime.tflite.metadata import ModelMetadata
from mmnet.runtime.tflite.signature import INPUT, OUTPUT


def make_mlpackage(graph: Graph, card: ModelMetadata, precision: str) -> tuple[dict[str, bytes], list[ExportCheck]]:
    """Return the files of an .mlpackage as they are read from the disk, and the checks of what they hold.

    Args:
        graph, card, precision: as for `mmnet.export.coreml.package.to_mlpackage`.

    Raises:
        MissingExtraError: coremltools is not installed.
        ModelError: the files on the disk cannot be read.
    """
    tools = load_coremltools()
    with temporary_folder() as folder:
        package = folder / "model.mlpackage"
        write_mlpackage(to_mlpackage(graph, card, precision), package)
        files = read_mlpackage(package)
        valid = bool(tools.libmodelpackage.ModelPackage.isValid(str(package)))
    program = read_program(files)
    checks = [
        _check_package(program, valid, tools.__version__),
        _check_contract(program, graph),
        _check_weights(program, graph, precision),
    ]
    return files, checks


def check_mlpackage(
    files: dict[str, bytes],
    checkpoint: Checkpoint,
    precision: Precision,
    images: U8Array,
    names: Sequence[str],
    float_model: bytes,
) -> list[ExportCheck]:
    """Execute the program of an .mlpackage with NumPy and compare its alphas.

    Args:
        files: the path of every file inside the package -> its bytes.
        checkpoint: the network.
        precision: float32, compared with the network as it was trained, or float16, compared with the float .tflite.
        images: uint8 [N, size, size, 3]; a few of them, spread evenly, are compared.
        names: the name of each image.
        float_model: the float .tflite.

    Returns:
        The checks. The last one did not pass and only warns: Core ML itself executed nothing.
    """
    program = read_program(files)
    names = names[:: max(1, len(names) // PROBE_COUNT)]
    images = verified_images(images)
    found: F32Array = np.stack([run_program(program, image).exact for image in images])
    if precision.name == "float32":
        checks = [network_check("float .mlpackage", "NumPy", found, numpy_alphas(checkpoint, images))]
    else:
        differences = np.asarray(np.abs(found - alphas(float_model, images)).mean(axis=(1, 2)), np.float32)
        checks = float_checks(f"{precision.name} .mlpackage against float", precision, differences, names)
    return [
        *checks,
        ExportCheck(
            "Core ML", NOT_EXECUTED, "executed by Core ML", False, ParityError,
            required=False, advice="compare its alphas on a Mac or an iPhone before you ship it",
        ),
    ]  # fmt: skip


def _check_package(program: MilProgram, valid: bool, version: str) -> ExportCheck:
    specification = program.specification.specificationVersion
    return ExportCheck(
        "Core ML package",
        f"{len(program.operators)} operators of {program.opset}, specification {specification}, "
        + (f"read by coremltools {version}" if valid else f"not read by coremltools {version}"),
        f"a valid package of specification {SPECIFICATION_VERSION}",
        valid and specification == SPECIFICATION_VERSION,
        OperatorError,
    )


def _check_contract(program: MilProgram, graph: Graph) -> ExportCheck:
    size, _, _ = shapes(graph)[graph.nodes[-1].name]
    described = program.specification.description
    found = [_image_type(feature) for feature in (*described.input, *described.output)]
    return ExportCheck(
        "contract",
        ", ".join(found),
        f"{INPUT} {size}×{size} RGB, {OUTPUT} {size}×{size} GRAYSCALE",
        found == [f"{INPUT} {size}×{size} RGB", f"{OUTPUT} {size}×{size} GRAYSCALE"],
        ContractError,
    )


def _image_type(feature: Any) -> str:
    """Return the name, size and colours of an image in a specification."""
    kind = feature.type.imageType
    if feature.type.WhichOneof("Type") != "imageType":
        return f"{feature.name}, which is no image"
    return f"{feature.name} {kind.width}×{kind.height} {kind.ColorSpace.Name(kind.colorSpace)}"


def _check_weights(program: MilProgram, graph: Graph, precision: str) -> ExportCheck:
    """Compare the constants of all convolutions, in order, with those of the graph, rounded to the precision."""
    layers = [node.op for node in graph.nodes if isinstance(node.op, Conv | Depthwise)]
    written = [operator for operator in program.operators if operator.kind == "conv"]
    equal = [
        np.array_equal(program.constants[operator.inputs[name][0]], np.asarray(expected, precision))
        for operator, op in zip(written, layers, strict=False)
        for name, expected in (("weight", channels_first(op)), ("bias", op.bias))
    ]
    passed = len(written) == len(layers) and all(equal)
    return ExportCheck(
        "Core ML weights",
        f"{sum(equal)} of {2 * len(layers)} kernels and biases equal the graph's in {precision}",
        "all",
        passed,
        OperatorError,
    )
