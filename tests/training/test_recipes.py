"""Training recipes: the paper's values, scaling, JSON."""

from __future__ import annotations

import json

import pytest

from mmnet.training.recipes import RECIPES, RecipeError, find_recipe


def test_published_is_the_papers():
    recipe = RECIPES["published"]
    (stage,) = recipe.stages
    assert (stage.size, stage.batch, stage.learning_rate, stage.final_learning_rate) == (256, 32, 1e-4, 1e-4)
    assert (recipe.weight_decay, recipe.norm_decay, recipe.augmentation) == (4e-7, 0.999, "published")
    assert set(recipe.weights.values()) == {1.0}
    assert not recipe.continues


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_every_recipe_is_plain_data(recipe):
    assert json.loads(json.dumps(recipe.to_json()))["name"] == recipe.name


@pytest.mark.parametrize("steps", [2, 7, 100, 10**6])
def test_scaling_keeps_the_proportions(steps):
    recipe = RECIPES["portrait"]
    scaled = recipe.scaled(steps, None)
    assert scaled.steps == steps
    proportion = recipe.stages[0].steps / recipe.steps
    assert abs(scaled.stages[0].steps - proportion * steps) <= 1


@pytest.mark.parametrize("steps", [2, 1000, 10**6])
def test_a_short_run_averages_over_a_part_of_itself(steps):
    scaled = RECIPES["fine-tune"].scaled(steps, None)
    assert 1 / (1 - scaled.weight_average) == pytest.approx(min(1000, max(2, steps / 20)))
    assert RECIPES["published"].scaled(steps, None).weight_average == 0


def test_impossible_recipes_are_refused():
    with pytest.raises(RecipeError, match="published, incremental"):
        find_recipe("magic")
    with pytest.raises(RecipeError, match="too few"):
        RECIPES["portrait"].scaled(1, None)
