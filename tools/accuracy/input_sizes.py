"""Compare one network at several input sizes with another model: accuracy, latency, and a figure of both.

    python tools/accuracy/input_sizes.py CKPT OUT --data SETS --other selfie_segmentation.tflite

CKPT is exported in int8 at every size. Its models and the other one are evaluated on data sets that hold `image` and
`mask`, and timed in one run in which they take turns. OUT gets the models, an evaluation per set and fit
(`SET-FIT.json`), `latency.json`, and `accuracy-latency.svg`: the evaluations with the first fit, one panel per set.
Evaluations and timings that OUT holds already are kept; remove a file to measure it again.

The tables are Markdown. Bold is what is better than the other model's value. The latency is that of one invocation on
one thread, as a multiple of the other model's: the median over the rounds, with its 95 % interval.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

import mmnet
from mmnet.benchmark.latency import Ratio
from mmnet.cli.process.quiet import silence_native_libraries
from mmnet.cli.progress import progress_bar, stage_bars
from mmnet.evaluation.datasets.pairs import Pair, check_pairs, load_pairs
from mmnet.evaluation.evaluate import Result, compare_image, each_image
from mmnet.evaluation.figures import FIGURES as ALL_FIGURES
from mmnet.evaluation.figures import WORST_BY
from mmnet.evaluation.models import LoadedModel, open_file, with_unique_names
from mmnet.evaluation.report import document, markdown_rows
from mmnet.evaluation.resize import choose_resize
from mmnet.evaluation.statistics import summarise
from mmnet.json_reader import read_json
from mmnet.runtime.imaging.fit import Fit
from mmnet.text import json_text

# The figures that are compared, and their names in the tables.
FIGURES = {"MAD_800x600": "MAD", "GAUSS_GRAD_800x600": "GAUSS_GRAD", "MAD_band": "band MAD"}
_COMPUTED = [figure for figure in ALL_FIGURES if figure.name in (*FIGURES, WORST_BY)]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the script."""
    options = _options(arguments)
    command = shlex.join(["python", "tools/accuracy/input_sizes.py", *(arguments or sys.argv[1:])])
    silence_native_libraries()
    options.out.mkdir(parents=True, exist_ok=True)
    with progress_bar(Console(stderr=True)) as progress:
        show = stage_bars(progress)
        models = [*(_exported(options, size) for size in options.sizes), options.other]
        latency = options.out / "latency.json"
        if not latency.exists():
            mmnet.measure_latency(
                models, baseline=options.other, runs=options.runs, progress=show, command=command
            ).save_json(latency)
        evaluations = {(fit, name): options.out / f"{name}-{fit}.json" for fit in options.fits for name in options.sets}
        for (fit, name), path in evaluations.items():
            if not path.exists():
                evaluate(models, options.data / name, Fit(fit), path, command, show)
    figure = mmnet.plot_latency([evaluations[options.fits[0], name] for name in options.sets], latency)
    figure.save(options.out / "accuracy-latency.svg", force=True)
    for fit in options.fits:
        found = {name: read_json(evaluations[fit, name])["models"] for name in options.sets}
        print(f"\nfit {fit}:\n\n{table(found, _ratios(read_json(latency), options.other.stem))}")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    def words(text: str) -> list[str]:
        return [word for word in text.split(",") if word]

    def numbers(text: str) -> list[int]:
        return [int(word) for word in words(text)]

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ckpt", metavar="CKPT", help="the checkpoint, named as for mmnet export")
    parser.add_argument("out", type=Path, metavar="OUT", help="the folder for the results")
    parser.add_argument("--data", type=Path, required=True, metavar="SETS", help="the folder that holds the sets")
    parser.add_argument("--other", type=Path, required=True, metavar="FILE", help="the .tflite to compare with")
    parser.add_argument("--sets", type=words, default=["portraits-test", "cutouts-validation"], help="NAME,…")
    parser.add_argument("--sizes", type=numbers, default=[256, 224, 192, 160], help="input sizes, multiples of 16")
    parser.add_argument("--fits", type=words, default=["auto", "stretch"], help="auto,stretch (the default)")
    parser.add_argument("--calibration", type=Path, metavar="DIR", help="photos, where CKPT carries no ranges")
    parser.add_argument("--runs", type=int, default=200, help="timed invocations of every model (200)")
    return parser.parse_args(arguments)


