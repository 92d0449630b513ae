"""Matte all photos below a folder on every core, and list the photos that failed.

    python examples/batch_folder.py photos/ mattes/

Run it again after an interruption: it does the rest. It needs `pip install '.[ray]'`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import mmnet


def main() -> None:
    """Matte a folder and print a report."""
    parser = argparse.ArgumentParser(description="Matte all photos below a folder.")
    parser.add_argument("source", type=Path)
    parser.add_argument("destination", type=Path)
    parser.add_argument("--workers", type=int, help="one core each; all cores by default")
    arguments = parser.parse_args()

    report = mmnet.matte_batch(arguments.source, arguments.destination, workers=arguments.workers)
    print(report)  # 4 matted, 0 failed, 0 skipped
    for failed in report.failures:
        print(f"{failed.name}: {failed.error}")
    sys.exit(0 if report.complete else 1)


if __name__ == "__main__":
    main()
