"""Exporting a checkpoint to a verified .tflite, .onnx or .mlpackage, as one call each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mmnet.arguments import checked_arguments
from mmnet.export.choices import DEFAULT_CONVERTER, DEFAULT_NETWORK, Choices, check_format_options
from mmnet.export.exporter import ExportListener, ExportRequest, check_options, run_export
from mmnet.export.model import ExportedModel, default_file_name
from mmnet.network.config import ModelConfig
from mmnet.network.resolve import DEFAULT_FOLDER, OpenedCheckpoint, open_checkpoint, resolve
from mmnet.quantize.calibration import Calibration, find_calibration_photos, load_calibration
from mmnet.quantize.precision import Precision, choose_precision
from mmnet.quantize.recipe import ExportRecipe, agreed, read_recipe

__all__ = ["ExportListener", "ExportedModel", "export_coreml", "export_onnx", "export_tflite"]


@checked_arguments
def export_tflite(
    checkpoint: str | Path | OpenedCheckpoint = "latest",
    precision: str | None = None,
    *,
    checkpoint_dir: str | Path = DEFAULT_FOLDER,
    size: int | None = None,
    weights: str | None = None,
    input_type: str | None = None,
    calibration: str | Path | Calibration | None = None,
    calibration_photos: int = 100,
    recipe: str | Path | ExportRecipe | None = None,
    converter: str = DEFAULT_CONVERTER,
    verify: str = DEFAULT_NETWORK,
    listener: ExportListener | None = None,
) -> ExportedModel:
    """Turn a checkpoint into a fast, verified .tflite.

    The network is rewritten to run fast, converted, and compared with the network as it was trained and with the float
    model.
    Nothing is written: `save` of the result does that.

        exported = mmnet.export_tflite("checkpoints/mine", calibration="photos/")
        print(exported)
        exported.save("mine.tflite")

    Args:
        checkpoint: `latest`, `best`, a path or a name (see `mmnet.network.resolve.resolve`), or an opened checkpoint.
        precision: `int8`, `float16`, `float32` or `dynamic`; the recipe's, or `int8`, if None.
        checkpoint_dir: the folder that holds the checkpoints.
        size: input size in pixels, a multiple of 16; the checkpoint's if None.
        weights: of a TF-Slim checkpoint with moving averages of its weights, `raw` or `average`; None takes the
            averages if they are complete.
        input_type: dtype of the input and output: `uint8` (pixels as they are; the default of `int8`) or `float32`
            (values in 0-1).
        calibration: a folder of photos, or photos that were read. The ranges of an 8-bit model are measured on them,
            unless the checkpoint carries ranges; every model is verified on them.
        calibration_photos: the largest number of photos to take from the folder, spread evenly.
        recipe: a recipe, or its file, that gives precision, input type and float layers; `measure_sensitivity`
            proposes one.
        converter: `direct` writes the file; `tensorflow` lets TensorFlow's converter make it, which needs the extra
            `tensorflow`.
        verify: what the float model is compared with: `numpy`, or `keras`, which needs the extra `tensorflow`.
        listener: receives what happens during the export.

    Raises:
        RecipeError: the recipe cannot be read, or contradicts `precision` or `input_type`.
        PrecisionError: an unknown precision, or one that does not allow the input type or float layers.
        CheckpointError: there is no such checkpoint, or it cannot be read.
        ConfigError: MMNet cannot have this input size.
        CalibrationError: no photos, none that can be read, or, where ranges are measured, photos of one colour.
        NeedsCalibrationError: ranges have to be measured, and there are no photos.
        ChoiceError: an unknown converter, or an unknown network to verify with.
        MissingExtraError: safetensors is not installed, or TensorFlow where it is needed.
        VerificationError: the model failed a check that is required.
    """
    choices = Choices(converter=converter, verify=verify)
    plan = recipe if isinstance(recipe, ExportRecipe) else ExportRecipe() if recipe is None else read_recipe(recipe)
    chosen, dtype = choose_precision(
        agreed(plan.precision, precision, "precision") or "int8", agreed(plan.input_dtype, input_type, "input")
    )
    planned = _Planned(chosen, dtype, plan.float_layers, choices)
    return _export(checkpoint, Path(checkpoint_dir), size, weights, planned, calibration, calibration_photos, listener)


@checked_arguments
def export_onnx(
    checkpoint: str | Path | OpenedCheckpoint = "latest",
    precision: str = "float32",
    *,
    checkpoint_dir: str | Path = DEFAULT_FOLDER,
    size: int | None = None,
    weights: str | None = None,
    calibration: str | Path | Calibration | None = None,
    calibration_photos: int = 100,
    verify: str = DEFAULT_NETWORK,
    listener: ExportListener | None = None,
) -> ExportedModel:
    """Turn a checkpoint into a verified ONNX model with the input and the output of the float .tflite.

    The model is written, re-read from the disk, checked by onnx, executed by ONNX Runtime where that is installed, and
    compared with the network as it was trained (float32) or with the float .tflite (int8).

        mmnet.export_onnx("checkpoints/mine").save("mine.onnx")

    Args:
        checkpoint, checkpoint_dir, size, weights, calibration, calibration_photos, verify, listener: as for
            `export_tflite`.
        precision: `float32`, or `int8`: pairs of QuantizeLinear and DequantizeLinear with the checkpoint's ranges, or
            with ranges measured on the calibration photos.

    Raises:
        ChoiceError: another precision, or an unknown network to verify with.
        MissingExtraError: onnx is not installed.
        MMNetError: as for `export_tflite`.
    """
    chosen, _ = choose_precision(precision, None)
    planned = _Planned(chosen, "float32", (), Choices("onnx", verify=verify))
    return _export(checkpoint, Path(checkpoint_dir), size, weights, planned, calibration, calibration_photos, listener)


@checked_arguments
def export_coreml(
    checkpoint: str | Path | OpenedCheckpoint = "latest",
    precision: str = "float16",
    *,
    checkpoint_dir: str | Path = DEFAULT_FOLDER,
    size: int | None = None,
    weights: str | None = None,
    calibration: str | Path | Calibration | None = None,
    calibration_photos: int = 100,
    verify: str = DEFAULT_NETWORK,
    listener: ExportListener | None = None,
) -> ExportedModel:
    """Turn a checkpoint into a verified Core ML model, for iOS 15, macOS 12 and later.

    It takes an RGB image of S×S pixels, `image`, and gives a grey image of the same size, `alpha`: 255 is opaque. The
    model is written, re-read from the disk, compared with the graph constant by constant, executed by NumPy, and its
    alphas are compared with the network as it was trained (float32) or with the float .tflite (float16). Core ML runs
    on Apple's systems alone, so it was never run by Core ML, as a warning and the model's own description say.

        mmnet.export_coreml("checkpoints/mine").save("mine.mlpackage")

    Args:
        checkpoint, checkpoint_dir, size, weights, calibration, calibration_photos, verify, listener: as for
            `export_tflite`.
        precision: of weights and activations: `float16`, in which Apple's Neural Engine computes, or `float32`.

    Raises:
        ChoiceError: another precision, or an unknown network to verify with.
        MissingExtraError: coremltools is not installed.
        MMNetError: as for `export_tflite`.
    """
    chosen, _ = choose_precision(precision, None)
    planned = _Planned(chosen, "float32", (), Choices("coreml", verify=verify))
    return _export(checkpoint, Path(checkpoint_dir), size, weights, planned, calibration, calibration_photos, listener)


@dataclass(frozen=True)
class _Planned:
    """The options of an export that are known before the checkpoint is."""

    precision: Precision
    input_dtype: str
    float_layers: tuple[str, ...]
    choices: Choices

    def __post_init__(self) -> None:
        check_format_options(self.choices.file_format, self.precision.name, self.input_dtype, self.float_layers)


def _export(
    checkpoint: str | Path | OpenedCheckpoint,
    folder: Path,
    size: int | None,
    weights: str | None,
    planned: _Planned,
    calibration: str | Path | Calibration | None,
    calibration_photos: int,
    listener: ExportListener | None,
) -> ExportedModel:
    """Read the checkpoint and the photos, and export; the arguments are those of `export_tflite`."""
    listener = listener or ExportListener()
    if isinstance(checkpoint, OpenedCheckpoint):
        opened = checkpoint.resized(size)
    else:
        # What is wrong with the arguments shows here, before any work begins.
        source = resolve(str(checkpoint), folder)
        config = ModelConfig(size=source.size() if size is None else size)
        has_photos, has_ranges = calibration is not None, source.has_ranges()
        check_options(planned.precision, planned.float_layers, has_photos=has_photos, has_ranges=has_ranges)
        if calibration is not None and not isinstance(calibration, Calibration):
            find_calibration_photos(Path(calibration))
        name = default_file_name(source.label, config.size, planned.precision.name, planned.choices.file_format)
        listener.on_start(name)
        opened = open_checkpoint(source, size=size, weights=weights)
    listener.on_checkpoint(opened, planned.precision)
    if calibration is not None and not isinstance(calibration, Calibration):
        calibration = load_calibration(
            Path(calibration),
            opened.checkpoint.config.size,
            limit=calibration_photos,
            progress=lambda done, total: listener.on_progress("reading photos", done, total),
        )
    if calibration is not None:
        listener.on_calibration(calibration)
    request = ExportRequest(
        opened.checkpoint,
        opened.name,
        planned.precision,
        planned.input_dtype,
        calibration,
        planned.float_layers,
        opened.source.label,
        planned.choices,
    )
    listener.on_request(request)
    return run_export(request, listener)
