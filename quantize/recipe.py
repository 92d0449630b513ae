"""The part of a recipe file that decides an export: the precision, and the layers that stay float."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmnet.errors import MMNetError
from mmnet.json_reader import read_json

RECIPE_FORMAT = "mmnet-recipe/1"


class RecipeError(MMNetError):
    """A file that is not a recipe, or a recipe that contradicts an option."""


@dataclass(frozen=True)
class ExportRecipe:
    """The choices of an export: precision, input type and float layers.

    Attributes:
        precision: a name in `mmnet.quantize.precision.PRECISIONS`; None if the recipe does not give one.
        input_dtype: the dtype of the input and output; None if the recipe does not give one.
        float_layers: layers, or blocks of them, that stay float32.
    """

    precision: str | None = None
    input_dtype: str | None = None
    float_layers: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the recipe as plain JSON values that `read_recipe` accepts."""
        options = {"precision": self.precision, "input": self.input_dtype}
        given = {key: value for key, value in options.items() if value}
        return {"format": RECIPE_FORMAT} | given | {"except": list(self.float_layers)}


def read_recipe(path: str | Path) -> ExportRecipe:
    """Read a recipe file: proposed by `mmnet sensitivity`, saved beside a model, or written by hand.

    Only its keys `precision`, `input` and `except` are used.

    Raises:
        RecipeError: the file cannot be read, or is not a recipe.
    """
    path = Path(path)
    try:
        document = read_json(path)
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise RecipeError(f"{path}: is not JSON ({error}); mmnet sensitivity -o FILE writes a recipe") from error
    if not isinstance(document, dict) or document.get("format") != RECIPE_FORMAT:
        raise RecipeError(f'{path}: is not a recipe; it needs "format": "{RECIPE_FORMAT}"')
    layers = document.get("except", [])
    if not isinstance(layers, list) or not all(isinstance(name, str) and name for name in layers):
        raise RecipeError(f'{path}: "except" is {json.dumps(layers)[:80]}; it has to be a list of layer names')
    return ExportRecipe(_text(document, "precision", path), _text(document, "input", path), tuple(layers))


def agreed(recipe: str | None, option: str | None, name: str) -> str | None:
    """Return the value that a recipe and an option of this name give together; None if neither gives one.

    Raises:
        RecipeError: they differ.
    """
    if recipe is not None and option is not None and recipe != option:
        raise RecipeError(f"the recipe gives {name} {recipe}, the option {name} is {option}; leave one out")
    return option if recipe is None else recipe


def _text(document: Mapping[str, Any], key: str, path: Path) -> str | None:
    value = document.get(key)
    if value is not None and not isinstance(value, str):
        raise RecipeError(f'{path}: "{key}" is {json.dumps(value)[:80]}; it has to be text')
    return value
