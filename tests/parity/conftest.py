"""Networks to quantize, in every precision, and images to compare them on."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from portraits import write_folders
from support import random_checkpoint

from mmnet.evaluation.models import Candidate
from mmnet.export.direct.models import float_tflite
from mmnet.export.exporter import ExportRequest, run_export
from mmnet.network.checkpoint import Checkpoint, CheckpointNotFoundError
from mmnet.network.config import ModelConfig
from mmnet.network.resolve import resolve
from mmnet.quantize.calibration import load_calibration
from mmnet.quantize.precision import PRECISIONS


@pytest.fixture(scope="session", params=["random", "shipped"])
def network(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Checkpoint]:
    """What is exported: a small network with random weights, and the trained one that ships, where one does."""
    if request.param == "random":
        return "random", random_checkpoint(ModelConfig(0.35, 64, "half_pixel"), seed=3)
    try:
        return "shipped", resolve("latest", tmp_path_factory.mktemp("none")).load()
    except CheckpointNotFoundError as error:
        pytest.skip(f"no trained checkpoint ships: {error}")


@pytest.fixture(scope="session")
def exported(network: tuple[str, Checkpoint], photos: Path) -> Callable[[str], Candidate]:
    """exported(precision) -> what export-tflite makes of the network, made once."""
    name, checkpoint = network
    # What ships carries its ranges. These photos would only verify it, by what is accepted of portraits.
    calibration = load_calibration(photos, checkpoint.config.size) if name == "random" else None

    @cache
    def export(precision: str) -> Candidate:
        chosen = PRECISIONS[precision]
        made = run_export(ExportRequest(checkpoint, "network", chosen, chosen.inputs[0], calibration))
        return Candidate(precision, "tflite", precision, checkpoint.config.size, made.content, made.recipe)

    return export


@pytest.fixture(scope="session")
def reference(network: tuple[str, Checkpoint]) -> Candidate:
    """The network in floats."""
    _, checkpoint = network
    model = float_tflite(checkpoint)
    return Candidate("float", "checkpoint", "network", checkpoint.config.size, model, {"precision": "float32"})


@pytest.fixture(scope="session")
def portraits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight drawn portraits with their mattes, of another size than any network's."""
    return write_folders(tmp_path_factory.mktemp("parity"), 8, height=180, width=140)
