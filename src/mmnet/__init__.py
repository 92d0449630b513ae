"""MMNet portrait matting for phones: export a checkpoint to a verified 8-bit .tflite, and matte photos with it.

    import mmnet

    exported = mmnet.export_tflite("latest")            # a verified .tflite
    exported.save("mmnet.tflite")
    with mmnet.PortraitMatter() as matter:              # the model that ships
        alpha = matter("photo.jpg")                     # float32 [H, W] in 0-1

Everything in `__all__` is public; every other module is internal. Names load on first use, so that `import mmnet` is
light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

# Public name -> the module that holds it.
_HOMES = {
    "ArmComparison": "mmnet.api.comparing",
    "BatchInterrupted": "mmnet.api.batching",
    "BatchOptions": "mmnet.api.batching",
    "BatchReport": "mmnet.api.batching",
    "Evaluation": "mmnet.api.evaluating",
    "ExportListener": "mmnet.api.exporting",
    "ExportedModel": "mmnet.api.exporting",
    "LatencyFigure": "mmnet.api.benchmarking",
    "LatencyReport": "mmnet.api.benchmarking",
    "MMNetError": "mmnet.errors",
    "MatteServer": "mmnet.serve.server",
    "ModelComparison": "mmnet.api.comparing_models",
    "ModelProfile": "mmnet.api.profiling",
    "ParityComparison": "mmnet.api.comparing",
    "PortraitMatter": "mmnet.runtime",
    "Profile": "mmnet.runtime",
    "QuantizedCheckpoint": "mmnet.api.quantizing",
    "ReleaseReport": "mmnet.api.releasing",
    "SensitivityReport": "mmnet.api.sensitivity",
    "ServerLimits": "mmnet.serve.options",
    "ShippedModel": "mmnet.api.shipped",
    "TrainedRun": "mmnet.api.training",
    "TrainingListener": "mmnet.api.training",
    "TrainingOptions": "mmnet.api.training",
    "VideoEvaluation": "mmnet.api.evaluating",
    "compare": "mmnet.api.comparing",
    "compare_models": "mmnet.api.comparing_models",
    "compare_on_arm": "mmnet.api.comparing",
    "composite": "mmnet.runtime",
    "cutout": "mmnet.runtime",
    "evaluate": "mmnet.api.evaluating",
    "evaluate_release": "mmnet.api.releasing",
    "evaluate_videos": "mmnet.api.evaluating",
    "export_coreml": "mmnet.api.exporting",
    "export_onnx": "mmnet.api.exporting",
    "export_tflite": "mmnet.api.exporting",
    "list_models": "mmnet.api.shipped",
    "matte_batch": "mmnet.api.batching",
    "measure_latency": "mmnet.api.benchmarking",
    "measure_latency_on_phone": "mmnet.api.benchmarking",
    "measure_sensitivity": "mmnet.api.sensitivity",
    "open_checkpoint": "mmnet.network.resolve",
    "plot_latency": "mmnet.api.benchmarking",
    "profile_model": "mmnet.api.profiling",
    "quantize_checkpoint": "mmnet.api.quantizing",
    "read_photo": "mmnet.runtime",
    "train": "mmnet.api.training",
}

if TYPE_CHECKING:
    __version__: str

    from mmnet.api.batching import BatchInterrupted, BatchOptions, BatchReport, matte_batch
    from mmnet.api.benchmarking import (
        LatencyFigure,
        LatencyReport,
        measure_latency,
        measure_latency_on_phone,
        plot_latency,
    )
    from mmnet.api.comparing import ArmComparison, ParityComparison, compare, compare_on_arm
    from mmnet.api.comparing_models import ModelComparison, compare_models
    from mmnet.api.evaluating import Evaluation, VideoEvaluation, evaluate, evaluate_videos
    from mmnet.api.exporting import ExportedModel, ExportListener, export_coreml, export_onnx, export_tflite
    from mmnet.api.profiling import ModelProfile, profile_model
    from mmnet.api.quantizing import QuantizedCheckpoint, quantize_checkpoint
    from mmnet.api.releasing import ReleaseReport, evaluate_release
    from mmnet.api.sensitivity import SensitivityReport, measure_sensitivity
    from mmnet.api.shipped import ShippedModel, list_models
    from mmnet.api.training import TrainedRun, TrainingListener, TrainingOptions, train
    from mmnet.errors import MMNetError
    from mmnet.network.resolve import open_checkpoint
    from mmnet.runtime import PortraitMatter, Profile, composite, cutout, read_photo
    from mmnet.serve.options import ServerLimits
    from mmnet.serve.server import MatteServer

__all__ = [
    "ArmComparison",
    "BatchInterrupted",
    "BatchOptions",
    "BatchReport",
    "Evaluation",
    "ExportListener",
    "ExportedModel",
    "LatencyFigure",
    "LatencyReport",
    "MMNetError",
    "MatteServer",
    "ModelComparison",
    "ModelProfile",
    "ParityComparison",
    "PortraitMatter",
    "Profile",
    "QuantizedCheckpoint",
    "ReleaseReport",
    "SensitivityReport",
    "ServerLimits",
    "ShippedModel",
    "TrainedRun",
    "TrainingListener",
    "TrainingOptions",
    "VideoEvaluation",
    "compare",
    "compare_models",
    "compare_on_arm",
    "composite",
    "cutout",
    "evaluate",
    "evaluate_release",
    "evaluate_videos",
    "export_coreml",
    "export_onnx",
    "export_tflite",
    "list_models",
    "matte_batch",
    "measure_latency",
    "measure_latency_on_phone",
    "measure_sensitivity",
    "open_checkpoint",
    "plot_latency",
    "profile_model",
    "quantize_checkpoint",
    "read_photo",
    "train",
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used (PEP 562)."""
    if name == "__version__":
        from importlib.metadata import version

        return version("mmnet")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
