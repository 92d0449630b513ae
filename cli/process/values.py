"""Values of options and arguments, converted without pydantic, which takes longer to load than most commands to parse.

Typer converts every value by pydantic. Here, the texts, paths and plain numbers that make up nearly all command lines
are converted directly. Whatever is not plain goes to typer, which also words the errors.
"""

from __future__ import annotations

import os
import re
import types
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any, Union, get_args, get_origin

_INT = re.compile(r"-?\d{1,15}", re.ASCII)
_FLOAT = re.compile(r"-?\d{1,15}(\.\d{1,15})?", re.ASCII)


class _NotPlainError(Exception):
    """A value that typer has to convert."""


def convert_simply(parameters: list[Any]) -> list[Any]:
    """Make parameters of typer convert plain values without pydantic, and return them.

    Args:
        parameters: of a command. Those of other types, and those of a typer that does not use pydantic, stay as they
            are.
    """
    for parameter in parameters:
        convert = _converter(getattr(parameter, "type_descriptor", None))
        if convert is not None and getattr(parameter, "_runtime_param", parameter) is None:
            parameter._runtime_param = _PlainValue(convert)
    return parameters


class _PlainValue:
    """A stand-in for the object by which typer converts the values of one parameter."""

    def __init__(self, convert: Callable[[Any], Any]) -> None:
        self._convert = convert

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return a converted value, as `typer._coercion.RuntimeParam.coerce`."""
        several = param.multiple or param.nargs == -1
        if value is None:
            return () if several else None
        try:
            return self._convert(value)
        except _NotPlainError:
            param._runtime_param = None
            return param.get_runtime_param().coerce(value, param=param, ctx=ctx)


def _converter(descriptor: Any) -> Callable[[Any], Any] | None:
    """Return the function that converts the plain values of a type; None if there is none."""
    if descriptor is None or descriptor.is_file or descriptor.is_choice:
        return None
    annotation, info = descriptor.annotation, descriptor.parameter_info
    if info.parser is not None or info.clamp:
        return None
    one = _single(annotation, info)
    if one is not None or get_origin(annotation) is not list:
        return one
    inner = _single(get_args(annotation)[0], info)
    if inner is None:
        return None

    def convert(values: Any) -> list[Any]:
        if not isinstance(values, list | tuple):
            raise _NotPlainError
        return [inner(value) for value in values]

    return convert


def _single(annotation: Any, info: Any) -> Callable[[Any], Any] | None:
    if get_origin(annotation) in (Union, types.UnionType):
        members = [member for member in get_args(annotation) if member is not type(None)]
        return _single(members[0], info) if len(members) == 1 else None
    if annotation is str:
        return _text
    if annotation is bool:
        return _flag
    if annotation is Path:
        checked = (info.exists, info.resolve_path, info.path_type, info.writable, not info.file_okay, not info.dir_okay)
        return None if any(checked) else _path
    if annotation in (int, float):
        return lambda value: _number(value, annotation, info.min, info.max)
    return None


def _text(value: Any) -> str:
    if type(value) is str:
        return value
    if isinstance(value, StrEnum):  # a default
        return str(value)
    raise _NotPlainError


def _flag(value: Any) -> bool:
    if type(value) is bool:
        return value
    raise _NotPlainError


def _path(value: Any) -> Path:
    if not isinstance(value, str | Path) or (os.path.exists(value) and not os.access(value, os.R_OK)):  # noqa: PTH110
        raise _NotPlainError
    return Path(value)


def _number(value: Any, kind: type[Any], low: float | None, high: float | None) -> Any:
    if isinstance(value, str) and (_INT if kind is int else _FLOAT).fullmatch(value):
        value = kind(value)
    if type(value) is not kind or (low is not None and value < low) or (high is not None and value > high):
        raise _NotPlainError
    return value
