"""Damage files of every format that is read, and count what our readers do not survive.

    python tools/fuzz.py --seconds 120                        # every format, two minutes
    python tools/fuzz.py tflite json --cases 10000 --keep finds/
    python tools/fuzz.py --replay tests/fuzz/finds            # the finds of earlier runs

Each case is a seed (drawn, or a file of --corpus), changed in a few places, and read in a process of its own. It may
be read, or refused with one line. Everything else is a find: a traceback, a signal, more than 60 s, more than 2 GB, or
files that stay behind. The exit code is 1 if there are finds. The same --seed and --cases give the same cases.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random

from fuzzing.cases import Outcome, run_case
from fuzzing.targets import FORMATS, Format

KINDS = ("traceback", "signal", "slow", "large", "left")


def fuzz(
    chosen: Format, cases: int, seconds: float, seed: int, keep: Path | None, corpus: Path | None
) -> tuple[Counter[str], dict[str, str]]:
    """Run cases of one format until their number or the time is reached.

    Returns:
        kind of outcome -> count, and the detail of one find per place -> the case.
    """
    files = chosen.seeds()
    if corpus is not None:
        files |= {path.name: path.read_bytes() for path in sorted(corpus.glob("*")) if path.is_file()}
    counts: Counter[str] = Counter()
    finds: dict[str, str] = {}
    names = sorted(files)
    until = time.monotonic() + seconds
    for number in range(cases):
        if time.monotonic() > until:
            break
        random = Random(f"{chosen.name} {seed} {number}")
        name = random.choice(names)
        try:
            data = random.choice(chosen.mutators)(files[name], random)
        except (IndexError, ValueError, TypeError, AttributeError):
            continue  # a change that the mutator's own writer refuses
        for target in chosen.targets(name):
            outcome = run_case(target, name, data)
            counts["cases"] += 1
            counts["refused"] += outcome.refused
            counts[outcome.kind] += 1
            if outcome.kind in KINDS:
                _keep(finds, outcome, f"{chosen.name} case {number}, {name}, {target.__name__}", data, keep)
    return counts, finds


def replay(folder: Path) -> tuple[Counter[str], dict[str, str]]:
    """Run the finds of earlier runs: every file below a folder.

    Args:
        folder: its files are named FORMAT-NAME, where NAME is the file that the readers of the format expect.

    Returns:
        as `fuzz`.
    """
    counts: Counter[str] = Counter()
    finds: dict[str, str] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        chosen, _, name = path.name.partition("-")
        FORMATS[chosen].seeds()  # some readers complete the file with the other seeds
        data = path.read_bytes()
        for target in FORMATS[chosen].targets(name):
            outcome = run_case(target, name, data)
            counts["cases"] += 1
            counts["refused"] += outcome.refused
            counts[outcome.kind] += 1
            if outcome.kind in KINDS:
                _keep(finds, outcome, f"{path}, {name}, {target.__name__}", data, None)
    return counts, finds


def _keep(finds: dict[str, str], outcome: Outcome, case: str, data: bytes, keep: Path | None) -> None:
    place = outcome.detail.strip()
    finds.setdefault(f"{outcome.kind}: {place}", case)
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        name = case.split(", ")[1]
        (keep / f"{hashlib.sha256(data).hexdigest()[:12]}-{name}").write_bytes(data)


def main() -> int:
    """Parse the command line, run the formats one after the other, and print the counts as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("formats", nargs="*", metavar="FORMAT", help=f"of {', '.join(FORMATS)}; all by default")
    parser.add_argument("--cases", type=int, default=1 << 30, help="cases of each format")
    parser.add_argument("--seconds", type=float, default=1e9, help="for all formats together, shared evenly")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, metavar="DIR", help="a folder for the files that are finds")
    parser.add_argument("--corpus", type=Path, metavar="DIR", help="a folder of further seeds, for one format")
    parser.add_argument("--replay", type=Path, metavar="DIR", help="run the finds in a folder, and nothing else")
    given = parser.parse_args()
    if given.replay is not None:
        return _report_replay(parser, given.replay)
    unknown = set(given.formats) - set(FORMATS)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; the formats are {', '.join(FORMATS)}")
    if given.cases == 1 << 30 and given.seconds == 1e9:
        parser.error("give --cases, --seconds or both")
    chosen = [FORMATS[name] for name in given.formats or FORMATS]
    total: Counter[str] = Counter()
    begun = time.monotonic()
    for done, one in enumerate(chosen):
        share = (given.seconds - (time.monotonic() - begun)) / (len(chosen) - done)
        counts, finds = fuzz(one, given.cases, share, given.seed, given.keep, given.corpus)
        total += counts
        print(json.dumps({"format": one.name, **counts}), flush=True)
        _show(finds)
    print(json.dumps({"format": "all", "seconds": round(time.monotonic() - begun), **total}))
    return int(any(total[kind] for kind in KINDS))


def _report_replay(parser: argparse.ArgumentParser, folder: Path) -> int:
    names = [path.name for path in folder.rglob("*") if path.is_file()]
    if not names:
        parser.error(f"{folder}: no files to replay")
    unknown = [name for name in names if name.partition("-")[0] not in FORMATS]
    if unknown:
        parser.error(f"{unknown[0]}: has to be named FORMAT-NAME; the formats are {', '.join(FORMATS)}")
    counts, finds = replay(folder)
    _show(finds)
    print(json.dumps({"format": "replay", **counts}))
    return int(any(counts[kind] for kind in KINDS))


def _show(finds: dict[str, str]) -> None:
    for find, case in finds.items():
        print(f"--- {case}\n{find}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
