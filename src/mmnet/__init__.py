"""MMNet portrait matting for phones: export a checkpoint to a verified 8-bit .tflite, and matte photos with it.

    import mmnet

    exported = mmnet.export_tflite("latest")            # a verified .tflite
    exported.save("mmnet.tflite")
    with mmnet.PortraitMatter() as matter:              # the model that ships
        alpha = matter(mmnet.read_photo("photo.jpg"))   # float32 [H, W] in 0-1

Everything in `__all__` is public; every other module is internal. Names load on first use, so that `import mmnet` is
light.
"""

from __future__ import annotations

import importlib
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

__version__ = version("mmnet")

# Public name -> the module that holds it.
_HOMES = {
    "ExportListener": "mmnet.api.exporting",
    "ExportedModel": "mmnet.api.exporting",
    "MMNetError": "mmnet.errors",
    "PortraitMatter": "mmnet.runtime",
    "QuantizedCheckpoint": "mmnet.api.quantizing",
    "SensitivityReport": "mmnet.api.sensitivity",
    "TrainedRun": "mmnet.api.training",
    "TrainingListener": "mmnet.api.training",
    "TrainingOptions": "mmnet.api.training",
    "composite": "mmnet.runtime",
    "cutout": "mmnet.runtime",
    "export_tflite": "mmnet.api.exporting",
    "measure_sensitivity": "mmnet.api.sensitivity",
    "open_checkpoint": "mmnet.network.resolve",
    "quantize_checkpoint": "mmnet.api.quantizing",
    "read_photo": "mmnet.runtime",
    "train": "mmnet.api.training",
}

if TYPE_CHECKING:
    from mmnet.api.exporting import ExportedModel, ExportListener, export_tflite
    from mmnet.api.quantizing import QuantizedCheckpoint, quantize_checkpoint
    from mmnet.api.sensitivity import SensitivityReport, measure_sensitivity
    from mmnet.api.training import TrainedRun, TrainingListener, TrainingOptions, train
    from mmnet.errors import MMNetError
    from mmnet.network.resolve import open_checkpoint
    from mmnet.runtime import PortraitMatter, composite, cutout, read_photo

__all__ = [
    "ExportListener",
    "ExportedModel",
    "MMNetError",
    "PortraitMatter",
    "QuantizedCheckpoint",
    "SensitivityReport",
    "TrainedRun",
    "TrainingListener",
    "TrainingOptions",
    "composite",
    "cutout",
    "export_tflite",
    "measure_sensitivity",
    "open_checkpoint",
    "quantize_checkpoint",
    "read_photo",
    "train",
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
