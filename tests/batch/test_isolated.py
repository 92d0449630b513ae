"""Calls in an isolated process."""

from __future__ import annotations

import operator
import os
import time
from functools import partial

import pytest
from isolated_functions import build_slowly, fail, refuse

from mmnet.batch.errors import BatchError
from mmnet.batch.isolated import IsolatedProcess, ProcessDiedError, ProcessTimeoutError


def test_a_crash_ends_that_process_alone() -> None:
    with IsolatedProcess(partial, operator.call) as isolated:
        assert isolated(os.getpid) != os.getpid()
        with pytest.raises(ValueError, match="invalid literal"):
            isolated(int, "x")
        with pytest.raises(ProcessDiedError, match="crashed the process"):
            isolated(os.abort)
        assert isolated(int, "7") == 7


def test_every_exception_arrives() -> None:
    with IsolatedProcess(partial, fail) as isolated, pytest.raises(BatchError, match="UnpicklableError: with a lambda"):
        isolated()
    with IsolatedProcess(refuse) as isolated:
        for _ in range(2):
            with pytest.raises(ValueError, match="refused"):
                isolated()


def test_the_start_of_a_process_does_not_count_as_a_part_of_its_first_call() -> None:
    with IsolatedProcess(build_slowly) as isolated:
        isolated.timeout = 2
        assert isolated(int, "7") == 7
        with pytest.raises(ProcessTimeoutError, match="took longer than 2 seconds"):
            isolated(time.sleep, 600)
