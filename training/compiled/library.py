"""The shared library of the compiled training step, loaded with ctypes.

The library exists where a C compiler was present when the package was installed.
"""

from __future__ import annotations

import ctypes
from ctypes import c_float, c_int, c_int32, c_void_p
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

from mmnet.errors import MMNetError

_VERSION = 1  # MMNET_TRAIN_VERSION of train.h

# Instruction sets of train.h, by name, the fastest first.
INSTRUCTION_SETS = {"avx512": 2, "avx2": 1, "any": 0}

LOSSES = 5  # values that a step returns


_OP_FIELDS = (
    "kind", "source", "source_channels", "source_side", "target", "target_offset", "target_channels", "side",
    "stride", "rate", "activation", "kernel", "bias", "gradient",
)  # fmt: skip


class NotCompiledError(MMNetError):
    """The library of the compiled training step is missing."""


class Op(ctypes.Structure):
    """An operator of the table: `mmnet_train_op` of train.h."""

    _fields_ = tuple((name, c_int32) for name in _OP_FIELDS)


class Plan(ctypes.Structure):
    """The sizes of a network and of its batches: `mmnet_train_plan` of train.h."""

    _fields_ = (
        *((name, c_int32) for name in ("ops", "maps", "parameters", "size", "images", "half_pixel")),
        *((name, c_int32) for name in ("alpha_map", "aux_map", "aux_side")),
        ("weights", c_float * LOSSES),
    )


@cache
def load_library(folder: Path | None = None) -> ctypes.CDLL:
    """Load the library.

    Args:
        folder: where it lies; None: beside this module.

    Raises:
        NotCompiledError: there is none for this machine and this version of the sources.
    """
    folder = folder or Path(__file__).parent
    for suffix in EXTENSION_SUFFIXES:
        try:
            library = ctypes.CDLL(str(folder / f"_train{suffix}"))
            if library.mmnet_train_version() == _VERSION:
                return _declared(library)
        except (OSError, AttributeError):  # of another machine, or of other sources
            continue
    raise NotCompiledError(
        f"{folder}: the compiled training step was not built; install a C compiler and MMNet again, or train with "
        "backend='tensorflow'"
    )


def instruction_sets(library: ctypes.CDLL) -> list[str]:
    """List the names of the instruction sets that this processor can execute, the fastest first."""
    return [name for name, number in INSTRUCTION_SETS.items() if library.mmnet_train_has(number)]


def _declared(library: ctypes.CDLL) -> ctypes.CDLL:
    library.mmnet_train_open.argtypes = [c_void_p, c_void_p, c_void_p, c_int32, c_int32]
    library.mmnet_train_open.restype = c_void_p
    library.mmnet_train_close.argtypes = [c_void_p]
    library.mmnet_train_step.argtypes = [c_void_p] * 6
    library.mmnet_train_alphas.argtypes = [c_void_p, c_void_p, c_void_p, c_int32, c_void_p]
    for name in ("close", "step", "alphas"):
        library[f"mmnet_train_{name}"].restype = None
    library.mmnet_train_has.argtypes, library.mmnet_train_has.restype = [c_int], c_int
    return library
