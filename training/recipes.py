"""Training recipes: stages, loss weights and augmentation, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from mmnet.errors import MMNetError
from mmnet.network.config import Sampling
from mmnet.training.augment import Augmentation, AugmentationChoice

Optimizer = Literal["adam", "muon"]

LOSSES = ("alpha", "compositional", "gradient", "cross_entropy", "auxiliary")


class RecipeError(MMNetError):
    """A recipe is unknown, or does not fit the other settings."""


@dataclass(frozen=True)
class Stage:
    """A part of a training, with one input size.

    Attributes:
        steps: number of batches.
        size: side of the images in pixels.
        batch: images per step.
        learning_rate: at the beginning of the stage, after the warm-up.
        final_learning_rate: at the end, reached along a cosine; equal to `learning_rate` for a constant one.
        warmup: steps over which the learning rate rises from zero.
        frozen_norms: whether the batch norms use their moving statistics, and keep them, while their scales and offsets
            are trained. A step then takes about 0.7 of the time on a processor.
    """

    steps: int
    size: int
    batch: int
    learning_rate: float
    final_learning_rate: float
    warmup: int = 0
    frozen_norms: bool = False


@dataclass(frozen=True)
class Recipe:
    """A training recipe.

    Attributes:
        name: its name, the value of `--recipe`.
        summary: one sentence.
        stages: the stages in their order.
        augmentation: the table of the strong augmentation, or "published" for the paper's.
        continues: whether it goes on from a checkpoint (`--from`) and from that checkpoint's step count.
        sampling: of a new network; a network from a checkpoint keeps its own.
        weight_decay: see `mmnet.training.losses.weight_decay`.
        norm_decay: decay of the batch norms' moving statistics.
        weight_average: decay of the moving average of the weights, which checkpoints hold; 0 for no average.
        weights: loss term -> its weight.
        teacher_share: weight of the teacher's alpha, 0-1, in the mixture with the label; 0.5 mixes half and half.
        mixed_precision: whether to compute in bfloat16 with float32 weights, which is faster on accelerators and slower
            on most processors.
        optimizer: "adam", or "muon": Muon (`mmnet.training.engines.muon`) for the weights of 1×1 convolutions except
            the heads, and Adam for the others; the compiled backend alone has it.
    """

    name: str
    summary: str
    stages: tuple[Stage, ...]
    augmentation: AugmentationChoice
    continues: bool = False
    sampling: Sampling = "half_pixel"
    weight_decay: float = 4e-7
    norm_decay: float = 0.999
    weight_average: float = 0.0
    weights: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(LOSSES, 1.0))
    teacher_share: float = 0.5
    mixed_precision: bool = False
    optimizer: Optimizer = "adam"

    @property
    def steps(self) -> int:
        """Number of steps in all stages."""
        return sum(stage.steps for stage in self.stages)

    def scaled(self, steps: int | None, batch: int | None) -> Recipe:
        """Return this recipe with another number of steps or another batch size.

        The weights are averaged over at most a twentieth of the steps, because a longer average would still contain
        the weights that the run began with.

        Args:
            steps: number of steps in all stages, which keep their proportions; None: the recipe's.
            batch: images per step; None: the recipe's.

        Raises:
            RecipeError: there are fewer steps than stages.
        """
        if steps is not None and steps < len(self.stages):
            raise RecipeError(f"{steps} steps are too few for the {len(self.stages)} stages of recipe {self.name}")
        ends = [sum(stage.steps for stage in self.stages[: i + 1]) for i in range(len(self.stages))]
        share = 1 if steps is None else steps / self.steps
        ends = [0, *(max(i + 1, round(end * share)) for i, end in enumerate(ends))]
        stages = tuple(
            replace(
                stage,
                steps=ends[i + 1] - ends[i],
                warmup=round(stage.warmup * min(1, share)),
                batch=batch or stage.batch,
            )
            for i, stage in enumerate(self.stages)
        )
        memory = min(1 / (1 - self.weight_average), max(2.0, sum(stage.steps for stage in stages) / 20))
        return replace(self, stages=stages, weight_average=1 - 1 / memory if self.weight_average else 0.0)

    def to_json(self) -> dict[str, Any]:
        """Return the recipe as plain JSON values."""
        values = asdict(self)
        if isinstance(self.augmentation, Augmentation):
            values["augmentation"] = self.augmentation.to_json()
        return values


# Loss weights for a trained network: the terms behind MAD and GAUSS_GRAD weigh as much as the cross entropies, which
# suit a new network.
_TRAINED_WEIGHTS = {"alpha": 3.0, "compositional": 3.0, "gradient": 30.0, "cross_entropy": 1.0, "auxiliary": 0.5}

# The data of these recipes already show people of many sizes before many backgrounds, so less is changed than in
# `fine-tune`: fewer replaced backgrounds, close crops and rotations. Only the proportions vary more.
_EVERY_FRAMING = Augmentation(
    replace=0.3,
    small_scale=(0.5, 1.3),
    scale=(1.0, 1.3),
    close=0.05,
    aspect=(0.7, 1.5),
    rotate=0.4,
    rotation=(-12.0, 12.0),
)

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            "published",
            "The paper's protocol: Adam at a constant 1e-4, batch 32 at 256², its augmentation, from scratch.",
            (Stage(304_500, 256, 32, 1e-4, 1e-4),),
            "published",
            sampling="legacy",
        ),
        Recipe(
            "incremental",
            "Go on from a checkpoint on joined sets by the paper's protocol, as the experiments did.",
            (Stage(582_500, 256, 32, 1e-4, 1e-4),),
            "published",
            continues=True,
        ),
        Recipe(
            "portrait",
            "From scratch on few images: strong augmentation, other backgrounds, 128² and then 256².",
            (
                Stage(60_000, 128, 64, 1e-3, 3e-4, warmup=500),
                Stage(30_000, 256, 32, 3e-4, 1e-5, warmup=200),
            ),
            Augmentation(),
            norm_decay=0.99,
            weight_average=0.999,
        ),
        Recipe(
            "fine-tune",
            "Go on from a checkpoint with strong augmentation and other backgrounds, at 256².",
            (Stage(20_000, 256, 8, 2e-4, 1e-6, warmup=500),),
            Augmentation(),
            continues=True,
            norm_decay=0.99,
            weight_average=0.999,
            weights=_TRAINED_WEIGHTS,
        ),
        Recipe(
            "whole-people",
            "Go on from a checkpoint with people of every framing, at 192² and then at 256² with frozen batch norms.",
            (
                Stage(14_000, 192, 8, 2e-4, 1e-4, warmup=300),
                Stage(6_000, 256, 8, 1e-4, 1e-6, warmup=100, frozen_norms=True),
            ),
            _EVERY_FRAMING,
            continues=True,
            norm_decay=0.99,
            weight_average=0.999,
            weights=_TRAINED_WEIGHTS,
        ),
        Recipe(
            "whole-people-finish",
            "Go on from a checkpoint with people of every framing, at 256² with frozen batch norms only.",
            (Stage(6_000, 256, 8, 1e-4, 1e-6, warmup=100, frozen_norms=True),),
            _EVERY_FRAMING,
            continues=True,
            weight_average=0.999,
            weights=_TRAINED_WEIGHTS,
        ),
        Recipe(
            "people",
            "Go on from a checkpoint with people framed as the second pass of the runtime frames them; needs the "
            "compiled backend.",
            (Stage(13_000, 256, 8, 3e-4, 1e-6, warmup=100, frozen_norms=True),),
            replace(_EVERY_FRAMING, framed=0.35, framed_cutouts=0.6),
            continues=True,
            weight_average=0.998,
            weights=_TRAINED_WEIGHTS,
            optimizer="muon",
        ),
    )
}


def find_recipe(name: str) -> Recipe:
    """Return the recipe of a name.

    Raises:
        RecipeError: the name is unknown; the message lists the known ones.
    """
    if name not in RECIPES:
        raise RecipeError(f"unknown recipe {name!r}; choose one of {', '.join(RECIPES)}")
    return RECIPES[name]
