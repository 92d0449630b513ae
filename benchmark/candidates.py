"""The models of one measurement, and the baseline among them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mmnet.benchmark.errors import BenchmarkError
from mmnet.benchmark.progress import Progress
from mmnet.evaluation.models import Candidate, open_file, with_unique_names
from mmnet.runtime.errors import ModelError
from mmnet.runtime.model import MattingModel, default_model
from mmnet.runtime.tflite.metadata import read_metadata
from mmnet.runtime.tflite.shipped import shipped_path

Model = str | Path | bytes  # the path of a .tflite, the name of a model that ships, or the content of a .tflite


def choose_candidates(
    models: Sequence[Model],
    baseline: Model | None,
    naive: str | Path | None,
    checkpoints: str | Path,
    progress: Progress,
) -> tuple[list[Candidate], str | None]:
    """Open the models to measure. The baseline comes first; a file that is named twice is measured once.

    Args:
        models: the models; without any, the one that ships is measured.
        baseline: the model that the others are compared with; the first of `models` if None.
        naive: a checkpoint whose naive conversion is the baseline. Not together with `baseline`.
        checkpoints: the folder that holds the checkpoints, for `naive`.
        progress: told before the naive conversion, which takes seconds.

    Returns:
        The models, and the name of the baseline; None where there is only one model.

    Raises:
        BenchmarkError: `baseline` and `naive` are both given, or there is no model at all.
        ModelError: a model cannot be read or is none that can be measured.
        CheckpointError: the checkpoint of `naive` cannot be read.
    """
    if baseline is not None and naive is not None:
        raise BenchmarkError("baseline=… and naive=… both name the model to compare with; give one of them")
    wanted = [] if baseline is None else [baseline]
    unique = {
        model if isinstance(model, bytes) else shipped_path(Path(model)).resolve(): model
        for model in [*wanted, *models]
    }
    opened = [_open(model) for model in unique.values()]
    if not models:
        opened.append(_open_shipped())
    if naive is not None:
        progress("converting the naive baseline", 0, 1)
        opened.insert(0, _convert_naively(naive, checkpoints))
    candidates = with_unique_names(opened)
    return candidates, candidates[0].name if len(candidates) > 1 else None


def _open(model: Model) -> Candidate:
    return _candidate("model", "bytes", model) if isinstance(model, bytes) else open_file(Path(model))


def _open_shipped() -> Candidate:
    try:
        content = default_model()
    except ModelError as error:
        raise BenchmarkError(
            "nothing to measure: no model ships with this installation; name a .tflite, or make one with export-tflite"
        ) from error
    return _candidate("shipped", "the model that ships", content)


def _candidate(name: str, source: str, content: bytes) -> Candidate:
    with MattingModel(content, threads=1) as model:
        metadata = read_metadata(content)
        return Candidate(name, "tflite", source, model.size, content, metadata.recipe if metadata else {})


def _convert_naively(which: str | Path, checkpoints: str | Path) -> Candidate:
    # Imported here: the packages take seconds, and everything else that can be wrong was checked before.
    from mmnet.benchmark.host.naive import naive_conversion
    from mmnet.network.resolve import open_checkpoint
    from mmnet.network.tensorflow import load_tensorflow

    opened = open_checkpoint(which, checkpoints)
    opened.source.note(which)
    load_tensorflow()
    config = opened.checkpoint.config
    recipe = {"checkpoint": opened.identity(), "model": config.to_json(), "precision": "float32"}
    content = naive_conversion(opened.checkpoint)
    return Candidate(f"naive {opened.name}", "naive", str(which), config.size, content, recipe)
