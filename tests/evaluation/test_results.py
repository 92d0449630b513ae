"""The committed figures, and their measurement again if the research photos are available."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support import ROOT

from mmnet.evaluation.datasets.pairs import load_pairs
from mmnet.evaluation.evaluate import evaluate_candidates
from mmnet.evaluation.models import Candidate
from mmnet.evaluation.resize import RESIZES
from mmnet.export.direct.models import float_tflite
from mmnet.network.resolve import resolve
from mmnet.runtime import Fit

RESULTS = ROOT / "evaluation" / "results"
DOCUMENTS = ("portraits-test-shipped.json", "portraits-test.json", "portraits-test-original.json")

# Measured with the original code and metrics: MAD and GAUSS_GRAD at 256×256, then at 800×600.
ORIGINAL = {
    "304500": ("0.02234", "0.00512", "0.02265", "0.00286"),
    "887000": ("0.01992", "0.00497", "0.02026", "0.00274"),
    "1898000": ("0.02087", "0.00493", "0.02126", "0.00277"),
}
FIGURES = ("MAD_256x256", "GAUSS_GRAD_256x256", "MAD_800x600", "GAUSS_GRAD_800x600")


def committed(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RESULTS / name).read_text(encoding="utf-8"))
    return found


def test_the_readme_is_made_from_the_figures() -> None:
    command = [sys.executable, "-m", "mmnet.evaluation.report", *(RESULTS / name for name in DOCUMENTS)]
    made = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert (RESULTS / "README.md").read_text(encoding="utf-8").endswith("\n" + made)


def test_the_committed_figures_are_those_of_the_original_code() -> None:
    models = {model["name"]: model["statistics"] for model in committed("portraits-test-original.json")["models"]}
    for step, printed in ORIGINAL.items():
        statistics = models[f"MMNetModel-{step}"]
        assert tuple(f"{statistics[figure]['mean']:.5f}" for figure in FIGURES) == printed


@pytest.mark.parametrize("step", ["887000"])
def test_the_original_codes_figures_are_measured_again(research_data: Path, step: str) -> None:
    """The whole test set with one checkpoint; every further one would take as long again."""
    checkpoint = resolve(str(research_data / "mmnet_exp_checkpoints" / step), research_data).load()
    model = float_tflite(checkpoint)
    candidate = Candidate(step, "checkpoint", step, checkpoint.config.size, model)
    pairs = load_pairs(research_data / "portraits", "test")
    (result,) = evaluate_candidates([candidate], pairs, RESIZES["original"], Fit.STRETCH)
    assert tuple(f"{result.statistics[figure].mean:.5f}" for figure in FIGURES) == ORIGINAL[step]
