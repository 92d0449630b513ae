"""The choices of an export that a command line offers: names and defaults, without what they stand for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from mmnet.errors import MMNetError

# The ways to make a .tflite; see `mmnet.export.converters`.
CONVERTERS, DEFAULT_CONVERTER = ("direct", "tensorflow"), "direct"
# The formats of models, with the extension of each, and the precisions of those other than .tflite, the default first.
EXTENSIONS = {"tflite": ".tflite", "onnx": ".onnx", "coreml": ".mlpackage"}
FORMATS, DEFAULT_FORMAT = tuple(EXTENSIONS), "tflite"
OTHER_PRECISIONS = {"onnx": ("float32", "int8"), "coreml": ("float16", "float32")}
# What computes the network as it was trained, to compare the float model with; see `mmnet.export.verify`.
NETWORKS, DEFAULT_NETWORK = ("numpy", "keras"), "numpy"


class ChoiceError(MMNetError):
    """An unknown name of a converter, of a network to verify with or of a format, or options of another format."""


def format_of(path: Path) -> str | None:
    """Return the format that a file name's ending stands for, one of `FORMATS`; None for every other ending."""
    return next((name for name, extension in EXTENSIONS.items() if path.suffix.lower() == extension), None)


@dataclass(frozen=True)
class Choices:
    """The format of a model, what makes it, and what it is compared with.

    Attributes:
        file_format: one of `FORMATS`.
        converter: one of `CONVERTERS`, which makes a .tflite.
        verify: one of `NETWORKS`, what the float model is compared with.

    Raises:
        ChoiceError: an unknown name; lists the accepted ones.
    """

    file_format: str = DEFAULT_FORMAT
    converter: str = DEFAULT_CONVERTER
    verify: str = DEFAULT_NETWORK

    def __post_init__(self) -> None:
        _check("format", self.file_format, FORMATS)
        _check("converter", self.converter, CONVERTERS)
        _check("network to verify with", self.verify, NETWORKS)

    @property
    def is_tflite(self) -> bool:
        """Whether the model is a .tflite."""
        return self.file_format == DEFAULT_FORMAT


def _check(what: str, name: str, known: Collection[str]) -> None:
    if name not in known:
        raise ChoiceError(f"unknown {what} {name!r}; choose one of {', '.join(known)}")


DEFAULT_CHOICES = Choices()


def check_format_options(file_format: str, precision: str, input_dtype: str, float_layers: Collection[str]) -> None:
    """Raise where a model of a format other than .tflite cannot have these options.

    Raises:
        ChoiceError: another precision or input type, or layers that stay float.
    """
    if file_format not in OTHER_PRECISIONS:
        return
    named, precisions = f"a {EXTENSIONS[file_format]}", OTHER_PRECISIONS[file_format]
    if precision not in precisions:
        raise ChoiceError(f"{named} has no precision {precision!r}; choose one of {', '.join(precisions)}")
    if input_dtype != "float32":
        raise ChoiceError(f"{named} takes float32 input, not {input_dtype}")
    if float_layers:
        raise ChoiceError(f"{named} rounds all layers or none; leave out the recipe with excepted layers")
