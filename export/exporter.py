"""The steps from a checkpoint to a verified .tflite, in the order in which they happen."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from mmnet.arrays import U8Array
from mmnet.errors import MMNetError
from mmnet.export.choices import DEFAULT_CHOICES, Choices, check_format_options
from mmnet.export.converters import BY_NAME
from mmnet.export.coreml.package import NOT_EXECUTED, SPECIFICATION_VERSION
from mmnet.export.coreml.verified import check_mlpackage, make_mlpackage
from mmnet.export.dynamic import to_dynamic
from mmnet.export.metadata import add_metadata
from mmnet.export.model import ExportedModel
from mmnet.export.onnx_format.file import OPSET
from mmnet.export.onnx_format.verified import check_onnx, make_onnx, measured_limits
from mmnet.export.verify import (
    ExportCheck,
    check_against_float,
    check_against_network,
    check_graph,
    check_on_other_images,
    probe_images,
    raise_on_failure,
)
from mmnet.graph.inference import inference_graph
from mmnet.graph.layouts import FLOAT_LAYOUTS, INTEGER_LAYOUTS
from mmnet.graph.operators import Graph
from mmnet.graph.rewrite import REWRITES
from mmnet.network.checkpoint import Checkpoint
from mmnet.network.ranges import Ranges
from mmnet.network.resolve import OpenedCheckpoint
from mmnet.quantize.activations import Limits, check_limits
from mmnet.quantize.calibration import Calibration, check_representative
from mmnet.quantize.precision import Precision, PrecisionError
from mmnet.quantize.recipe import RECIPE_FORMAT
from mmnet.runtime.tflite.metadata import ModelMetadata


class NeedsCalibrationError(MMNetError):
    """An 8-bit export without ranges and without photos to measure them on."""


@dataclass(frozen=True)
class ExportRequest:
    """A description of an export: what is exported, and how.

    Attributes:
        checkpoint: the network; its configuration gives the input size.
        name: the name of the checkpoint in the recipe, without the folders of this machine.
        precision: an entry of `mmnet.quantize.precision.PRECISIONS`.
        input_dtype: one of the precision's.
        calibration: photos. An 8-bit export measures its ranges on them if the checkpoint carries none or layers stay
            float; every other export only verifies on them.
        float_layers: layers, or blocks of them, that stay float32 in an 8-bit model.
        label: the name of the checkpoint in file names; empty for `name`.
        choices: the format of the file, what makes it, and what it is compared with.

    Raises:
        ChoiceError: options that the format does not have.
        PrecisionError: float layers in a precision that quantizes no activations.
        NeedsCalibrationError: ranges have to be measured, and there are no photos.
    """

    checkpoint: Checkpoint
    name: str
    precision: Precision
    input_dtype: str
    calibration: Calibration | None = None
    float_layers: tuple[str, ...] = ()
    label: str = ""
    choices: Choices = DEFAULT_CHOICES

    def __post_init__(self) -> None:
        check_format_options(self.choices.file_format, self.precision.name, self.input_dtype, self.float_layers)
        check_options(
            self.precision,
            self.float_layers,
            has_photos=self.calibration is not None,
            has_ranges=self.checkpoint.ranges is not None,
        )

    @property
    def ranges(self) -> Ranges | None:
        """The checkpoint's activation ranges if this export uses them, else None.

        They belong to the checkpoint's weights, so they are preferred to ranges measured on photos. A model with float
        layers does not use them: it is made from a model with measured ranges.
        """
        return self.checkpoint.ranges if self.precision.name == "int8" and not self.float_layers else None

    @property
    def measures_ranges(self) -> bool:
        """Whether ranges are measured on the calibration photos."""
        return self.precision.calibrated and self.ranges is None

    @property
    def ranges_origin(self) -> str:
        """The origin of the activation ranges, in words; empty if it needs no mention."""
        if self.ranges is None:
            if self.float_layers and self.checkpoint.ranges is not None:
                return "measured on the photos, not the checkpoint's, since layers are excepted"
            return ""
        size = self.checkpoint.config.size
        steps = self.ranges.source.get("trained_steps")
        trained = f"quantization-aware training of {steps} steps" if steps else "measured without training"
        at = "" if self.ranges.size == size else f", at {self.ranges.size}×{self.ranges.size}"
        return f"the checkpoint's ({trained}{at})" + ("; the photos only verify" if self.calibration else "")

    @property
    def images(self) -> U8Array:
        """The images to verify on: the calibration photos, or drawn ones; uint8 [N, size, size, 3]."""
        return probe_images(self.checkpoint.config.size) if self.calibration is None else self.calibration.images

    @property
    def image_names(self) -> Sequence[str]:
        """The name of each of these images."""
        if self.calibration is not None:
            return self.calibration.names
        return [f"drawn image {number}" for number in range(1, len(self.images) + 1)]


def check_options(precision: Precision, float_layers: Sequence[str], *, has_photos: bool, has_ranges: bool) -> None:
    """Raise where an export cannot be made, whatever the checkpoint's weights are.

    Args:
        precision: the precision.
        float_layers: layers that stay float.
        has_photos: whether there are photos to measure ranges on.
        has_ranges: whether the checkpoint carries ranges.

    Raises:
        PrecisionError, NeedsCalibrationError: as `ExportRequest`.
    """
    if float_layers and not precision.calibrated:
        raise PrecisionError(
            f"{precision.name} quantizes no activations, so no layer can be excepted; take precision=int8"
        )
    if float_layers and not has_photos:
        raise NeedsCalibrationError(
            "a recipe with excepted layers needs photos to measure ranges on: add calibration=FOLDER"
        )
    if precision.calibrated and not has_photos and not (has_ranges and precision.name == "int8"):
        raise NeedsCalibrationError(
            f"{precision.name} needs photos to measure its ranges on, and this checkpoint carries none: "
            "add calibration=FOLDER (100 portraits are enough), or take precision=float16"
        )


class ExportListener:
    """A receiver of what happens during an export.

    Every method does nothing until a subclass overrides it. An exception that a method raises ends the export.
    """

    def on_start(self, file_name: str) -> None:
        """Receive the name that the model is saved under by default, before the checkpoint is read."""

    def on_checkpoint(self, opened: OpenedCheckpoint, precision: Precision) -> None:
        """Receive the checkpoint that was found and read, and the precision that it is exported in."""

    def on_calibration(self, calibration: Calibration) -> None:
        """Receive the calibration photos that were read."""

    def on_request(self, request: ExportRequest) -> None:
        """Receive the complete request, before the conversion begins."""

    def on_progress(self, stage: str, done: int, total: int) -> None:
        """Receive how far a stage is: `done` of `total` steps. A total of 0 means that it is not known."""

    def on_check(self, check: ExportCheck) -> None:
        """Receive a check as soon as it is known, passed or not."""


def run_export(request: ExportRequest, listener: ExportListener | None = None) -> ExportedModel:
    """Convert a checkpoint and verify the result.

    Args:
        request: what to export.
        listener: receives the progress and the checks.

    Raises:
        CalibrationError: the photos to measure ranges on are of one colour, or nearly.
        VerificationError: a required check failed (ParityError, OperatorError, ContractError).
        ConversionError: TensorFlow's converter refused the graph.
        MissingExtraError: the converter or the network to compare with is not installed.
        VariableError: the weights do not belong to the configuration.
        RangeError: the checkpoint's activation ranges do not belong to this network.
        UnknownLayerError: a float layer that the network does not have.
    """
    listener = listener or ExportListener()
    checks: list[ExportCheck] = []

    def settle(*results: ExportCheck) -> None:
        for check in results:
            checks.append(check)
            listener.on_check(check)
        raise_on_failure(results)

    # 1. The network as it was trained is rewritten to be fast.
    listener.on_progress("converting", 0, 0)
    checkpoint = request.checkpoint
    if request.measures_ranges:
        check_representative(request.images)
    graph = inference_graph(checkpoint)
    if request.ranges is not None:
        check_limits(request.ranges, graph)
    # 2. In float, it still computes what the network as it was trained computes.
    float_model = BY_NAME[request.choices.converter].to_float(graph)
    settle(check_against_network(request.choices.verify, float_model, checkpoint, request.images))
    if not request.choices.is_tflite:
        return _finish_other_format(request, graph, float_model, checks, settle)
    # 3. In the requested precision, it stays close to the float model, also on images that nothing was measured on.
    model = _convert(request, graph, float_model, listener)
    if model is not float_model:
        photos, held_out = request.calibration, None
        if photos is not None:
            settle(*check_against_float(model, float_model, request.precision, photos.images, photos.names))
            held_out = photos.held_out
        settle(*check_on_other_images(model, float_model, request.precision, checkpoint.config.size, held_out))
    # 4. The file gets a description of itself.
    recipe = _recipe(request)
    model = add_metadata(model, _metadata(request, recipe))
    # 5. It holds nothing that would make it slow, or that the runtime could not run.
    size, mixed = checkpoint.config.size, bool(request.float_layers)
    settle(*check_graph(model, request.precision, request.input_dtype, size, mixed=mixed))
    described = recipe | {"verification": [check.to_json() for check in checks]}
    return ExportedModel(model, described, tuple(checks), request.label)


def _finish_other_format(
    request: ExportRequest,
    graph: Graph,
    float_model: bytes,
    checks: list[ExportCheck],
    settle: Callable[..., None],
) -> ExportedModel:
    """Write the graph as an ONNX or a Core ML model and verify it; the rest of `run_export`."""
    checkpoint, precision, images = request.checkpoint, request.precision, request.images
    recipe = _recipe(request)
    card = _metadata(request, recipe)
    content = b""
    files: dict[str, bytes] = {}
    if request.choices.file_format == "coreml":
        files, written = make_mlpackage(graph, card, precision.name)
        settle(*written)
        settle(*check_mlpackage(files, checkpoint, precision, images, request.image_names, float_model))
    else:
        limits: Limits | None = None
        if precision.calibrated:
            limits = request.ranges.limits if request.ranges is not None else measured_limits(graph, images)
        content, valid = make_onnx(graph, card, limits)
        settle(valid)
        drawn = request.calibration is None
        settle(*check_onnx(content, graph, checkpoint, precision, images, limits, float_model, drawn=drawn))
    described = recipe | {"verification": [check.to_json() for check in checks]}
    return ExportedModel(content, described, tuple(checks), request.label, files)


def _convert(request: ExportRequest, graph: Graph, float_model: bytes, listener: ExportListener) -> bytes:
    converter = BY_NAME[request.choices.converter]
    match request.precision.name:
        case "float32":
            return float_model
        case "float16":
            return converter.to_float16(graph)
        case "dynamic":
            return to_dynamic(float_model)
    if request.ranges is not None:
        return converter.to_int8_from_ranges(graph, request.ranges.limits, input_dtype=request.input_dtype)
    images = request.images

    def progress(done: int) -> None:
        listener.on_progress("measuring ranges", done, len(images))

    calibrated = converter.calibrate(graph, images, progress=progress)
    return calibrated.quantize(calibrated.named(request.float_layers), input_dtype=request.input_dtype)


# What the recipe of a format other than .tflite has besides: the packages whose versions it records, and its entries.
_OF_FORMAT: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "onnx": (("onnx",), {"file_format": "onnx", "opset": OPSET}),
    "coreml": (
        ("coremltools",),
        {"file_format": "coreml", "specification": SPECIFICATION_VERSION, "execution": NOT_EXECUTED},
    ),
}


def _recipe(request: ExportRequest) -> dict[str, Any]:
    """Return the record of how the model was made, which is enough to make the same bytes again.

    It is part of the file, so it holds no date and no path, and its keys and texts must not change.
    """
    checkpoint, calibration, converter = request.checkpoint, request.calibration, BY_NAME[request.choices.converter]
    layouts = INTEGER_LAYOUTS if request.precision.calibrated else FLOAT_LAYOUTS
    is_tflite = request.choices.is_tflite
    format_tools, format_recipe = _OF_FORMAT.get(request.choices.file_format, ((), {}))
    return {
        "format": RECIPE_FORMAT,
        "checkpoint": {
            "name": request.name,
            "sha256": checkpoint.fingerprint(),
            "step": checkpoint.step,
            "provenance": dict(checkpoint.provenance),
        },
        "model": checkpoint.config.to_json(),
        "precision": request.precision.name,
        "input": request.input_dtype,
        **({"except": list(request.float_layers)} if request.float_layers else {}),
        "calibration": calibration
        and {
            "photos": len(calibration.names),
            "sha256": calibration.fingerprint(),
            "unreadable": sorted(calibration.unreadable),
        },
        "ranges": _ranges(request),
        "rewrites": [step.__name__ for step in (*REWRITES, *(layouts if is_tflite else ()))],
        "versions": {"mmnet": version("mmnet"), "python": platform.python_version()}
        | {tool: version(tool) for tool in (*converter.tools, *format_tools)},
        **converter.recipe,
        **format_recipe,
    }


def _ranges(request: ExportRequest) -> dict[str, Any] | None:
    """Return the origin of the 8-bit activations' ranges, as the recipe records it."""
    if request.ranges is not None:
        return {"from": "checkpoint", "size": request.ranges.size, **request.ranges.source}
    return {"from": "calibration"} if request.precision.calibrated else None


def _metadata(request: ExportRequest, recipe: dict[str, Any]) -> ModelMetadata:
    config, stores = request.checkpoint.config, request.precision.stores
    if request.choices.file_format == "coreml" and request.precision.name == "float16":
        stores = "16-bit weights and activations"
    return ModelMetadata(
        name=f"{config.name} {config.size} {request.precision.name}",
        description=(
            f"Automatic portrait matting: RGB photo in, alpha matte out. Checkpoint {request.name}, step "
            f"{request.checkpoint.step}, {stores}."
        ),
        version=version("mmnet"),
        author=str(request.checkpoint.provenance.get("author", "")),
        licence=str(request.checkpoint.provenance.get("licence", "")),
        recipe=recipe,
    )
