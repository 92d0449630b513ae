"""Evaluation on a pool of workers: the same results as on the threads of one process, to the last bit."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

pytest.importorskip("pyarrow", reason="Arrow is not installed: evaluation by workers was not tested")

from mmnet.batch.evaluation import evaluate_on_pool
from mmnet.evaluation.datasets.pairs import DatasetError, Pair, check_pairs, load_pairs
from mmnet.evaluation.evaluate import EvaluationError, evaluate_candidates
from mmnet.evaluation.models import Candidate
from mmnet.evaluation.resize import RESIZES
from mmnet.runtime.model import default_model


@dataclass
class Backwards:
    """A pool that does the last task first, and loses those with a certain image."""

    lost: str | None = None
    workers: int = 1

    def run(self, tasks: Sequence[str], build: Callable[[bool], Callable[[str], str]]) -> Iterator[tuple[int, str]]:
        work = build(False)
        for index in reversed(range(len(tasks))):
            if self.lost is None or self.lost not in tasks[index]:
                yield index, work(tasks[index])


@pytest.fixture
def pairs(tmp_path: Path) -> list[Pair]:
    """Nine portraits with drawn mattes."""
    for part in ("image", "mask"):
        (tmp_path / part).mkdir()
    for index in range(9):
        matte = np.zeros((90, 72), np.uint8)
        cv2.circle(matte, (36, 40), 15 + index, 255, -1)
        assert cv2.imwrite(str(tmp_path / "mask" / f"p{index}.png"), matte)
        assert cv2.imwrite(str(tmp_path / "image" / f"p{index}.jpg"), astronaut()[index : index + 90, 180:252])
    return load_pairs(tmp_path)


@pytest.fixture
def candidates() -> list[Candidate]:
    """The model that ships."""
    return [Candidate("shipped", "tflite", "shipped", 256, default_model())]


@pytest.mark.parametrize("resize", ["runtime", "original"])
def test_the_same_results(resize: str, pairs: list[Pair], candidates: list[Candidate]) -> None:
    seen: list[tuple[int, int]] = []
    results, fingerprint = evaluate_on_pool(
        Backwards(), candidates, pairs, RESIZES[resize], lambda done, total: seen.append((done, total))
    )
    assert results == evaluate_candidates(candidates, pairs, RESIZES[resize], threads=2)
    assert fingerprint == check_pairs(pairs)
    assert seen == [(done, 9) for done in range(1, 10)]


def test_every_bad_image_is_named(pairs: list[Pair], candidates: list[Candidate]) -> None:
    for index in (2, 5):
        pairs[index].image.write_bytes(b"\xff\xd8\xff")
    with pytest.raises(DatasetError) as caught:
        evaluate_on_pool(Backwards(), candidates, pairs, RESIZES["runtime"])
    assert [problem.partition(":")[0] for problem in caught.value.problems] == [str(pairs[i].image) for i in (2, 5)]


def test_an_image_that_kills_its_workers_is_named(pairs: list[Pair], candidates: list[Candidate]) -> None:
    several = [*pairs, *(replace(pair, name=f"{pair.name}-again") for pair in pairs)]  # two in a task
    with pytest.raises(EvaluationError) as caught:
        evaluate_on_pool(Backwards(lost="p3.jpg"), candidates, several, RESIZES["runtime"])
    assert str(caught.value).count(".jpg") == 2, "its neighbours are not charged"
    assert str(pairs[3].image) in str(caught.value)


def test_an_unexpected_exception_names_its_image(
    pairs: list[Pair], candidates: list[Candidate], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    read = Pair.read

    def defective(self: Pair) -> object:
        if self.name == "p3":
            raise ZeroDivisionError("planted")
        return read(self)

    monkeypatch.setattr(Pair, "read", defective)
    with caplog.at_level(logging.DEBUG, "mmnet"), pytest.raises(EvaluationError, match=r"p3\.jpg: unexpected Zero"):
        evaluate_on_pool(Backwards(), candidates, pairs, RESIZES["runtime"])
    assert any("Traceback" in message and "planted" in message for message in caplog.messages)
