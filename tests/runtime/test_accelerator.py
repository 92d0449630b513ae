"""LiteRT's accelerators: the bytes of the interpreter on the processor, one clear line where there is no GPU."""

from __future__ import annotations

import json

import numpy as np
import pytest
from support import error_line, run

import mmnet
from mmnet.benchmark.errors import BenchmarkError
from mmnet.runtime import MattingModel, ModelError, PortraitMatter
from mmnet.runtime.model import default_model
from mmnet.runtime.tflite.accelerator import AcceleratorError
from mmnet.runtime.tflite.inspection import inspect_model
from mmnet.runtime.tflite.support_tables import TABLES, documented_support


@pytest.mark.parametrize("kind", ["float_model", "tiny_model", "shipped"])
def test_the_processor_gives_the_bytes_of_the_interpreter(kind, request, noise):
    model = default_model() if kind == "shipped" else request.getfixturevalue(kind)
    with MattingModel(model, threads=1) as ours, MattingModel(model, threads=1, accelerator="cpu") as compiled:
        assert (compiled.accelerator, compiled.size) == ("cpu", ours.size)
        assert compiled.accelerated is (kind != "tiny_model")  # XNNPACK has no QUANTIZE of uint8
        assert (ours.accelerator, ours.accelerated) == (None, None)
        for _ in range(2):
            image = noise(ours.size, ours.size, 3)
            expected, found = ours.run_raw(image), compiled.run_raw(image)
            assert found.dtype == expected.dtype
            np.testing.assert_array_equal(found, expected)
    with pytest.raises(ModelError, match="is closed"):
        compiled.run(image)


def has_gpu(model):
    try:
        MattingModel(model, accelerator="gpu").close()
    except AcceleratorError:
        return False
    return True


def test_a_gpu_stays_close_or_is_refused_in_one_line(float_model, noise, tmp_path):
    if not has_gpu(float_model):
        with pytest.raises(AcceleratorError, match=r"cannot run it on a GPU of this machine: .* leave it out$"):
            PortraitMatter(float_model, accelerator="gpu")
        photo = tmp_path / "photo.png"
        photo.write_bytes(b"never read")
        line = error_line(run("mmnet", "matte", photo, "--model", float_model, "--accelerator", "gpu"))
        assert "cannot run it on a GPU of this machine" in line
        measured = error_line(run("mmnet", "benchmark", float_model, "--accelerator", "gpu", "--runs", "1"))
        assert measured == line
        return
    with MattingModel(float_model) as ours, MattingModel(float_model, accelerator="gpu") as gpu:
        image = noise(ours.size, ours.size, 3)
        np.testing.assert_allclose(gpu.run_float(image), ours.run_float(image), atol=0.02)


def test_unknown_accelerators_are_refused(float_model):
    with pytest.raises(AcceleratorError, match="unknown accelerator 'npu'; choose one of cpu, gpu"):
        MattingModel(float_model, accelerator="npu")
    with MattingModel(float_model) as model, pytest.raises(TypeError, match="accelerator"):
        PortraitMatter(model, accelerator="cpu")
    with pytest.raises(BenchmarkError, match="needs no delegate"):
        mmnet.measure_latency(float_model, accelerator="cpu", delegate="none")


def test_parity_of_a_model_on_an_accelerator(tiny_model, photos, tmp_path):
    report = tmp_path / "parity.json"
    done = run("mmnet", "parity", tiny_model, "-d", photos, "--accelerator", "cpu", "--json", report)
    assert done.returncode == 0, done.stderr
    found = json.loads(report.read_text())
    assert found["models"]["other"]["accelerator"] == "cpu"
    assert found["models"]["other"]["name"].endswith(" on cpu")
    assert found["differences"]["MAD"]["mean"] == 0
    refused = run("mmnet", "parity", tiny_model, "-d", photos)
    assert refused.returncode == 2
    with pytest.raises(AcceleratorError, match=r"an accelerator runs a \.tflite; export the checkpoint"):
        mmnet.compare(tiny_model, "mmnet-1.0", photos, accelerator="cpu")


def test_latency_on_an_accelerator(float_model):
    report = mmnet.measure_latency(float_model, accelerator="cpu", runs=2, warmup_runs=0, frame=(64, 64))
    (entry,) = report.document()["measurements"][0]["results"]
    assert entry["delegate"] == "accelerator cpu"


def test_documented_support_counts_operators(tiny_model):
    report = inspect_model(tiny_model)
    assert [entry.delegate for entry in report.delegates] == [table.delegate for table in TABLES]
    for entry in report.delegates:
        assert entry.taken + len(entry.outside) == len(report.graph_order)
        assert entry.source
        assert entry.read
    gpu, hexagon = documented_support(["CONV_2D", "SPLIT", "DEPTH_TO_SPACE", "DEQUANTIZE"])
    assert (gpu.taken, gpu.outside) == (1, ("SPLIT", "DEPTH_TO_SPACE", "DEQUANTIZE"))
    assert (hexagon.taken, hexagon.outside) == (3, ("DEQUANTIZE",))
