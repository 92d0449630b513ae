"""The choice of a few items of many, spread evenly over all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from mmnet.errors import MMNetError

Item = TypeVar("Item")


class SelectionError(MMNetError):
    """Fewer than one item was asked for."""


def even_indices(total: int, count: int) -> list[int]:
    """Return at most `count` of the indices 0 to `total` − 1, increasing: index k is k · total // count.

    Args:
        total: the number of items, >= 0.
        count: the number of items wanted, >= 1; where it is larger than `total`, every index is returned.

    Raises:
        SelectionError: `count` is less than 1.
    """
    if count < 1:
        raise SelectionError(f"{count} of {total} items were asked for; ask for at least 1")
    count = min(count, total)
    return [index * total // count for index in range(count)]


def spread_evenly(items: Sequence[Item], count: int | None) -> list[Item]:
    """Return at most `count` of the items, in their order; all of them where `count` is None. See `even_indices`."""
    return list(items) if count is None else [items[index] for index in even_indices(len(items), count)]
