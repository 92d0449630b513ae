"""Export a checkpoint to a `.tflite`, look at its checks, and compare it with the float network on your photos.

    python examples/export_and_check.py mine.tflite photos/

The exit code is 1 if the two differ by more than the tolerances of `mmnet parity`. It needs `pip install '.[export]'`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import mmnet


def main() -> None:
    """Export, save and compare."""
    parser = argparse.ArgumentParser(description="Export a checkpoint and check the result.")
    parser.add_argument("output", type=Path, help="the .tflite to write")
    parser.add_argument("photos", type=Path, help="a folder of photos, to compare on")
    parser.add_argument("--checkpoint", default="latest")
    parser.add_argument("--precision", default="int8", choices=("int8", "float16", "float32", "dynamic"))
    arguments = parser.parse_args()

    exported = mmnet.export_tflite(arguments.checkpoint, arguments.precision)  # raises an error if a check fails
    print(exported)  # the model and its checks
    exported.save(arguments.output)

    comparison = mmnet.compare(arguments.checkpoint, exported.content, arguments.photos, layers=False)
    print(comparison)  # limits, intervals and the verdict
    sys.exit(0 if comparison.passed else 1)


if __name__ == "__main__":
    main()
