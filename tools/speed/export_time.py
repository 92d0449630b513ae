"""Measure the wall time of whole `export-tflite` commands, with the start of the process, and of their steps.

Run on a quiet machine:
  python tools/speed/export_time.py --ckpt CHECKPOINT --calibration PHOTOS [--json FILE]

`--converter tensorflow --verify keras` is what it took with TensorFlow.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PRECISIONS = ("float32", "int8")

# The command with a clock around each function that takes time; it writes the seconds of each as JSON.
_CLOCKED = """
import json, sys, time
start = time.perf_counter()
spent = {}
def clocked(module, name, label):
    function = getattr(module, name)
    def run(*args, **kwargs):
        begin = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            spent[label] = spent.get(label, 0) + time.perf_counter() - begin
    setattr(module, name, run)
import mmnet.cli.main
mmnet.cli.main.silence_native_libraries()
spent["start of the process"] = time.perf_counter() - start
begin = time.perf_counter()
import mmnet.api.exporting as exporting, mmnet.export.exporter as exporter, mmnet.network.resolve as resolve
spent["imports"] = time.perf_counter() - begin
clocked(resolve.CheckpointSource, "load", "read the checkpoint")
clocked(exporting, "load_calibration", "read the photos")
clocked(exporter, "check_against_network", "compare with the network as it was trained")
clocked(exporter, "_convert", "measure ranges and round to 8 bits")
clocked(exporter, "check_against_float", "compare int8 with float")
clocked(exporter, "check_graph", "inspect operators and contract")
try:
    mmnet.cli.main.export_tflite()
except SystemExit as end:
    if end.code:
        raise
spent["everything else"] = time.perf_counter() - start - sum(spent.values())
with open(sys.argv[sys.argv.index("-o") + 1] + ".times", "w") as file:
    json.dump(spent, file)
"""


def main() -> None:
    """Measure both precisions and print the times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ckpt", required=True)
    parser.add_argument("--calibration", required=True)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--converter", default="direct")
    parser.add_argument("--verify", default="numpy")
    arguments = parser.parse_args()
    results = {}
    for precision in PRECISIONS:
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder) / "model.tflite"
            options = ["--ckpt", arguments.ckpt, "--precision", precision, "-o", str(output)]
            options += ["--converter", arguments.converter, "--verify", arguments.verify]
            options += ["--calibration", arguments.calibration] if precision == "int8" else []
            start = time.perf_counter()
            program = Path(sys.executable).with_name("export-tflite")
            subprocess.run([program, *options], check=True, stdout=subprocess.DEVNULL)
            wall = time.perf_counter() - start
            subprocess.run([sys.executable, "-c", _CLOCKED, *options, "--force"], check=True, stdout=subprocess.DEVNULL)
            spent = json.loads(output.with_name(output.name + ".times").read_text())
        results[precision] = {"wall_s": round(wall, 2), "seconds": {k: round(v, 2) for k, v in spent.items()}}
        print(f"{precision}: {wall:.1f} s")
        for label, seconds in spent.items():
            print(f"  {seconds:6.2f} s  {label}")
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
