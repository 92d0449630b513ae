"""Export a checkpoint to a `.tflite`, look at its checks, and compare it with the float network on your photos.

    python examples/export_and_check.py mine.tflite photos/

It needs `pip install '.[export]'`.
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
    arguments = parser.parse_args()

    exported = mmnet.export_tflite(arguments.checkpoint, "int8")  # raises VerificationError if a check fails
    print(exported)
    for check in exported.checks:
        print("passed" if check.passed else "FAILED", check.name)
    exported.save(arguments.output)

    comparison = mmnet.compare(arguments.checkpoint, arguments.output, arguments.photos)
    print(comparison)
    sys.exit(0 if comparison.passed else 1)


if __name__ == "__main__":
    main()
