"""Quantization sensitivity: what every layer loses in 8 bits, as one call."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmnet import svg
from mmnet.api.documents import json_text, save_text
from mmnet.arguments import checked_arguments
from mmnet.evaluation.parity.tolerances import DEFAULTS
from mmnet.export.sensitivity import measure_layers
from mmnet.graph.inference import inference_graph
from mmnet.network.resolve import DEFAULT_FOLDER, OpenedCheckpoint, open_checkpoint
from mmnet.quantize.calibration import Calibration, check_representative, find_calibration_photos, load_calibration
from mmnet.quantize.recipe import RECIPE_FORMAT, ExportRecipe
from mmnet.quantize.sensitivity import Proposal, Sensitivity

__all__ = ["SensitivityReport", "measure_sensitivity"]

FORMAT = "mmnet-sensitivity/1"
# The largest mean |Δα| that an 8-bit model is allowed by default.
TOLERANCE = DEFAULTS["int8"]["max_mad"]


@dataclass(frozen=True, repr=False)
class SensitivityReport:
    """The errors of all layers in 8 bits, and the layers that have to stay float.

    Attributes:
        opened: the checkpoint.
        calibration: the photos that ranges were measured on.
        images: the number of these that errors were measured on.
        sensitivity: mean |Δα| against the float model, for all layers together and for each.
        proposal: the layers that have to stay float so that the tolerance is met.
    """

    opened: OpenedCheckpoint
    calibration: Calibration
    images: int
    sensitivity: Sensitivity
    proposal: Proposal

    def document(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        measured, proposal = self.sensitivity, self.proposal
        return {
            "format": FORMAT,
            **self._inputs(),
            "figure": "mean |Δα| against the float network",
            "all_quantized": measured.full,
            "none_quantized": measured.floor,
            "layers": [
                {
                    "layer": layer.name,
                    "kind": layer.kind,
                    "alone": layer.alone,
                    "without": layer.without,
                    "gain": measured.full - layer.without,
                }
                for layer in measured.layers
            ],
            "proposal": {
                "tolerance": proposal.tolerance,
                "met": proposal.met,
                "except": list(proposal.float_layers or ()),
                "error": proposal.error,
                "recipe_format": RECIPE_FORMAT,
            },
        }

    def recipe(self) -> ExportRecipe:
        """Return the proposed recipe, for `mmnet.export_tflite`; without float layers if none meets the tolerance."""
        return ExportRecipe("int8", None, self.proposal.float_layers or ())

    def to_json(self) -> str:
        """Return `document` as text, without a newline at its end."""
        return json_text(self.document())

    def save_recipe(self, path: str | Path, *, force: bool = False) -> None:
        """Write the proposed recipe, for `export-tflite --recipe`, and where it came from.

        Args:
            path: the file to write.
            force: whether an existing file is replaced.

        Raises:
            OutputExistsError: the file exists and `force` is false.
            OutputError: it cannot be written.
        """
        figures = {"tolerance": self.proposal.tolerance, "error": self.proposal.error}
        document = self.recipe().to_json() | {"proposed": self._inputs() | figures}
        save_text(path, json.dumps(document, indent=2) + "\n", force=force)

    def save_json(self, path: str | Path, *, force: bool = False) -> None:
        """Write `to_json` into a file; arguments and errors are those of `save_recipe`."""
        save_text(path, self.to_json() + "\n", force=force)

    def save_plot(self, path: str | Path, *, force: bool = False) -> None:
        """Write an SVG of every layer's error; arguments and errors are those of `save_recipe`."""
        save_text(path, self.to_svg(), force=force)

    def to_svg(self) -> str:
        """Return an SVG file that shows what every layer adds to the error."""
        measured = self.sensitivity
        own = [max(layer.alone - measured.floor, 0.0) for layer in measured.layers]
        gains = [gain if (gain := measured.full - layer.without) > 0 else None for layer in measured.layers]
        rows = [(layer.name, error, f"{error:.5f}") for layer, error in zip(measured.layers, own, strict=True)]
        heading = [
            self.opened.name,
            "Quantization sensitivity by layer:",
            f"mean |Δα| on {self.images} images; all layers: {measured.full:.5f}, none: {measured.floor:.5f}",
            "bar: added when this layer alone is quantized",
            "tick: gained when this layer alone is left out",
        ]
        return svg.standalone(svg.bars(rows, describe=" ".join(heading), marks=gains), heading)

    def conclusion(self) -> str:
        """Return the proposal in one sentence."""
        proposal = self.proposal
        if proposal.float_layers is None:
            return (
                f"no choice of float layers meets {proposal.tolerance:g}: with all layers in float, input and output "
                f"in bytes alone cost {proposal.error:.5f}"
            )
        if not proposal.float_layers:
            return f"no float layer needed for {proposal.tolerance:g}: all layers in 8 bits give {proposal.error:.5f}"
        return (
            f"{len(proposal.float_layers)} of {len(self.sensitivity.layers)} layers in float give "
            f"{proposal.error:.5f} (tolerance: {proposal.tolerance:g}): {', '.join(proposal.float_layers)}"
        )

    def __repr__(self) -> str:
        return f"<SensitivityReport {self.opened.name}: {self.conclusion()}>"

    def __str__(self) -> str:
        width = max(len(layer.name) for layer in self.sensitivity.layers)
        lines = [f"{'layer':{width}}  {'operator':18}    alone  without"]
        for layer in self.sensitivity.layers:
            lines.append(f"{layer.name:{width}}  {layer.kind:18}  {layer.alone:.5f}  {layer.without:.5f}")
        lines.append(f"all layers in 8 bits: {self.sensitivity.full:.5f}, none: {self.sensitivity.floor:.5f}")
        lines.append(self.conclusion())
        return "\n".join(lines)

    def _inputs(self) -> dict[str, Any]:
        photos = {"photos": len(self.calibration.names), "sha256": self.calibration.fingerprint()}
        return {"checkpoint": self.opened.identity(), "calibration": photos | {"measured_on": self.images}}


