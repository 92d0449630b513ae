"""Which options keep a run from going on, in words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mmnet.training.recipes import RECIPES, Recipe
from mmnet.training.resuming import differences, extended


def identity(recipe: Recipe, seed: int = 0, first_step: int = 7, **more: Any) -> dict[str, Any]:
    return {"recipe": recipe.to_json(), "seed": seed, "first_step": first_step, **more}


FINE_TUNE, PORTRAIT = RECIPES["fine-tune"], RECIPES["portrait"]
BEGUN = identity(FINE_TUNE.scaled(2000, 8), teacher_step=5)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (BEGUN, {}),
        (identity(PORTRAIT.scaled(2000, 8), teacher_step=5), {"recipe=…": "portrait, and fine-tune at first"}),
        (identity(FINE_TUNE.scaled(4000, 8), teacher_step=5), {"steps=…": "4,000, and 2,000 at first"}),
        (identity(FINE_TUNE.scaled(2000, 16), teacher_step=5), {"batch=…": "16, and 8 at first"}),
        (
            identity(replace(FINE_TUNE.scaled(2000, 8), mixed_precision=True), teacher_step=5),
            {"mixed_precision=…": "given, and not given at first"},
        ),
        (
            identity(replace(FINE_TUNE.scaled(2000, 8), augmentation="published"), teacher_step=5),
            {"backgrounds=…": "the images are augmented otherwise"},
        ),
        (
            identity(replace(FINE_TUNE.scaled(2000, 8), norm_decay=0.5), teacher_step=5),
            {"the recipe's norm decay": "0.5, and 0.99 at first"},
        ),
        (identity(FINE_TUNE.scaled(2000, 8), seed=3, teacher_step=5), {"seed=…": "3, and 0 at first"}),
        (
            identity(FINE_TUNE.scaled(2000, 8), first_step=9, teacher_step=5),
            {"start=…": "the run began at step 7, and this start is at step 9"},
        ),
        (identity(FINE_TUNE.scaled(2000, 8), teacher_step=6), {"teacher=…": "6, and 5 at first"}),
        (
            identity(FINE_TUNE.scaled(4000, 16), seed=3, teacher_step=5),
            {"steps=…": "4,000, and 2,000 at first", "batch=…": "16, and 8 at first", "seed=…": "3, and 0 at first"},
        ),
    ],
)
def test_every_option_is_named(now: dict[str, Any], expected: dict[str, str]) -> None:
    assert differences(BEGUN, now) == expected


def test_a_run_of_an_older_version_goes_on() -> None:
    """A key that a version did not know counts as its default."""
    recorded = identity(FINE_TUNE.scaled(2000, 8))
    for stage in recorded["recipe"]["stages"]:
        del stage["frozen_norms"]
    del recorded["recipe"]["optimizer"]
    assert differences(recorded, identity(FINE_TUNE.scaled(2000, 8))) == {}


@pytest.mark.parametrize("recipe", [None, 5, {}, {"name": "fine-tune"}, {"name": "fine-tune", "stages": [1]}])
def test_a_checkpoint_may_record_anything(recipe: object) -> None:
    assert differences({"recipe": recipe}, BEGUN)


def test_only_the_last_stage_is_extended() -> None:
    begun = PORTRAIT.scaled(90, 4)
    longer = extended(PORTRAIT.scaled(150, 4), begun.to_json(), 150)
    assert [stage.steps for stage in longer.stages] == [60, 90]
    assert [stage.warmup for stage in longer.stages] == [stage.warmup for stage in begun.stages]
    assert longer.weight_average == begun.weight_average
    assert differences(identity(begun), identity(longer), extends=True) == {}
    assert list(differences(identity(begun), identity(longer))) == ["steps=…"]
    # Called again it goes on with `extend`, and says so without.
    assert extended(PORTRAIT.scaled(150, 4), longer.to_json(), 150) == longer
    told = differences(identity(longer), identity(PORTRAIT.scaled(150, 4)))
    assert told == {"extend=…": "the run was extended to these steps; give extend=True again"}
    # With `extends` everything else still has to be the same.
    other = replace(longer, norm_decay=0.5)
    assert list(differences(identity(begun), identity(other), extends=True)) == ["the recipe's norm decay"]
    # Another recipe is not bent to fit; it is named.
    assert "recipe=…" in differences(identity(begun), identity(extended(FINE_TUNE, begun.to_json(), 150)), extends=True)
