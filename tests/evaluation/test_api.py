"""`mmnet.evaluate`, `mmnet.evaluate_videos` and `mmnet.compare`: the same figures as the commands, from Python."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from moving import drawn_sequence
from portraits import write_image
from support import run

import mmnet
from mmnet.api.models import NamedCheckpoint
from mmnet.evaluation.datasets.pairs import DatasetError
from mmnet.evaluation.evaluate import EvaluationError
from mmnet.evaluation.figures import FIGURES
from mmnet.evaluation.parity.compare import NotComparedError
from mmnet.evaluation.resize import ResizeError
from mmnet.runtime import ModelError


def test_evaluate_gives_the_documents_of_the_command(
    portraits: Path, checkpoint_folder: Path, uint8_model: Path, tmp_path: Path
) -> None:
    stages: list[str] = []
    evaluation = mmnet.evaluate(
        [str(checkpoint_folder), uint8_model],
        portraits,
        split="test",
        progress=lambda stage, done, total: stages.append(stage),
    )
    assert evaluation.models == ("mine", "uint8")
    assert list(dict.fromkeys(stages)) == ["reading images", "converting", "measuring"]
    assert evaluation["mine"]["MAD"].images == 6

    path = tmp_path / "figures.json"
    models = ["--ckpt", checkpoint_folder, "-m", uint8_model]
    done = run("mmnet", "evaluate", *models, "-d", portraits, "--split", "test", "--json", path)
    assert done.returncode == 0, done.stderr
    expected, found = json.loads(path.read_text()), json.loads(evaluation.to_json())
    assert found.pop("command") is None
    assert expected.pop("command").startswith("mmnet evaluate")
    assert found == expected
    evaluation.save_json(path, force=True)
    assert json.loads(path.read_text())["models"] == expected["models"]


def test_an_evaluation_prints_a_table(portraits: Path, uint8_model: Path) -> None:
    evaluation = mmnet.evaluate(uint8_model.read_bytes(), portraits / "test")
    lines = str(evaluation).splitlines()
    assert lines[0].split() == ["model"]
    assert [line.split()[0] for line in lines[1 : 1 + len(FIGURES)]] == [figure.name for figure in FIGURES]
    assert f"{evaluation['model']['MAD'].mean:.5f}" in lines[5]
    assert "6 images" in lines[-1]
    assert repr(evaluation).startswith("Evaluation(models=['model'], images=6")
    with pytest.raises(KeyError, match="no model 'other'; the models are model"):
        evaluation["other"]


def test_what_cannot_be_evaluated(portraits: Path, uint8_model: Path, pairs_folder: Path) -> None:
    with pytest.raises(EvaluationError, match="nothing to evaluate"):
        mmnet.evaluate([], portraits)
    with pytest.raises(ResizeError, match="unknown resize 'cubic'; choose one of runtime, original"):
        mmnet.evaluate(uint8_model, portraits, resize="cubic")
    with pytest.raises(ModelError, match=r"absent\.tflite"):
        mmnet.evaluate("absent.tflite", portraits)
    with pytest.raises(mmnet.MMNetError, match="absent"):
        mmnet.evaluate(NamedCheckpoint("absent"), portraits / "test")
    (pairs_folder / "mask" / "p1.png").unlink()
    with pytest.raises(DatasetError, match=r"p1\.jpg: has no matte"):
        mmnet.evaluate(uint8_model, pairs_folder)


def test_evaluate_videos(uint8_model: Path, tmp_path: Path) -> None:
    frames, mattes = drawn_sequence([(20.0 + at, 24.0) for at in range(3)], size=48)
    for at, (frame, matte) in enumerate(zip(frames, mattes, strict=True)):
        write_image(tmp_path / "a" / "image" / f"{at}.png", frame)
        write_image(tmp_path / "a" / "mask" / f"{at}.png", np.rint(matte * 255).astype(np.uint8))
    evaluation = mmnet.evaluate_videos([uint8_model], tmp_path)
    assert evaluation.models == ("uint8",)
    assert evaluation["uint8 smoothed"]["dtSSD"].images == 1
    assert str(evaluation).splitlines()[0].split() == ["uint8", "uint8", "smoothed"]
    assert "1 sequences, 3 frames" in str(evaluation)
    assert set(json.loads(evaluation.to_json())["models"][0]["smoothed"]["sequences"]) == {"a"}


def test_compare(portraits: Path, float_model: Path, uint8_model: Path, tmp_path: Path) -> None:
    comparison = mmnet.compare(float_model, uint8_model.read_bytes(), portraits, split="test", limit=3, layers=False)
    assert not comparison.passed
    assert comparison.verdict.startswith("Beyond tolerance: mean |Δα|")
    assert comparison.verdict in repr(comparison)
    assert str(comparison).splitlines()[-1].startswith(comparison.verdict)
    assert [check.limit.name for check in comparison.checks][:2] == ["max_mad", "max_image_mad"]
    assert comparison.document()["data"]["images"] == 3
    page = tmp_path / "parity.html"
    comparison.save_report(page, with_photos=False)
    assert comparison.verdict in page.read_text()
    with pytest.raises(mmnet.MMNetError, match="exists already"):
        comparison.save_report(page)

    wide = {"max_mad": 1, "max_image_mad": 1, "max_mad_increase": 9, "max_gauss_grad_increase": 9}
    assert mmnet.compare(float_model, uint8_model, portraits / "test", accepted=wide, layers=False).passed
    with pytest.raises(NotComparedError, match="unknown limit 'max_made'"):
        mmnet.compare(float_model, uint8_model, portraits / "test", accepted={"max_made": 1})
