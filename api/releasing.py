"""The release suite: models measured on several data sets against limits, and against an older model."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmnet.api.documents import json_text, save_text
from mmnet.api.models import ModelSource, StageProgress, convert_checkpoints, no_progress, open_models
from mmnet.arguments import checked_arguments
from mmnet.evaluation.evaluate import EvaluationError
from mmnet.evaluation.framing import fit_for
from mmnet.evaluation.release.measure import Measured, measure_sets, read_sets
from mmnet.evaluation.release.report import document, failure_texts, markdown, marked, value_text
from mmnet.evaluation.release.suite import choose_sets, choose_suite
from mmnet.evaluation.release.verdict import ModelVerdict, judge
from mmnet.evaluation.report import text_table
from mmnet.evaluation.resize import choose_resize
from mmnet.network.resolve import DEFAULT_FOLDER
from mmnet.runtime.imaging.fit import Fit

_RESIZE = "runtime"


@dataclass(frozen=True, repr=False)
class ReleaseReport:
    """The verdicts of a suite on models; `print(report)` shows a table.

    Attributes:
        suite: the name of the suite.
        verdicts: one per model, in the order given, the older model last: its values set by set, and what is wrong.
        measured: the sets, and the values of all models.
        against: the name of the model that the others may not be worse than; None if there is none.
        fit: how photos were brought into the models' square.
        folder: the folder of the sets.
        command: the command line, if there was one.
    """

    suite: str
    verdicts: tuple[ModelVerdict, ...]
    measured: tuple[Measured, ...]
    against: str | None
    fit: Fit
    folder: str
    command: str | None = None

    def __getitem__(self, model: str) -> ModelVerdict:
        """Return the verdict on a model by its name."""
        for verdict in self.verdicts:
            if verdict.candidate.name == model:
                return verdict
        raise KeyError(f"no model {model!r}; the models are {', '.join(self.models)}")

    @property
    def models(self) -> tuple[str, ...]:
        """The names of the models."""
        return tuple(verdict.candidate.name for verdict in self.verdicts)

    @property
    def passed(self) -> bool:
        """Whether every model passes that is not there to compare with: MediaPipe's and the older model are.

        No model passes with an incomplete set: one of fewer images than the release was measured on.
        """
        return all(verdict.passed for verdict in self.verdicts if verdict.counts)

    @property
    def rows(self) -> list[tuple[str, list[str]]]:
        """The rows of a table: a set with its number of images, or a measure with its limit; one text per model."""
        rows: list[tuple[str, list[str]]] = []
        place = 0
        for one in self.measured:
            title = f"{one.data.set.title}, {one.data.count_text} images"
            rows.append((title if one.data.complete else f"{title}: incomplete", [""] * len(self.verdicts)))
            for criterion in one.data.set.criteria:
                measure, limit = criterion.measure, criterion.limit
                label = f"  {measure.label}" + ("" if limit is None else f" ≤ {value_text(measure, limit)}")
                cells = [verdict.cells[place] for verdict in self.verdicts]
                rows.append((label, [marked(measure, cell.value, cell.over_limit, cell.worse) for cell in cells]))
                place += 1
        rows.append(("verdict", ["passes" if verdict.passed else "fails" for verdict in self.verdicts]))
        return rows

    @property
    def failures(self) -> dict[str, list[str]]:
        """The name of each model that is judged -> what is wrong, one text per value or incomplete set."""
        return {verdict.candidate.name: failure_texts(verdict) for verdict in self.verdicts if verdict.counts}

    def document(self) -> dict[str, Any]:
        """Return all values and verdicts, and how they were measured, as plain JSON values."""
        return document(
            self.suite,
            self.verdicts,
            self.measured,
            self.against,
            choose_resize(_RESIZE),
            self.fit,
            self.folder,
            self.command,
        )

    def to_json(self) -> str:
        """Return `document` as JSON text."""
        return json_text(self.document())

    def save_json(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write `to_json` to a file; raises as `mmnet.api.documents.save_text`."""
        save_text(path, self.to_json() + "\n", force=force)

    def to_markdown(self) -> str:
        """Return the values, the limits and the verdicts as a table in Markdown, as for a model card."""
        return markdown(self.document())

    def __repr__(self) -> str:
        return f"ReleaseReport(models={list(self.models)}, sets={len(self.measured)}, passed={self.passed})"

    def __str__(self) -> str:
        return text_table(["", *self.models], ([label, *cells] for label, cells in self.rows))


@checked_arguments
def evaluate_release(
    models: ModelSource | Sequence[ModelSource],
    data: str | os.PathLike[str],
    *,
    against: ModelSource | None = None,
    sets: Sequence[str] | None = None,
    suite: str = "release",
    fit: Fit | str | None = None,
    checkpoint_dir: str | Path = DEFAULT_FOLDER,
    threads: int | None = None,
    progress: StageProgress = no_progress,
    command: str | None = None,
) -> ReleaseReport:
    """Measure models on the sets of a suite, and judge them by its limits.

    Args:
        models: one model or several, as `mmnet.evaluate` takes them.
        data: the folder that holds a folder for every set, as `tools/datasets/training_mix.py` makes it.
        against: an older model that the others may not be worse than; None: there is none.
        sets: the names of the sets to measure on; None: all that the suite requires, and the others that `data` has.
        suite: the name of the suite.
        fit: how photos are brought into the models' square; None: `auto`, as the runtime does it.
        checkpoint_dir: the folder that holds the checkpoints.
        threads: the number of images at a time; None: one per core.
        progress: called with the stage, what is done, and the total.
        command: the command line to name in the document.

    Raises:
        SuiteError: the suite or a set is unknown, or `data` lacks a set.
        EvaluationError: there is no model.
        FitError: `fit` is unknown.
        DatasetError: some images cannot be used; it lists them, and nothing is measured.
        ModelError: a model cannot be used.
        MMNetError: a checkpoint cannot be used.
    """
    folder, resize = Path(data), choose_resize(_RESIZE)
    how = fit_for(fit, resize)
    chosen = choose_sets(choose_suite(suite), folder, sets)
    sources = [models] if isinstance(models, ModelSource) else list(models)
    if not sources:
        raise EvaluationError("nothing to evaluate; give the path or the bytes of a .tflite, or a checkpoint")
    opened = open_models([*sources, *([] if against is None else [against])], checkpoint_dir)
    read = read_sets(chosen, folder, progress)
    candidates = convert_checkpoints(opened, progress)
    measured = measure_sets(candidates, read, resize, how, threads=threads, progress=progress)
    older = None if against is None else len(candidates) - 1
    verdicts = judge(candidates, measured, older)
    name = None if older is None else candidates[older].name
    return ReleaseReport(suite, tuple(verdicts), tuple(measured), name, how, str(folder), command)