@checked_arguments
def measure_sensitivity(
    calibration: str | Path | Calibration,
    checkpoint: str | Path | OpenedCheckpoint = "latest",
    *,
    checkpoint_dir: str | Path = DEFAULT_FOLDER,
    size: int | None = None,
    tolerance: float = TOLERANCE,
    calibration_photos: int = 100,
    images: int = 32,
    progress: Callable[[str, int, int], None] = lambda stage, done, total: None,
) -> SensitivityReport:
    """Measure what every layer loses in 8 bits, and propose the fewest layers that have to stay float.

    Every figure comes from a real .tflite, run as a phone would run it: mean |Δα| against the float network.

        report = mmnet.measure_sensitivity("photos/", "checkpoints/mine", tolerance=0.001)
        print(report)
        mmnet.export_tflite("checkpoints/mine", calibration="photos/", recipe=report.recipe()).save()

    Args:
        calibration: a folder of photos to measure ranges and errors on, or photos that were read.
        checkpoint: `latest`, `best`, a path or a name (see `mmnet.network.resolve.resolve`), or an opened checkpoint.
        checkpoint_dir: the folder that holds the checkpoints.
        size: input size in pixels, a multiple of 16; the checkpoint's if None.
        tolerance: the largest mean |Δα| that the proposed recipe may have.
        calibration_photos: the largest number of photos of the folder to measure ranges on.
        images: the largest number of these to measure errors on.
        progress: called with a stage, the steps done and their total, 0 if that is not known.

    Raises:
        CheckpointError: there is no such checkpoint, or it cannot be read.
        ConfigError: MMNet cannot have this input size.
        CalibrationError: no photos, none that can be read, or photos of one colour.
        MissingExtraError: TensorFlow is not installed.
        ConversionError: TensorFlow's converter refused the graph.
    """
    if not isinstance(calibration, Calibration):
        find_calibration_photos(Path(calibration))  # before TensorFlow is loaded
    if isinstance(checkpoint, OpenedCheckpoint):
        opened = checkpoint.resized(size)
    else:
        opened = open_checkpoint(checkpoint, checkpoint_dir, size=size)
        opened.source.note(checkpoint)
    if not isinstance(calibration, Calibration):
        calibration = load_calibration(
            Path(calibration),
            opened.checkpoint.config.size,
            limit=calibration_photos,
            progress=lambda done, total: progress("reading photos", done, total),
        )
    check_representative(calibration.images)
    count = min(images, len(calibration.images))
    graph = inference_graph(opened.checkpoint)
    sensitivity, proposal = measure_layers(
        graph, calibration.images, count=count, tolerance=tolerance, progress=progress
    )
    return SensitivityReport(opened, calibration, count, sensitivity, proposal)
