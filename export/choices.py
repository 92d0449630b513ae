"""The choices of an export that a command line offers: names and defaults, without what they stand for."""

from __future__ import annotations

from collections.abc import Collection

from mmnet.errors import MMNetError

# The ways to make a .tflite; see `mmnet.export.converters`.
CONVERTERS, DEFAULT_CONVERTER = ("direct", "tensorflow"), "direct"
# What computes the network as it was trained, to compare the float model with; see `mmnet.export.verify`.
NETWORKS, DEFAULT_NETWORK = ("numpy", "keras"), "numpy"


class ChoiceError(MMNetError):
    """A name of a converter, or of a network to verify with, that there is not."""


def check_choices(converter: str, verify: str) -> None:
    """Raise unless both names are known.

    Raises:
        ChoiceError: an unknown name; lists the accepted ones.
    """
    _check("converter", converter, CONVERTERS)
    _check("network to verify with", verify, NETWORKS)


def _check(what: str, name: str, known: Collection[str]) -> None:
    if name not in known:
        raise ChoiceError(f"unknown {what} {name!r}; choose one of {', '.join(known)}")
