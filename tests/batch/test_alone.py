"""Calls in a process of their own."""

from __future__ import annotations

import operator
import os
from functools import partial

import pytest

from mmnet.batch.isolated import Alone, DiedError


def test_what_ends_that_process_does_not_end_this_one() -> None:
    with Alone(partial, operator.call) as alone:
        assert alone(os.getpid) != os.getpid()
        with pytest.raises(ValueError, match="invalid literal"):
            alone(int, "x")
        with pytest.raises(DiedError, match="ended the process"):
            alone(os.abort)
        assert alone(int, "7") == 7
