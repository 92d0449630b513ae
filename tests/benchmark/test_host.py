"""`mmnet benchmark` on this host. No test says how long anything may take."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import error_line, random_checkpoint, run
from typer.testing import CliRunner

from mmnet.cli.main import app
from mmnet.errors import MMNetError
from mmnet.network.checkpoint import save_checkpoint
from mmnet.network.config import ModelConfig
from mmnet.runtime.errors import ModelError

pytestmark = pytest.mark.slow


def benchmark(*arguments: object) -> dict[str, Any]:
    """Return the one measurement of a command that must succeed."""
    done = run("mmnet", "benchmark", *arguments, "--json", "-", timeout=1200)
    assert done.returncode == 0, done.stderr
    measurements: list[dict[str, Any]] = json.loads(done.stdout)["measurements"]
    assert len(measurements) == 1
    return measurements[0]


@pytest.fixture(scope="module")
def both(tiny_files: Path) -> dict[str, Any]:
    """The measurement of two models on one and on two threads."""
    files = (tiny_files / "float.tflite", tiny_files / "uint8.tflite")
    return benchmark(*files, "--threads", "1,2", "--runs", 7, "--warmup", 2, "--frame", "96x72")


def test_every_model_runs_on_every_number_of_threads(both: dict[str, Any]) -> None:
    cases = [(result["name"], result["threads"]) for result in both["results"]]
    assert cases == [("float", 1), ("float", 2), ("uint8", 1), ("uint8", 2)]


def test_figures_are_those_of_the_rounds(both: dict[str, Any]) -> None:
    for result in both["results"]:
        assert min(result["load_ms"], result["first_run_ms"], result["warmup"]["min_ms"]) > 0
        assert result["warmup"]["runs"] == 2
        assert 0 < result["peak_memory_bytes"] < result["process_memory_bytes"]
        assert set(result["stages"]) == set(result["rounds_ms"]) == {"preprocess", "invoke", "postprocess", "total"}
        for stage, latency in result["stages"].items():
            rounds = np.array(result["rounds_ms"][stage])
            assert latency["runs"] == len(rounds) == 7
            wanted = [rounds.min(), *np.percentile(rounds, (50, 90, 95)), rounds.max()]
            figures = [latency[f"{figure}_ms"] for figure in ("min", "median", "p90", "p95", "max")]
            np.testing.assert_allclose(figures, wanted, rtol=1e-4, atol=1e-5)
        stages = [result["rounds_ms"][stage] for stage in ("preprocess", "invoke", "postprocess")]
        np.testing.assert_allclose(np.sum(stages, axis=0), result["rounds_ms"]["total"], atol=1e-4)


def test_composites_are_timed_on_request(tiny_files: Path) -> None:
    measurement = benchmark(
        tiny_files / "uint8.tflite", "--composite", "--runs", 5, "--warmup", 0, "--frame", "200x150"
    )
    (result,) = measurement["results"]
    stages = ("preprocess", "invoke", "postprocess", "composite")
    rounds = {stage: np.array(result["rounds_ms"][stage]) for stage in stages}
    np.testing.assert_allclose(sum(rounds.values()), result["rounds_ms"]["total"], atol=1e-4)
    after = (rounds["postprocess"] + rounds["composite"]) / rounds["invoke"]
    assert result["after_invoke"]["median"] == pytest.approx(np.median(after), rel=1e-3)


def test_without_composites_there_is_no_such_ratio(both: dict[str, Any]) -> None:
    assert all(result["after_invoke"] is None for result in both["results"])


def test_ratios_compare_the_same_rounds_and_threads(both: dict[str, Any]) -> None:
    assert both["baseline"] == "float"
    by_case = {(result["name"], result["threads"]): result for result in both["results"]}
    for threads in (1, 2):
        base, other = by_case["float", threads], by_case["uint8", threads]
        assert base["ratio"] is None
        for stage in ("invoke", "total"):
            ratio = other["ratio"][stage]
            rounds = np.array(other["rounds_ms"][stage]) / np.array(base["rounds_ms"][stage])
            assert ratio["median"] == pytest.approx(np.median(rounds), rel=1e-3)
            assert rounds.min() * 0.999 <= ratio["low"] <= ratio["median"] <= ratio["high"] <= rounds.max() * 1.001


def test_the_machine_is_described(both: dict[str, Any]) -> None:
    machine = both["machine"]
    assert machine["kind"] == "host"
    assert machine["processor"]
    assert machine["cores"] >= machine["usable_cores"] >= 1
    assert len(machine["load_average"]) == 3
    assert {"mmnet", "ai-edge-litert", "numpy"} <= set(machine["versions"])


def test_a_warning_says_that_the_machine_is_loaded(both: dict[str, Any]) -> None:
    loaded = both["machine"]["load_average"][0] > 0.25 * both["machine"]["cores"]
    assert any("loaded" in warning for warning in both["warnings"]) == loaded


def test_the_model_is_described(both: dict[str, Any]) -> None:
    result = both["results"][0]
    assert (result["size"], result["kind"], result["xnnpack_partitions"]) == (64, "tflite", 1)
    assert result["parameters"] > 0
    assert result["multiply_adds"] > 0


def test_without_the_delegate(tiny_files: Path) -> None:
    measurement = benchmark(tiny_files / "uint8.tflite", "--delegate", "none", "--runs", 1, "--warmup", 0)
    (result,) = measurement["results"]
    assert (measurement["baseline"], result["ratio"], result["warmup"]) == (None, None, None)
    assert result["delegate"] == "none"


def test_the_table_names_every_model(tiny_files: Path) -> None:
    done = run("mmnet", "benchmark", tiny_files / "float.tflite", tiny_files / "uint8.tflite", "--runs", 3)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines[1:4]] == ["ms", "float", "uint8"]
    assert done.stderr == ""
    assert "ratio: of invoke to float" in done.stdout


def test_a_baseline_comes_first_and_once(tiny_files: Path) -> None:
    base, other = tiny_files / "uint8.tflite", tiny_files / "float.tflite"
    measurement = benchmark(other, base, "--baseline", base, "--runs", 3, "--warmup", 0)
    assert measurement["baseline"] == "uint8"
    assert [result["name"] for result in measurement["results"]] == ["uint8", "float"]


def test_the_naive_conversion_is_a_baseline(tiny_files: Path, tmp_path: Path) -> None:
    save_checkpoint(random_checkpoint(ModelConfig(width=0.5, size=64)), tmp_path / "mine")
    measurement = benchmark(tiny_files / "uint8.tflite", "--naive", tmp_path / "mine", "--runs", 3, "--warmup", 0)
    naive, ours = measurement["results"]
    assert measurement["baseline"] == naive["name"] == "naive mine"
    assert (naive["kind"], naive["recipe"]["precision"]) == ("naive", "float32")
    assert ours["ratio"]["invoke"]["rounds"] == 3


def test_merging_keeps_what_was_measured(tiny_files: Path, tmp_path: Path) -> None:
    output = tmp_path / "latency.json"
    for _ in range(2):
        done = run("mmnet", "benchmark", tiny_files / "uint8.tflite", "--runs", 1, "--json", output, "--merge")
        assert done.returncode == 0, done.stderr
    first, second = json.loads(output.read_text())["measurements"]
    assert first["results"][0]["sha256"] == second["results"][0]["sha256"]
    before = output.read_bytes()
    assert "--force" in error_line(run("mmnet", "benchmark", tiny_files / "uint8.tflite", "--json", output))
    assert output.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("{models}/float.tflite", "--threads", "0"), "--threads 0"),
        (("{models}/float.tflite", "--threads", "1,"), "--threads 1,"),
        (("{models}/float.tflite", "--frame", "0x7"), "--frame 0x7"),
        (("{models}/float.tflite", "--delegate", "tpu"), "choose one of xnnpack, none"),
        (("{models}/missing.tflite",), "missing.tflite"),
        (("{models}/float.tflite", "--baseline", "a", "--naive", "b"), "baseline=… and naive=…"),
        (("{models}/float.tflite", "--merge"), "--json"),
        (("{models}/float.tflite", "--composite", "--device", "any"), "leave --device out"),
        (("{models}/float.tflite", "--json", "/nowhere/out.json"), "/nowhere"),
        (("{models}/float.tflite", "--naive", "/nowhere/ckpt"), "/nowhere/ckpt"),
    ],
)
def test_bad_arguments_are_named(arguments: tuple[str, ...], words: str, tiny_files: Path) -> None:
    given = [argument.format(models=tiny_files) for argument in arguments]
    result = CliRunner().invoke(app, ["benchmark", *given])
    assert isinstance(result.exception, MMNetError)
    assert words in str(result.exception)


def test_without_a_model_the_one_that_ships_is_measured(tiny_files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = (tiny_files / "uint8.tflite").read_bytes()
    monkeypatch.setattr("mmnet.benchmark.candidates.default_model", lambda: content)
    outcome = CliRunner().invoke(app, ["benchmark", "--runs", "1", "--warmup", "0", "--json", "-"])
    assert outcome.exit_code == 0, outcome.output
    (measurement,) = json.loads(outcome.stdout)["measurements"]
    assert measurement["results"][0]["sha256"] == hashlib.sha256(content).hexdigest()


def test_without_any_model_there_is_nothing_to_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_ships() -> bytes:
        raise ModelError("none")

    monkeypatch.setattr("mmnet.benchmark.candidates.default_model", none_ships)
    outcome = CliRunner().invoke(app, ["benchmark"])
    assert isinstance(outcome.exception, MMNetError)
    assert "nothing to measure" in str(outcome.exception)


def test_merging_into_something_else_is_refused(tiny_files: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text('{"format": "mmnet-evaluation/1"}')
    line = error_line(run("mmnet", "benchmark", tiny_files / "float.tflite", "--json", other, "--merge"))
    assert "other.json" in line
    assert "mmnet-evaluation/1" in line


def test_damaged_model(tiny_files: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.tflite"
    damaged.write_bytes((tiny_files / "float.tflite").read_bytes()[:-4000])
    assert "damaged.tflite" in error_line(run("mmnet", "benchmark", damaged))


def test_no_tensorflow_is_loaded(tiny_files: Path) -> None:
    script = f"""
import sys
sys.argv = ['mmnet', 'benchmark', {str(tiny_files / "uint8.tflite")!r}, '--runs', '1']
from mmnet.cli.main import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print(sorted({{'tensorflow', 'keras', 'tf_keras', 'adbutils'}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
