"""The check of arguments: a value of a wrong type is one clear error, before any work.

Python's own errors for such values come from wherever the value is used first, and do not name the argument.
"""

from __future__ import annotations

import collections.abc
import numbers
import os
import sys
import types
from collections.abc import Callable, Hashable, Mapping
from dataclasses import fields
from functools import cache, wraps
from inspect import signature
from pathlib import Path
from typing import Any, Literal, ParamSpec, TypeVar, Union, cast, get_args, get_origin

from mmnet.errors import MMNetError
from mmnet.text import one_line, printable

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")

_WORDS: dict[object, str] = {
    Path: "a path",
    bool: "True or False",
    bytes: "bytes",
    float: "a number",
    int: "a whole number",
    str: "text",
    type(None): "None",
}


class ArgumentError(MMNetError, TypeError):
    """An argument of a wrong type. It is a `TypeError`, too."""


def checked_arguments(function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
    """Return a function that checks the types of its arguments first, by their annotations.

    Paths may be `os.PathLike`, numbers may be NumPy's. Annotations that this module does not know are not checked.

    Raises:
        ArgumentError: an argument has a wrong type; the message names it, and what to give.
    """
    wanted = signature(function)

    @wraps(function)
    def checked(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Result:
        bound = wanted.bind(*args, **kwargs)
        _check(bound.arguments, _annotations(function))
        return function(*args, **kwargs)

    return checked


def check_fields(instance: Any) -> None:
    """Check the types of the fields of a dataclass.

    Raises:
        ArgumentError: a field has a wrong type; the message names it, and what to give.
    """
    values = {field.name: getattr(instance, field.name) for field in fields(instance)}
    _check(values, _annotations(cast("Hashable", type(instance))))


def _check(arguments: Mapping[str, object], annotations: Mapping[str, Any]) -> None:
    for name, value in arguments.items():
        if name in annotations and not _fits(value, annotations[name]):
            shown = one_line(printable(repr(value)))
            raise ArgumentError(
                f"{name} is {shown if len(shown) <= 60 else shown[:57] + '...'}; give {_described(annotations[name])}"
            )


@cache
def _annotations(owner: Any) -> dict[str, Any]:
    """Return the annotations of a function or class as types; those that cannot be evaluated here are left out."""
    known = vars(sys.modules[str(owner.__module__)])
    found = {}
    for name, annotation in owner.__annotations__.items():
        try:  # the texts are this project's own source, not a caller's
            found[name] = eval(annotation, known) if isinstance(annotation, str) else annotation
        except NameError:  # of a type that only checkers import
            continue
    return found


def _fits(value: object, kind: Any) -> bool:
    """Whether a value may be of a type; true for types that are not known."""
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return any(_fits(value, member) for member in get_args(kind))
    if kind in (None, type(None)):
        return value is None
    if kind is Path or origin is os.PathLike:
        return isinstance(value, str | os.PathLike)
    if kind is bool:
        return isinstance(value, bool) or type(value).__name__ in ("bool", "bool_")
    if kind in (int, float):
        number = numbers.Integral if kind is int else numbers.Real
        return isinstance(value, number) and not isinstance(value, bool)
    if origin is Literal:
        return isinstance(value, tuple(type(choice) for choice in get_args(kind)))
    if origin is collections.abc.Callable:
        return callable(value)
    if origin in (collections.abc.Sequence, collections.abc.Iterable, collections.abc.Collection, list):
        inner = get_args(kind)[0]
        if isinstance(value, str | bytes) or not isinstance(value, collections.abc.Iterable):
            return False
        return isinstance(value, collections.abc.Iterator) or all(_fits(one, inner) for one in value)
    if origin is tuple and Ellipsis not in get_args(kind):
        inside = get_args(kind)
        return isinstance(value, list | tuple) and len(value) == len(inside) and all(map(_fits, value, inside))
    if origin is collections.abc.Mapping:
        return isinstance(value, collections.abc.Mapping)
    if kind in (str, bytes):
        return isinstance(value, kind)
    if isinstance(kind, type) and kind is not Any and not getattr(kind, "_is_protocol", False):
        # Any object of another library or program may play the part of one of ours.
        return isinstance(value, kind) or type(value).__module__ not in ("builtins", "numpy")
    return True


def _described(kind: Any) -> str:
    """Return what to give for a type, in words."""
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        members = list(dict.fromkeys(_described(member) for member in get_args(kind)))
        if "a path" in members and "text" in members:
            members.remove("text")
        return " or ".join([", ".join(members[:-1]), members[-1]] if len(members) > 1 else members)
    if origin is Literal:
        return "one of " + ", ".join(map(repr, get_args(kind)))
    if origin is os.PathLike:
        return "a path"
    if origin is tuple:
        return f"({', '.join(map(_described, get_args(kind)))})"
    if origin is collections.abc.Callable:
        return "a function"
    if origin is collections.abc.Mapping:
        return "a dictionary"
    if origin in (collections.abc.Sequence, collections.abc.Iterable, collections.abc.Collection, list):
        return f"a list, each of it {_described(get_args(kind)[0])}"
    return _WORDS.get(kind) or f"a {getattr(kind, '__name__', kind)}"