def evaluate(
    models: Sequence[Path],
    folder: Path,
    fit: Fit,
    path: Path,
    command: str,
    show: Callable[[str, int, int], None],
) -> None:
    """Evaluate models on a set, and write a document as `mmnet evaluate --json` does, without the slow figures.

    Args:
        models: the .tflite files.
        folder: the folder of the set.
        fit: how photos are brought into the models' square.
        path: the file to write.
        command: the command line to name in the document.
        show: called with a stage, what is done, and the total.
    """
    resize = choose_resize("runtime")
    candidates = with_unique_names([open_file(model) for model in models])
    pairs = load_pairs(folder)
    sha256 = check_pairs(pairs, lambda done, total: show(f"reading {folder.name}", done, total))

    def measure(pair: Pair, loaded: Sequence[LoadedModel]) -> list[dict[str, float]]:
        compared = compare_image(*pair.read(), loaded, resize, fit)
        return [{figure.name: figure.compute(one) for figure in _COMPUTED} for one in compared]

    stage = f"measuring {folder.name}, fit {fit}"
    rows = each_image(candidates, pairs, measure, progress=lambda done, total: show(stage, done, total))
    results = []
    for index, candidate in enumerate(candidates):
        images = {pair.name: row[index] for pair, row in zip(pairs, rows, strict=True)}
        values = np.array([list(figures.values()) for figures in images.values()], np.float64)
        statistics = dict(zip([figure.name for figure in _COMPUTED], summarise(values), strict=True))
        results.append(Result(candidate, statistics, images))
    data = {"folder": str(folder), "split": None, "images": len(pairs), "sha256": sha256}
    found = document(results, resize, fit, data, command, worst=5, with_images=False)
    found["figures"] = {figure.name: figure.definition for figure in _COMPUTED}
    path.write_text(json_text(found) + "\n", encoding="utf-8")


def _exported(options: argparse.Namespace, size: int) -> Path:
    exported = mmnet.export_tflite(options.ckpt, "int8", size=size, calibration=options.calibration)
    return exported.save(options.out / exported.file_name, force=True)


def _ratios(latency: Mapping[str, Any], other: str) -> dict[str, Ratio]:
    """Return the latency of every model as a multiple of the other's."""
    results = latency["measurements"][-1]["results"]
    times = {one["name"]: np.array(one["rounds_ms"]["invoke"]) for one in results}
    return {name: Ratio.of(values, times[other]) for name, values in times.items()}


def table(evaluated: Mapping[str, Sequence[Mapping[str, Any]]], ratios: Mapping[str, Ratio]) -> str:
    """Return the figures of every model as a Markdown table, and the models that are better than the last in all.

    Args:
        evaluated: the models of the evaluation of every set, all in the same order; the last is the other model.
        ratios: the latency of every model as a multiple of the other's.
    """
    names = [model["name"] for model in next(iter(evaluated.values()))]
    rows, better_in_all = [], []
    for index, name in enumerate(names):
        ratio = ratios[name]
        interval = "" if ratio.low is None or name == names[-1] else f" ({ratio.low:.2f}–{ratio.high:.2f})"
        cells, better = [f"{ratio.median:.2f}{interval}"], []
        for models in evaluated.values():
            values = {figure: [models[one]["statistics"][figure]["mean"] for one in (index, -1)] for figure in FIGURES}
            better += [own < other for own, other in values.values()]
            cells.append(
                " / ".join(f"**{own:.5f}**" if own < other else f"{own:.5f}" for own, other in values.values())
            )
        rows.append([name, *cells])
        better_in_all += [name] if all(better) else []
    head = ["", "latency", *(f"{name}: {' / '.join(FIGURES.values())}" for name in evaluated)]
    lines = [
        *markdown_rows(head, rows),
        "",
        f"Better than {names[-1]} in every column: {', '.join(better_in_all) or '–'}",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
