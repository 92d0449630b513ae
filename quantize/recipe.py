"""A recipe as a file: which precision, and which layers are excepted from it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmnet.errors import MMNetError

RECIPE_FORMAT = "mmnet-recipe/1"


class RecipeError(MMNetError):
    """A file that is no recipe, or one that contradicts the rest of what was asked for."""


@dataclass(frozen=True)
class Recipe:
    """How to quantize.

    Attributes:
        precision: a name in `mmnet.quantize.precision.PRECISIONS`; None: not said.
        input_dtype: of the input and output; None: not said.
        floats: layers, or blocks of them, that stay float32.
    """

    precision: str | None = None
    input_dtype: str | None = None
    floats: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As `read_recipe` takes it."""
        said = {"precision": self.precision, "input": self.input_dtype}
        return (
            {"format": RECIPE_FORMAT}
            | {key: value for key, value in said.items() if value}
            | {"except": list(self.floats)}
        )


def read_recipe(path: Path) -> Recipe:
    """Read a recipe: one that `mmnet sensitivity` proposed, one saved beside a model, or one written by hand.

    Only `precision`, `input` and `except` are looked at.

    Raises:
        RecipeError: it cannot be read, or is none.
    """
    try:
        found = json.loads(path.read_bytes())
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise RecipeError(f"{path}: is not JSON ({error}); mmnet sensitivity -o FILE writes a recipe") from error
    if not isinstance(found, dict) or found.get("format") != RECIPE_FORMAT:
        raise RecipeError(f'{path}: is not a recipe; it needs "format": "{RECIPE_FORMAT}"')
    floats = found.get("except", [])
    if not isinstance(floats, list) or not all(isinstance(name, str) and name for name in floats):
        raise RecipeError(f'{path}: "except" is {json.dumps(floats)[:80]}; it has to be a list of layer names')
    return Recipe(_text(found, "precision", path), _text(found, "input", path), tuple(floats))


def agreed(recipe: str | None, asked: str | None, option: str) -> str | None:
    """What the recipe and the command line say together.

    Raises:
        RecipeError: they differ.
    """
    if recipe is not None and asked is not None and recipe != asked:
        raise RecipeError(f"the recipe says {option} {recipe}, the command line {asked}; leave one out")
    return asked if recipe is None else recipe


def _text(found: Mapping[str, Any], key: str, path: Path) -> str | None:
    value = found.get(key)
    if value is not None and not isinstance(value, str):
        raise RecipeError(f'{path}: "{key}" is {json.dumps(value)[:80]}; it has to be text')
    return value
