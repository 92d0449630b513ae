"""Stages beside each other compute what a loop computes, and leave nothing behind."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count, islice
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import PATIENCE

from mmnet.runtime.video.pipeline import pipelined

pytestmark = pytest.mark.usefixtures("no_thread_stays")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers()), st.integers(0, 4), st.integers(1, 3))
def test_it_is_a_loop(items: list[int], stages: int, depth: int) -> None:
    functions = [lambda value, step=step: (step, value) for step in range(stages)]
    plain: list[Any] = list(items)
    for function in functions:
        plain = [function(value) for value in plain]
    assert list(pipelined(items, *functions, depth=depth)) == plain


def test_stages_run_at_the_same_time() -> None:
    met = threading.Barrier(3, timeout=PATIENCE)  # breaks unless three stages stand in it at once

    def stage(number: int) -> Callable[[int], int]:
        def work(item: int) -> int:
            if item == 2 - number:  # the first stage is two items ahead of the last
                met.wait()
            return item

        return work

    assert list(pipelined(range(5), *map(stage, range(3)))) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("where", range(3))
def test_an_error_comes_after_the_results_before_it(where: int) -> None:
    def source() -> Iterator[int]:
        for item in range(100):
            if where == 0 and item == 5:
                raise OSError("five")
            yield item

    def stage(number: int) -> Any:
        def work(item: int) -> int:
            if where == number and item == 5:
                raise OSError("five")
            return item

        return work

    results = []
    with pytest.raises(OSError, match="five"):  # noqa: PT012
        for item in pipelined(source(), stage(1), stage(2)):
            results.append(item)
    assert results == [0, 1, 2, 3, 4]


def test_a_stage_cannot_end_it_in_silence() -> None:
    with pytest.raises(RuntimeError):
        list(pipelined([1, 2], lambda _: next(iter(()))))


def test_closing_early_ends_it_and_closes_the_source() -> None:
    closed = threading.Event()

    def source() -> Iterator[int]:
        try:
            yield from count()
        finally:
            closed.set()

    with closing(pipelined(source(), lambda item: item, lambda item: item)) as results:
        assert list(islice(results, 3)) == [0, 1, 2]
    assert closed.is_set()


def test_it_reads_ahead_by_a_bounded_number() -> None:
    read: list[int] = []
    gate = threading.Event()

    def source() -> Iterator[int]:
        for item in count():
            read.append(item)
            if item == 30:
                gate.set()
            yield item

    with closing(pipelined(source(), lambda item: item, lambda item: item, depth=2)) as results:
        assert next(results) == 0
        assert not gate.wait(0.2)
        assert len(read) <= 12  # three channels of two, three items in hand


def test_stop_reads_no_further_but_loses_nothing() -> None:
    stop = threading.Event()
    read: list[int] = []

    def source() -> Iterator[int]:
        for item in count():
            read.append(item)
            yield item

    results = []
    for item in pipelined(source(), lambda item: item, stop=stop):
        results.append(item)
        if item == 4:
            stop.set()
    assert results == read
    assert len(read) < 15


def test_nothing_starts_before_it_is_asked() -> None:
    threads = threading.active_count()
    pipelined(count(), lambda item: item)
    assert threading.active_count() == threads
