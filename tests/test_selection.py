"""The choice of a few items of many."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmnet.selection import SelectionError, even_indices, spread_evenly


@given(st.integers(0, 200), st.integers(1, 200))
def test_indices_increase_and_are_spread(total: int, count: int) -> None:
    indices = even_indices(total, count)
    assert len(indices) == min(total, count)
    assert indices == sorted(set(indices))
    gaps = [after - before for before, after in pairwise(indices)]
    assert not gaps or max(gaps) - min(gaps) <= 1


def test_items_keep_their_order() -> None:
    assert spread_evenly("abcdef", 3) == ["a", "c", "e"]
    assert spread_evenly("abc", 9) == spread_evenly("abc", None) == ["a", "b", "c"]


def test_none_of_them_is_refused() -> None:
    with pytest.raises(SelectionError, match="ask for at least 1"):
        even_indices(5, 0)
