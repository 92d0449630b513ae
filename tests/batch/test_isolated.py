"""Calls in an isolated process."""

from __future__ import annotations

import operator
import os
from functools import partial

import pytest
from isolated_functions import fail, refuse

from mmnet.batch.errors import BatchError
from mmnet.batch.isolated import IsolatedProcess, ProcessDiedError


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
    with IsolatedProcess(refuse) as isolated, pytest.raises(ValueError, match="refused"):
        isolated()
