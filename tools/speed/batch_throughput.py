"""Throughput of `mmnet batch` against one process of `mmnet matte`, and under the death of a worker.

    python tools/speed/batch_throughput.py --photos portraits/test/image --rounds 3 --json throughput.json

The two take turns within every round, so that other programs on the machine slow both down; the ratio is the median
over the rounds. Each starts cold; its start is measured and shown separately. The worker is killed when a quarter of
the results exist. All results are compared byte for byte.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mmnet.evaluation.machine import processor
from mmnet.runtime.imaging.photos import list_photos

_MMNET = Path(sys.executable).with_name("mmnet")


def main() -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, help="a folder of photos (default: drawn images of 1280×960)")
    parser.add_argument("--count", type=int, default=240, help="photos per run; fewer photos are repeated")
    parser.add_argument(
        "--workers", type=int, default=len(os.sched_getaffinity(0)), help="workers of mmnet batch (one per core)"
    )
    parser.add_argument("--rounds", type=int, default=3, help="measured rounds (3)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure to this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mmnet-throughput-") as name:
        folder = Path(name)
        photos = _photos(options.photos, folder / "photos", options.count)
        single = _photos(options.photos, folder / "single", 1)
        rounds = []
        for index in range(options.rounds):
            rounds.append(_round(photos, single, folder / f"round{index}", options.count, options.workers))
            shutil.rmtree(folder / f"round{index}")
            print(f"round {index + 1}: {json.dumps(rounds[-1])}", file=sys.stderr, flush=True)
    measured = {
        "processor": processor(),
        "cores": os.cpu_count(),
        "load": os.getloadavg(),
        "photos": options.count,
        "from": str(options.photos or "drawn, 1280×960"),
        "workers": options.workers,
        "rounds": rounds,
        "median": {key: statistics.median(entry[key] for entry in rounds) for key in rounds[0]},
    }
    print(_table(measured))
    if options.json:
        options.json.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")


def _photos(source: Path | None, folder: Path, count: int) -> Path:
    """Fill a new folder with photos of a source, or with drawn ones."""
    folder.mkdir()
    originals = list_photos(source) if source else []
    for index in range(count):
        if originals:
            original = originals[index % len(originals)]
            shutil.copy(original, folder / f"{index:06}{original.suffix}")
        else:
            random = np.random.default_rng(index % 16)
            coarse = random.integers(0, 256, (12, 16, 3), np.uint8)
            cv2.imwrite(str(folder / f"{index:06}.jpg"), cv2.resize(coarse, (1280, 960), interpolation=cv2.INTER_CUBIC))
    return folder


def _round(photos: Path, single: Path, out: Path, count: int, workers: int) -> dict[str, float]:
    """Run every command once, compare their results, and return the figures."""
    start, _ = _matte(single, out / "single")
    seconds, cores = _matte(photos, out / "matte")
    rate = (count - 1) / (seconds - start)
    whole, summary = _batch(photos, out / "batch", workers)
    broken, killed = _batch(photos, out / "killed", workers, kill=count // 4)
    expected = _results(out / "matte")
    if not expected == _results(out / "batch") == _results(out / "killed"):
        raise SystemExit("error: the results differ")
    return {
        "matte images/s": rate,
        "matte core-seconds/image": cores / count,
        "matte start s": start,
        "batch images/s": summary["photos_per_second"],
        "batch core-seconds/image": summary["core_seconds"] / count,
        "batch start s": whole - count / summary["photos_per_second"],
        "batch / matte": summary["photos_per_second"] / rate,
        "batch with a worker killed, images/s": killed["photos_per_second"],
        "killed / undisturbed": killed["photos_per_second"] / summary["photos_per_second"],
        "killed, longer by s": broken - whole,
    }


def _matte(photos: Path, out: Path) -> tuple[float, float]:
    """Return the wall and processor seconds of one process on one thread."""
    before, began = _processor_seconds(), time.monotonic()
    subprocess.run([_MMNET, "matte", photos, "-o", out, "--threads", "1"], check=True, capture_output=True)
    return time.monotonic() - began, _processor_seconds() - before


def _processor_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _batch(photos: Path, out: Path, workers: int, kill: int | None = None) -> tuple[float, dict[str, Any]]:
    """Return the wall seconds and the summary. A worker is killed when `kill` results exist."""
    began = time.monotonic()
    command: list[str | Path] = [_MMNET, "batch", photos, out]
    command += ["--workers", str(workers), "--address", "local", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while kill is not None and process.poll() is None:
        if out.is_dir() and sum(1 for _ in out.glob("*.png")) >= kill:
            os.kill(_find_worker(process.pid), signal.SIGKILL)
            break
        time.sleep(0.05)
    text, errors = process.communicate()
    if process.returncode:
        raise SystemExit(errors)
    return time.monotonic() - began, json.loads(text)


def _find_worker(driver: int) -> int:
    """Return the process of one worker that a driver process started."""
    parents, workers = {}, []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            if (entry / "cmdline").read_bytes().startswith(b"ray::MapWorker"):
                workers.append(int(entry.name))
        except OSError:
            continue
    for worker in workers:
        process = worker
        while process in parents and process != driver:
            process = parents[process]
        if process == driver:
            return worker
    raise SystemExit("error: no worker was found")


def _results(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.png")}


def _table(measured: dict[str, Any]) -> str:
    head = (
        f"{measured['processor']}, {measured['cores']} cores, load {measured['load'][0]:.1f}; {measured['photos']} "
        f"photos ({measured['from']}), {measured['workers']} workers, median of {len(measured['rounds'])} rounds"
    )
    return "\n".join([head, *(f"{key:40} {value:10.3f}" for key, value in measured["median"].items())])


if __name__ == "__main__":
    main()
