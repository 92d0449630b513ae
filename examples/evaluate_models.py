"""Measure two models on photos whose alpha mattes are known, and say which is better.

    python examples/evaluate_models.py portraits/test a.tflite b.tflite

The folder holds image/NAME.jpg and mask/NAME.png. It needs only `pip install .`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import mmnet


def main() -> None:
    """Print the MAD and the GAUSS_GRAD of two models."""
    parser = argparse.ArgumentParser(description="Measure two models on the same photos.")
    parser.add_argument("data", type=Path, help="a folder with image/ and mask/")
    parser.add_argument("models", type=Path, nargs=2)
    arguments = parser.parse_args()

    evaluation = mmnet.evaluate(arguments.models, arguments.data)
    print(evaluation)
    better = min(evaluation.models, key=lambda name: evaluation[name]["MAD"].mean)
    print(f"{better} has the lower MAD: {evaluation[better]['MAD'].mean:.5f}")


if __name__ == "__main__":
    main()
