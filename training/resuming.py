"""The options in which a run differs from its beginning, and the recipe of a run that is extended."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mmnet.json_reader import parse_json
from mmnet.training.recipes import Recipe, RecipeError

# Values of a recipe that follow from the number of steps (`Recipe.scaled`), and those that are not compared one by one.
_OF_STEPS = frozenset({"steps", "warmup", "weight_average"})
_OF_NAME = frozenset({"name", "summary", "stages"})
# Defaults of values that earlier versions did not record; other such values are off, which compares as false.
_DEFAULTS = {"optimizer": "adam"}
# Values that an option sets → the option.
_OPTIONS = {
    "batch": "batch=…",
    "size": "size=…",
    "mixed_precision": "mixed_precision=…",
    "augmentation": "backgrounds=…",
    "seed": "seed=…",
    "teacher_step": "teacher=…",
}


def differences(recorded: Mapping[str, Any], identity: Mapping[str, Any], *, extends: bool = False) -> dict[str, str]:
    """Return the options that differ between a run and its beginning.

    Args:
        recorded: the provenance of a checkpoint of the run.
        identity: `TrainingRun.identity` of the run that is to go on.
        extends: whether the last stage may have more steps than at first.

    Returns:
        The option, or the part of the recipe → how it differs, in words. Empty if nothing differs.
    """
    # In JSON tuples become lists.
    before, now = (_plain({key: values.get(key) for key in identity}) for values in (recorded, identity))
    found: dict[str, str] = {}
    if before.get("recipe") != now.get("recipe"):
        found |= _recipe_differences(before.get("recipe"), now["recipe"], extends=extends)
    if before.get("first_step") != now.get("first_step"):
        found["start=…"] = (
            f"the run began at step {before.get('first_step')}, and this start is at step {now['first_step']}"
        )
    for key in ("seed", "teacher_step"):
        if before.get(key) != now.get(key):
            found[_OPTIONS[key]] = _was(before.get(key), now.get(key))
    return found


def extended(recipe: Recipe, recorded: Mapping[str, Any], steps: int | None) -> Recipe:
    """Return the recipe of a run whose last stage is made longer.

    Args:
        recipe: the recipe of the options, whose stages may have any number of steps.
        recorded: the recipe of the run's newest checkpoint, as `Recipe.to_json` describes it.
        steps: the number of steps in all stages; as many as recorded goes on with a run that was extended before.

    Raises:
        RecipeError: `steps` is missing, or less than recorded.
    """
    stages = _stages(recorded)
    before = sum(stage["steps"] for stage in stages)
    if steps is None or steps < before:
        given = "" if steps is None else f", and steps={steps}"
        raise RecipeError(f"the run has {before:,} steps{given}; give a larger number with steps=N to extend it")
    if len(stages) != len(recipe.stages):
        return recipe  # another recipe, which `differences` names
    lengths = [*(stage["steps"] for stage in stages[:-1]), steps - sum(stage["steps"] for stage in stages[:-1])]
    return replace(
        recipe,
        stages=tuple(
            replace(stage, steps=length, warmup=one.get("warmup", 0))
            for stage, length, one in zip(recipe.stages, lengths, stages, strict=True)
        ),
        weight_average=recorded.get("weight_average", recipe.weight_average),
    )


def _recipe_differences(before: Any, now: dict[str, Any], *, extends: bool) -> dict[str, str]:
    if not isinstance(before, dict):
        return {"recipe=…": "the run does not record its recipe"}
    if before.get("name") != now["name"]:
        return {"recipe=…": _was(before.get("name"), now["name"])}
    stages_before, stages_now = _stages(before), now["stages"]
    steps_before, steps_now = (sum(stage["steps"] for stage in stages) for stages in (stages_before, stages_now))
    found = {} if steps_before == steps_now or extends else {"steps=…": _was(steps_before, steps_now)}
    if len(stages_before) != len(stages_now):
        return found | {"the recipe's stages": _was(len(stages_before), len(stages_now))}
    of_steps: set[str] = set()
    for first, second in [(before, now), *zip(stages_before, stages_now, strict=True)]:
        for key in second:
            # A version before the key did what the key's default says.
            default = key not in first and (not second[key] or second[key] == _DEFAULTS.get(key))
            if key in _OF_NAME or first.get(key) == second[key] or default:
                continue
            if key in _OF_STEPS:
                of_steps.add(key)
            else:
                found.setdefault(*_named(key, first.get(key), second[key]))
    if of_steps and steps_before == steps_now:
        found["extend=…"] = "the run was extended to these steps; give extend=True again"
    return found


def _named(key: str, before: Any, now: Any) -> tuple[str, str]:
    option = _OPTIONS.get(key)
    if option == "backgrounds=…":
        return option, "the images are augmented otherwise"
    return option or f"the recipe's {key.replace('_', ' ')}", _was(before, now)


def _was(before: Any, now: Any) -> str:
    return f"{_words(now)}, and {_words(before)} at first"


def _words(value: Any) -> str:
    if value is None or value is False:
        return "not given"
    return "given" if value is True else f"{value:,}" if isinstance(value, int) else str(value)


def _plain(value: dict[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = parse_json(json.dumps(value))
    return plain


def _stages(recipe: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the stages of a recorded recipe; none where it does not describe them."""
    stages = recipe.get("stages")
    if not isinstance(stages, list | tuple):
        return []
    whole = all(isinstance(stage, dict) and isinstance(stage.get("steps"), int) for stage in stages)
    return list(stages) if whole else []
