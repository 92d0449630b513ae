"""The models that the API measures and compares: .tflite files, their bytes, and checkpoints."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmnet.evaluation.models import Candidate, open_bytes, open_file, with_unique_names

StageProgress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class CheckpointSource:
    """A checkpoint as a model, which is measured as the float .tflite that export makes of it.

    Attributes:
        which: `latest`, `best`, a checkpoint folder, a run, or a TF-Slim prefix or folder.
        folder: the folder that holds the checkpoints.
    """

    which: str
    folder: Path = Path("checkpoints")


ModelSource = str | os.PathLike[str] | bytes | CheckpointSource | Candidate


def no_progress(stage: str, done: int, total: int) -> None:
    """Ignore the progress of a stage."""


def open_models(
    sources: Sequence[ModelSource], checkpoints: str | os.PathLike[str] = "checkpoints"
) -> list[Candidate | CheckpointSource]:
    """Open and check every .tflite; checkpoints are left for `convert_checkpoints`, which takes longer.

    Args:
        sources: bytes are a .tflite. A path that ends in .tflite, or of a file, is a .tflite; any other text or path
            names a checkpoint.
        checkpoints: the folder that holds the checkpoints.

    Raises:
        ModelError: a file or its bytes are no model that can be measured.
    """
    return [_open_model(source, Path(checkpoints)) for source in sources]


def _open_model(source: ModelSource, checkpoints: Path) -> Candidate | CheckpointSource:
    if isinstance(source, Candidate | CheckpointSource):
        return source
    if isinstance(source, bytes):
        return open_bytes(source)
    name = os.fspath(source)
    if name.endswith(".tflite") or Path(name).is_file():
        return open_file(Path(name))
    return CheckpointSource(name, checkpoints)


def convert_checkpoints(
    models: Sequence[Candidate | CheckpointSource], progress: StageProgress = no_progress
) -> list[Candidate]:
    """Convert every checkpoint to its float .tflite, and give all models unique names.

    Args:
        models: what `open_models` returned.
        progress: called with "converting", the checkpoints done, and their total.

    Raises:
        MMNetError: there is no such checkpoint, or it cannot be used.
    """
    total = sum(isinstance(model, CheckpointSource) for model in models)
    candidates: list[Candidate] = []
    done = 0
    for model in models:
        if isinstance(model, CheckpointSource):
            model = open_checkpoint(model)
            done += 1
            progress("converting", done, total)
        candidates.append(model)
    return with_unique_names(candidates)


def open_checkpoint(source: CheckpointSource) -> Candidate:
    """Return a checkpoint as a candidate: the float .tflite that export makes of it.

    Raises:
        MMNetError: there is no such checkpoint, or it cannot be used.
    """
    # These import TensorFlow, which takes seconds.
    from mmnet.export.convert import float_tflite
    from mmnet.network.resolve import resolve

    resolved = resolve(source.which, source.folder)
    checkpoint = resolved.load()
    recipe = {
        "checkpoint": {"name": resolved.path.name, "sha256": checkpoint.fingerprint(), "step": checkpoint.step},
        "model": checkpoint.config.to_json(),
        "precision": "float32",
    }
    model = float_tflite(checkpoint)
    return Candidate(resolved.path.name, "checkpoint", source.which, checkpoint.config.size, model, recipe)
