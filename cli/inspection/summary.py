"""The recipe of a model on the terminal: the few lines that matter, or everything as dotted names."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

_FEW = 12  # entries; a recipe of at most so many is shown whole
_HASH = 12  # characters of a hash that are shown


def flat_recipe(value: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Flatten a nested recipe to dotted names: {"a": {"b": 1}} → {"a.b": "1"}."""
    flat: dict[str, str] = {}
    for key, item in value.items():
        if key == "verification" and isinstance(item, list):
            flat |= {f"{key}.{name}": found for name, found in _checks(item)}
        elif isinstance(item, dict) and item:
            flat |= flat_recipe(item, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = _text(item)
    return flat


def recipe_summary(recipe: Mapping[str, Any]) -> dict[str, str]:
    """Return what a recipe says of the checkpoint, the precision, the ranges and the checks; a short one whole.

    Args:
        recipe: the recipe, from a file that may hold anything.
    """
    flat = flat_recipe(recipe)
    if len(flat) <= _FEW:
        return flat
    summary = {
        "checkpoint": _checkpoint(_mapping(recipe.get("checkpoint"))),
        "trained": _trained(_mapping(_mapping(recipe.get("checkpoint")).get("provenance"))),
        "precision": _joined(recipe.get("precision"), _after("input in ", recipe.get("input"))),
        "float layers": ", ".join(map(str, kept)) if isinstance(kept := recipe.get("except"), list) else "",
        "calibration": _photos(_mapping(recipe.get("calibration"))),
        "ranges": _photos(_mapping(recipe.get("ranges"))),
        "versions": _versions(_mapping(recipe.get("versions"))),
        **{f"check: {name}": found for name, found in _checks(recipe.get("verification"))},
    }
    return {name: value for name, value in summary.items() if value}


def _checkpoint(checkpoint: Mapping[str, Any]) -> str:
    sha256 = checkpoint.get("sha256")
    fingerprint = f"SHA-256 {str(sha256)[:_HASH]}…" if sha256 else ""
    return _joined(checkpoint.get("name"), _after("step ", checkpoint.get("step")), fingerprint)


def _trained(provenance: Mapping[str, Any]) -> str:
    recipe = _mapping(provenance.get("recipe"))
    averaged = provenance.get("average of")
    return _joined(
        _after("recipe ", recipe.get("name")),
        _after("from step ", provenance.get("first_step")),
        f"on an average of {len(averaged)} checkpoints" if isinstance(averaged, list) else "",
        _after("imported from ", provenance.get("imported from")),
    )


def _photos(origin: Mapping[str, Any]) -> str:
    return _joined(
        _after("from ", origin.get("from")),
        f"{photos} photos" if (photos := origin.get("photos")) is not None else "",
        _after("trained steps: ", origin.get("trained_steps")),
    )


def _versions(versions: Mapping[str, Any]) -> str:
    return _joined(*(f"{name} {versions[name]}" for name in ("mmnet", "tensorflow") if name in versions))


def _checks(verification: Any) -> Iterator[tuple[str, str]]:
    """Yield the name and the result of every check."""
    for check in verification if isinstance(verification, list) else ():
        if isinstance(check, dict):
            yield str(check.get("name")), str(check.get("found"))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _after(words: str, value: Any) -> str:
    return "" if value is None else f"{words}{value}"


def _joined(*parts: Any) -> str:
    return ", ".join(str(part) for part in parts if part not in (None, ""))


def _text(item: Any) -> str:
    return item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)
