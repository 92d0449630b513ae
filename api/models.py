"""The models that the API measures and compares: .tflite files, their bytes, and checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmnet.evaluation.models import Candidate, open_bytes, open_file, with_unique_names
from mmnet.network.checkpoint import CheckpointNotFoundError
from mmnet.network.resolve import DEFAULT_FOLDER, OpenedCheckpoint, open_checkpoint, resolve
from mmnet.runtime.tflite.shipped import shipped_path

StageProgress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class NamedCheckpoint:
    """A checkpoint by its name, also where a file has that name; measured as its float .tflite.

    Attributes:
        which: `latest`, `best`, a checkpoint folder, a run, or a TF-Slim prefix or folder.
        folder: the folder that holds the checkpoints.
    """

    which: str
    folder: str | Path = DEFAULT_FOLDER


ModelSource = str | Path | bytes | NamedCheckpoint | OpenedCheckpoint | Candidate

_Unconverted = NamedCheckpoint | OpenedCheckpoint


def no_progress(stage: str, done: int, total: int) -> None:
    """Ignore the progress of a stage."""


def stage_progress(stage: str, progress: StageProgress) -> Callable[[int, int], None]:
    """Return a function of what is done and the total that reports the progress of one stage."""
    return lambda done, total: progress(stage, done, total)


def open_models(
    sources: Sequence[ModelSource], checkpoint_dir: str | Path = DEFAULT_FOLDER
) -> list[Candidate | _Unconverted]:
    """Open and check every .tflite; checkpoints are left for `convert_checkpoints`, which takes longer.

    Args:
        sources: bytes are a .tflite. A path that ends in .tflite, .onnx or .mlpackage, or of a file, is a model, and so
            is the name of a model that ships; any other text or path names a checkpoint.
        checkpoint_dir: the folder that holds the checkpoints.

    Raises:
        ModelError: a file or its bytes are no model that can be measured.
        CheckpointError: there is no checkpoint of that name.
    """
    return [_open_model(source, checkpoint_dir) for source in sources]


def _open_model(source: ModelSource, checkpoint_dir: str | Path) -> Candidate | _Unconverted:
    if isinstance(source, Candidate | _Unconverted):
        return source
    if isinstance(source, bytes):
        return open_bytes(source)
    name = str(source)
    path = Path(name)
    if path.suffix in (".tflite", ".onnx", ".mlpackage") or shipped_path(path).is_file():
        return open_file(path)
    try:
        resolve(name, Path(checkpoint_dir))  # a name of nothing shows before any work begins
    except CheckpointNotFoundError as error:
        if name in ("latest", "best"):
            raise
        raise CheckpointNotFoundError(
            f"{name}: no such checkpoint, here or in {checkpoint_dir}, and no such model; name a .tflite file, a model "
            "that ships (mmnet models), or a checkpoint (its folder, a run, or a TF-Slim prefix or folder)"
        ) from error
    return NamedCheckpoint(name, checkpoint_dir)


def convert_checkpoints(
    models: Sequence[Candidate | _Unconverted], progress: StageProgress = no_progress
) -> list[Candidate]:
    """Convert every checkpoint to its float .tflite, and give all models unique names.

    Args:
        models: what `open_models` returned.
        progress: called with "converting", the checkpoints done, and their total.

    Raises:
        MMNetError: there is no such checkpoint, or it cannot be used.
    """
    total = sum(not isinstance(model, Candidate) for model in models)
    if total:
        progress("converting", 0, total)
    candidates: list[Candidate] = []
    done = 0
    for model in models:
        if isinstance(model, Candidate):
            candidates.append(model)
            continue
        candidates.append(_converted(model))
        done += 1
        progress("converting", done, total)
    return with_unique_names(candidates)


def _converted(source: _Unconverted) -> Candidate:
    from mmnet.export.direct.models import float_tflite

    opened = open_checkpoint(source.which, source.folder) if isinstance(source, NamedCheckpoint) else source
    if isinstance(source, NamedCheckpoint):
        opened.source.note(source.which)
    which = source.which if isinstance(source, NamedCheckpoint) else str(source.source.path)
    config = opened.checkpoint.config
    recipe = {"checkpoint": opened.identity(), "model": config.to_json(), "precision": "float32"}
    return Candidate(opened.name, "checkpoint", which, config.size, float_tflite(opened.checkpoint), recipe)
