"""Evaluation on a pool of workers (`mmnet evaluate --ray`): workers measure the images, the results are the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from mmnet.batch.plan import task_size
from mmnet.batch.pool import connected
from mmnet.batch.protocols import WorkerPool
from mmnet.evaluation.datasets.pairs import DatasetError, Pair, combined_fingerprint, fingerprint
from mmnet.evaluation.evaluate import EvaluationError, Result, collect_results, measure_image
from mmnet.evaluation.models import Candidate
from mmnet.evaluation.resize import Resize, choose_resize
from mmnet.failures import collected_log, failure_line, is_debugging, relay
from mmnet.json_reader import parse_json
from mmnet.runtime.imaging.fit import DEFAULT_FIT, Fit


class Measurer:
    """All models in one worker. A call takes pairs and returns their metrics, both as JSON, which keeps every bit."""

    def __init__(
        self,
        candidates: Sequence[Candidate],
        resize: str,
        fit: Fit = DEFAULT_FIT,
        debug: bool = False,
        restarted: bool = False,
    ) -> None:
        """Load the models.

        Args:
            candidates: at least one.
            resize: a name of `RESIZES`.
            fit: how photos are brought into the models' square.
            debug: whether the answers hold the tracebacks of failures.
            restarted: ignored, since measuring an image twice does no harm.
        """
        self._resize, self._fit, self._debug = choose_resize(resize), fit, debug
        self._matters = [candidate.load(floats=self._resize.floats) for candidate in candidates]

    def __call__(self, text: str) -> str:
        """Measure pairs.

        Args:
            text: [[name, path of the photo, path of the matte], …].

        Returns:
            One JSON object per pair: {"row": …, "fingerprint": hex}, {"problems": …} or {"error": …}, and {"log": …}.
        """
        pairs = [Pair(name, Path(image), Path(mask)) for name, image, mask in parse_json(text)]
        outcomes = []
        for pair in pairs:
            with collected_log(self._debug) as log:
                outcome = self._measure(pair)
            outcomes.append(outcome | {"log": log})
        return json.dumps(outcomes)

    def _measure(self, pair: Pair) -> dict[str, Any]:
        try:
            photo, mask = pair.read()
            row = measure_image(photo, mask, self._matters, self._resize, self._fit)
        except DatasetError as error:
            return {"problems": error.problems}
        except Exception as error:
            return {"error": failure_line(error, pair.image)}
        return {"row": row, "fingerprint": fingerprint(photo, mask).hex()}


def evaluate_on_ray(
    candidates: Sequence[Candidate],
    pairs: Sequence[Pair],
    resize: Resize,
    address: str | None = None,
    workers: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    *,
    fit: Fit = DEFAULT_FIT,
) -> tuple[list[Result], str]:
    """Check the pairs and evaluate the candidates on a Ray cluster, in one pass over the images.

    The results are those of `check_pairs` and `evaluate`, to the last bit.

    Args:
        candidates, pairs, resize, progress, fit: see `evaluate_candidates`. The workers read the images themselves.
        address, workers: see `connected`.

    Returns:
        The results, and the fingerprint of the images.

    Raises:
        DatasetError, EvaluationError, ModelError: see `evaluate`; or an image killed its workers.
        BatchError, MissingExtraError: see `connected`.
    """
    with connected(address, workers) as pool:
        return evaluate_on_pool(pool, candidates, pairs, resize, progress, fit=fit)


def evaluate_on_pool(
    pool: WorkerPool,
    candidates: Sequence[Candidate],
    pairs: Sequence[Pair],
    resize: Resize,
    progress: Callable[[int, int], None] = lambda done, total: None,
    *,
    fit: Fit = DEFAULT_FIT,
) -> tuple[list[Result], str]:
    """Check the pairs and evaluate the candidates on a pool of workers.

    Args:
        pool: the workers.
        candidates, pairs, resize, progress, fit: see `evaluate_candidates`. The workers read the images themselves.

    Returns:
        The results, and the fingerprint of the images.

    Raises:
        DatasetError, EvaluationError, ModelError, BatchError: see `evaluate_on_ray`.
    """
    size = task_size(len(pairs), pool.workers)
    build = partial(Measurer, list(candidates), resize.name, fit, is_debugging())
    measured: dict[int, dict[str, Any]] = {}  # by the index of the pair
    # What is lost with its workers is measured again image by image, so that the image that ended them has a name.
    for length in (size, 1):
        missing = [index for index in range(len(pairs)) if index not in measured]
        parts = [missing[start : start + length] for start in range(0, len(missing), length)]
        texts = [
            json.dumps([[pairs[i].name, str(pairs[i].image.absolute()), str(pairs[i].mask.absolute())] for i in part])
            for part in parts
        ]
        with closing(pool.run(texts, build)) as answers:
            for index, answer in answers:
                measured.update(zip(parts[index], parse_json(answer), strict=True))
                progress(len(measured), len(pairs))
    lost = [str(pair.image) for index, pair in enumerate(pairs) if index not in measured]
    if lost:
        raise EvaluationError(
            f"{', '.join(lost)}: every worker that measured it died; remove it, or measure without Ray"
        )
    outcomes = [measured[index] for index in range(len(pairs))]
    for outcome in outcomes:
        relay(outcome["log"])
    problems = [problem for outcome in outcomes for problem in outcome.get("problems", ())]
    if problems:
        raise DatasetError(problems)
    for outcome in outcomes:
        if "error" in outcome:
            raise EvaluationError(outcome["error"])
    rows = [outcome["row"] for outcome in outcomes]
    digests = [bytes.fromhex(outcome["fingerprint"]) for outcome in outcomes]
    return collect_results(candidates, pairs, rows), combined_fingerprint([pair.name for pair in pairs], digests)
