"""dtSSD and MESSDdt against their formulas in loops, and against values computed by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from moving import disc

from mmnet.evaluation.metrics import MetricError
from mmnet.evaluation.video.metrics import dtssd, messddt, true_flow

mattes = st.tuples(st.integers(1, 6), st.integers(1, 6)).flatmap(
    lambda shape: st.tuples(
        *[hnp.arrays(np.float32, shape, elements=st.floats(0, 1, width=32)) for _ in range(4)],
        hnp.arrays(np.float32, (*shape, 2), elements=st.floats(-8, 8, width=32)),
    )
)


@settings(max_examples=60, deadline=None)
@given(mattes)
def test_against_the_formulas_written_out(given_: tuple[Any, ...]) -> None:
    alpha, other, truth, other_truth, flow = given_
    height, width = alpha.shape
    squares, differences = 0.0, 0.0
    for row in range(height):
        for column in range(width):
            change = float(alpha[row, column]) - float(other[row, column])
            true_change = float(truth[row, column]) - float(other_truth[row, column])
            squares += (change - true_change) ** 2
            across, down = (round(float(part)) for part in flow[row, column])
            to_row, to_column = min(max(row + down, 0), height - 1), min(max(column + across, 0), width - 1)
            now = (float(alpha[row, column]) - float(truth[row, column])) ** 2
            then = (float(other[to_row, to_column]) - float(other_truth[to_row, to_column])) ** 2
            differences += abs(now - then)
    assert dtssd(alpha, other, truth, other_truth) == pytest.approx(math.sqrt(squares / alpha.size), abs=1e-6)
    assert messddt(alpha, other, truth, other_truth, flow) == pytest.approx(differences / alpha.size, abs=1e-6)


def matte(*rows: Any) -> Any:
    return np.array(rows, np.float32)


def test_by_hand() -> None:
    nothing, corner = matte((0, 0), (0, 0)), matte((1, 0), (0, 0))
    # One of four pixels blinks: √(1/4).
    assert dtssd(corner, nothing, nothing, nothing) == 0.5
    assert dtssd(corner, nothing, corner, nothing) == 0
    # An error that stays is steady.
    assert dtssd(corner, corner, nothing, nothing) == 0
    still = np.zeros((2, 2, 2), np.float32)
    assert messddt(corner, nothing, nothing, nothing, still) == 0.25
    assert messddt(corner, corner, nothing, nothing, still) == 0
    # An error that goes to the right with the truth costs nothing but where it came from.
    right = np.zeros((2, 2, 2), np.float32)
    right[0, 0] = (1, 0)
    assert messddt(corner, matte((0, 1), (0, 0)), nothing, nothing, right) == 0.25
    assert messddt(corner, matte((0, 1), (0, 0)), nothing, nothing, still) == 0.5


def test_the_true_flow_is_that_of_the_edge() -> None:
    before, after = disc(60, 64), disc(63, 66)
    flow = true_flow(before, after)
    edge = (before > 0.2) & (before < 0.8)
    assert flow[edge].mean(axis=0) == pytest.approx([3, 2], abs=1)
    assert not true_flow(before, before).any()


def test_what_is_refused() -> None:
    good, flow = np.zeros((4, 4), np.float32), np.zeros((4, 4, 2), np.float32)
    with pytest.raises(MetricError, match="of one shape"):
        dtssd(good, good, good, good[:3])
    with pytest.raises(MetricError, match="does not hold floats"):
        dtssd(good, good, good, good.astype(np.uint8))
    with pytest.raises(MetricError, match=r"give \[H, W, 2\]"):
        messddt(good, good, good, good, flow[:3])
