"""From a checkpoint to a verified .tflite, in the order in which it happens."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mmnet
from mmnet.arrays import U8Array
from mmnet.errors import MMNetError
from mmnet.export.convert import to_float, to_float16, to_int8, to_int8_from_ranges
from mmnet.export.dynamic import to_dynamic
from mmnet.export.metadata import add_metadata
from mmnet.export.mixed import calibrate
from mmnet.export.verify import (
    Check,
    check_against_float,
    check_against_keras,
    check_graph,
    probe_images,
    raise_on_failure,
)
from mmnet.files import atomic_file
from mmnet.graph.inference import inference_graph
from mmnet.graph.operators import Graph
from mmnet.graph.rewrite import REWRITES
from mmnet.network.checkpoint import Checkpoint
from mmnet.network.ranges import Ranges
from mmnet.quantize.activations import check_limits
from mmnet.quantize.calibration import Calibration
from mmnet.quantize.precision import Precision, PrecisionError
from mmnet.runtime.tflite.metadata import ModelMetadata, recipe_path

RECIPE_FORMAT = "mmnet-recipe/1"
_TOOLS = ("tensorflow", "keras", "ai-edge-litert", "numpy", "opencv-python-headless")

Progress = Callable[[int, int], None]


class NeedsCalibrationError(MMNetError):
    """8 bits need ranges, and there are no photos to measure them on."""


@dataclass(frozen=True)
class Export:
    """What to export.

    Attributes:
        checkpoint: the network; its configuration gives the input size.
        name: what to call the checkpoint in the recipe, without the folders of this machine.
        precision: an entry of `mmnet.quantize.precision.PRECISIONS`.
        input_dtype: one of the precision's.
        calibration: photos; needed where the precision is calibrated and the checkpoint carries no ranges, otherwise
            they only serve verification.
        floats: layers, or blocks of them, that stay float32 in an 8-bit model.
    """

    checkpoint: Checkpoint
    name: str
    precision: Precision
    input_dtype: str
    calibration: Calibration | None = None
    floats: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.floats and not self.precision.calibrated:
            raise PrecisionError(
                f"{self.precision.name} quantizes no activations, so no layer can be excepted; take --precision int8"
            )
        if self.floats and self.calibration is None:
            raise NeedsCalibrationError(
                "a recipe with excepted layers needs photos to measure ranges on: add --calibration FOLDER"
            )
        if self.precision.calibrated and self.calibration is None and self.ranges is None:
            raise NeedsCalibrationError(
                f"{self.precision.name} needs photos to measure its ranges on, and this checkpoint carries none: "
                "add --calibration FOLDER (100 portraits are enough), or take --precision float16"
            )

    @property
    def ranges(self) -> Ranges | None:
        """The checkpoint's activation ranges, where this export takes them: they belong to its weights, and go before
        those that could be measured on photos. Excepted layers are taken out of a model that was measured."""
        return self.checkpoint.ranges if self.precision.name == "int8" and not self.floats else None

    @property
    def images(self) -> U8Array:
        """The images to verify on: the calibration photos, or made-up ones."""
        return probe_images(self.checkpoint.config.size) if self.calibration is None else self.calibration.images

    @property
    def image_names(self) -> tuple[str, ...]:
        """What they are called."""
        if self.calibration is None:
            return tuple(f"probe {index}" for index in range(len(self.images)))
        return self.calibration.names


@dataclass(frozen=True)
class Exported:
    """A verified model: its bytes, and the recipe that is saved beside it."""

    model: bytes
    recipe: dict[str, Any]
    checks: tuple[Check, ...]

    def write(self, path: Path) -> None:
        """Write the model and, beside it, its recipe: both or neither.

        Raises:
            OutputError: the file system refused.
        """
        document = self.recipe | {"file": {"name": path.name, "bytes": len(self.model), "sha256": _sha256(self.model)}}
        # Both are on the disk before either gets its name.
        with atomic_file(recipe_path(path)) as recipe, atomic_file(path) as model:
            recipe.write_text(json.dumps(document, indent=2) + "\n")
            model.write_bytes(self.model)


def run_export(
    export: Export,
    *,
    on_check: Callable[[Check], None] = lambda check: None,
    on_calibration: Progress = lambda done, total: None,
) -> Exported:
    """Convert and verify.

    Args:
        export: what to make.
        on_check: called with every check as soon as it is known, passed or not.
        on_calibration: called with the photos measured and their total.

    Raises:
        VerificationError: the result is not what it should be (ParityError, OperatorError, ContractError).
        ConversionError: TensorFlow's converter refused.
        VariableError: the weights are not those of the configuration.
        RangeError: the checkpoint's activation ranges are not those of this network.
    """
    checks: list[Check] = []

    def settle(*found: Check) -> None:
        for check in found:
            checks.append(check)
            on_check(check)
        raise_on_failure(found)

    # 1. The network as it was trained, rewritten to be fast.
    checkpoint = export.checkpoint
    graph = inference_graph(checkpoint)
    if export.ranges is not None:
        check_limits(export.ranges, graph)
    # 2. In float, it still is the network in Keras.
    float_model = to_float(graph)
    settle(check_against_keras(float_model, checkpoint, export.images))
    # 3. In the wanted precision, it stays close to the float one.
    model = _convert(export, graph, float_model, on_calibration)
    if model is not float_model:
        settle(*check_against_float(model, float_model, export.precision, export.images, export.image_names))
    # 4. The file tells what it is.
    recipe = _recipe(export)
    model = add_metadata(model, _metadata(export, recipe))
    # 5. What would make it slow, or unusable for the runtime, is not in it.
    settle(*check_graph(model, export.precision, export.input_dtype, checkpoint.config.size, mixed=bool(export.floats)))
    return Exported(model, recipe | {"verification": [check.to_json() for check in checks]}, tuple(checks))


def _convert(export: Export, graph: Graph, float_model: bytes, on_calibration: Progress) -> bytes:
    match export.precision.name:
        case "float32":
            return float_model
        case "float16":
            return to_float16(graph)
        case "dynamic":
            return to_dynamic(float_model)
    if export.ranges is not None:
        return to_int8_from_ranges(graph, export.ranges.limits, input_dtype=export.input_dtype)
    images = export.images
    if export.floats:
        calibrated = calibrate(graph, images, progress=lambda done: on_calibration(done, len(images)))
        return calibrated.quantize(calibrated.named(export.floats), input_dtype=export.input_dtype)
    return to_int8(
        graph,
        images,
        input_dtype=export.input_dtype,
        progress=lambda done: on_calibration(done, len(images)),
    )


def _recipe(export: Export) -> dict[str, Any]:
    """How the model came about: enough to make the same bytes again. No date, no path: it is part of the file."""
    checkpoint, calibration = export.checkpoint, export.calibration
    return {
        "format": RECIPE_FORMAT,
        "checkpoint": {
            "name": export.name,
            "sha256": checkpoint.fingerprint(),
            "step": checkpoint.step,
            "provenance": dict(checkpoint.provenance),
        },
        "model": checkpoint.config.to_json(),
        "precision": export.precision.name,
        "input": export.input_dtype,
        **({"except": list(export.floats)} if export.floats else {}),
        "calibration": calibration
        and {
            "photos": len(calibration.names),
            "sha256": calibration.fingerprint(),
            "unreadable": sorted(calibration.unreadable),
        },
        "ranges": _ranges(export),
        "rewrites": [rewrite.__name__ for rewrite in REWRITES],
        "versions": {"mmnet": mmnet.__version__, "python": platform.python_version()}
        | {tool: version(tool) for tool in _TOOLS},
    }


def _ranges(export: Export) -> dict[str, Any] | None:
    """Where the ranges of the 8-bit activations are from."""
    if export.ranges is not None:
        return {"from": "checkpoint", "size": export.ranges.size, **export.ranges.source}
    return {"from": "calibration"} if export.precision.calibrated else None


def _metadata(export: Export, recipe: dict[str, Any]) -> ModelMetadata:
    config = export.checkpoint.config
    return ModelMetadata(
        name=f"{config.name} {config.size} {export.precision.name}",
        description=(
            f"Automatic portrait matting: RGB photo in, alpha matte out. Checkpoint {export.name}, step "
            f"{export.checkpoint.step}, {export.precision.stores}."
        ),
        version=mmnet.__version__,
        author=str(export.checkpoint.provenance.get("author", "")),
        licence=str(export.checkpoint.provenance.get("licence", "")),
        recipe=recipe,
    )


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
