"""The recipe of quantization-aware training."""

from __future__ import annotations

from dataclasses import replace

from mmnet.training.augment import Augmentation
from mmnet.training.recipes import Recipe, RecipeError, Stage

DEFAULT_STEPS = 300
# What simulates 8 bits: tensorflow-model-optimization on tf-keras, or layers of this project on Keras 3.
SIMULATIONS, DEFAULT_SIMULATION = ("tfmot", "keras"), "tfmot"

RECIPE = Recipe(
    "quantization-aware",
    "Go on from a checkpoint in simulated 8 bits, learning from its float network and from the labels.",
    (Stage(DEFAULT_STEPS, 256, 8, 2e-5, 0.0, warmup=20),),
    Augmentation(),
    continues=True,
    weight_decay=0.0,
    # The weights of fine-tuning, without the auxiliary head, which is not part of the inference graph.
    weights={"alpha": 3.0, "compositional": 3.0, "gradient": 30.0, "cross_entropy": 1.0},
)


def recipe_for(
    size: int, steps: int, batch: int | None, *, backgrounds: bool = False, simulation: str = DEFAULT_SIMULATION
) -> Recipe:
    """Return the recipe for one input size.

    Without backgrounds to composite people over, it has the paper's augmentation, which needs no estimation of
    foregrounds: on a thousand images the estimation takes longer than these few steps.

    Args:
        size: input size in pixels.
        steps: number of steps; 0 measures ranges without training.
        batch: images per step; None: the recipe's.
        backgrounds: whether there are backgrounds.
        simulation: one of `SIMULATIONS`; a run goes on with the one that it began with.

    Raises:
        RecipeError: `steps` is negative, or the simulation is unknown.
    """
    if simulation not in SIMULATIONS:
        raise RecipeError(f"unknown simulation {simulation!r}; choose one of {', '.join(SIMULATIONS)}")
    if steps < 0:
        raise RecipeError(f"{steps} steps are too few; 0 measures ranges without training")
    stage = RECIPE.stages[0]
    warmup = round(stage.warmup * min(1.0, steps / stage.steps))
    stage = replace(stage, steps=steps, size=size, batch=batch or stage.batch, warmup=warmup)
    name = RECIPE.name if simulation == DEFAULT_SIMULATION else f"{RECIPE.name}-{simulation}"
    return replace(RECIPE, name=name, stages=(stage,), augmentation=Augmentation() if backgrounds else "published")
