"""The variants of the ablation as data: training runs that differ in one source or one choice, and averages of weights.

`tools/accuracy/ablation.py` trains and measures them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from mmnet.errors import MMNetError
from mmnet.training.recipes import Recipe, Stage, find_recipe

# The training sets that the released network was trained on, and how often each of their images is drawn.
SOURCES = {
    "portraits": 0.8,
    "fashion": 2.0,
    "wide": 0.5,
    "people": 4.0,
    "cutouts": 8.0,
    "scenes": 0.6,
    "unannotated": 0.7,
    "nobody": 1.2,
    "objects": 1.3,
    "hard": 2.0,
}
# A source of images of the other sources that are drawn more often: its file names are SOURCE-NAME.
HARD = "hard"

ALL, START = "all", "start"
SIZE, BATCH = 192, 8
LEARNING_RATE, FINAL_LEARNING_RATE = 2e-4, 1e-5
WARMUP_PART = 0.1  # of the steps
BASE_RECIPE = "whole-people-finish"


class VariantError(MMNetError):
    """A variant is unknown, or cannot be made."""


@dataclass(frozen=True)
class Variant:
    """A network to measure: what one training run gives, or an average of the weights of others.

    Attributes:
        name: its name in JSON and on the command line.
        title: its name in tables.
        without: the sources that are left out. Their images are left out of `HARD`, too.
        seed: of the order of the data and of the augmentation.
        size: side of the images that it is trained on, in pixels.
        steps_part: steps, as a part of those of the others.
        learning_rate: the highest learning rate; the final one is a twentieth of it.
        frozen_norms: whether the batch norms keep their statistics.
        teacher_share: weight of the alphas of the start's network in the labels, 0-1.
        other_mattes: whether the portraits have their other mattes.
        raw_of: the variant whose weights after the last step are measured, without their moving average; empty: none.
        average_of: the variants, or `START`, whose weights are averaged; empty: none.
    """

    name: str
    title: str
    without: tuple[str, ...] = ()
    seed: int = 0
    size: int = SIZE
    steps_part: float = 1.0
    learning_rate: float = LEARNING_RATE
    frozen_norms: bool = True
    teacher_share: float = 0.0
    other_mattes: bool = False
    raw_of: str = ""
    average_of: tuple[str, ...] = ()

    @property
    def is_trained(self) -> bool:
        """Whether it has a training run of its own."""
        return self.name != START and not self.raw_of and not self.average_of

    @property
    def repeats_all(self) -> bool:
        """Whether it differs from the variant `ALL` in the seed alone, or is that variant."""
        return self.is_trained and self == replace(VARIANTS[0], name=self.name, title=self.title, seed=self.seed)

    def recipe(self, steps: int) -> Recipe:
        """Return the recipe of its training run.

        Args:
            steps: of a variant whose `steps_part` is 1.
        """
        own = max(1, round(steps * self.steps_part))
        final = self.learning_rate * FINAL_LEARNING_RATE / LEARNING_RATE
        warmup = round(own * WARMUP_PART)
        stage = Stage(own, self.size, BATCH, self.learning_rate, final, warmup, frozen_norms=self.frozen_norms)
        base = replace(find_recipe(BASE_RECIPE), name="ablation", summary=self.title, stages=(stage,), norm_decay=0.99)
        if self.teacher_share:
            base = replace(base, teacher_share=self.teacher_share)
        return base.scaled(None, None)


# The most telling first: an ablation that runs out of time lacks the last ones. The first one is the base of all.
VARIANTS: tuple[Variant, ...] = (
    Variant(ALL, "all sources"),
    Variant(START, "the start, not trained"),
    Variant("no-cutouts", "without cut-outs", without=("cutouts",)),
    Variant("no-people", "without people", without=("people",)),
    Variant("no-nobody", "without nobody and objects", without=("nobody", "objects")),
    Variant("no-fashion", "without fashion", without=("fashion",)),
    Variant("all-2", "all sources, seed 1", seed=1),
    Variant("no-scenes", "without scenes", without=("scenes",)),
    Variant("other-mattes", "portraits with their other mattes", other_mattes=True),
    Variant("all-3", "all sources, seed 2", seed=2),
    Variant("no-hard", "without hard images", without=(HARD,)),
    Variant("no-portraits", "without portraits and wide", without=("portraits", "wide")),
    Variant("raw", "no moving average of weights", raw_of=ALL),
    Variant("half-start", "mean of its weights and the start's", average_of=(ALL, START)),
    Variant("seeds", "mean of the weights of the seeds 0 and 1", average_of=(ALL, "all-2")),
    Variant("rate-5e-4", "learning rate 5e-4", learning_rate=5e-4),
    Variant("trained-norms", "trained batch norms", frozen_norms=False),
    Variant("rate-1e-4", "learning rate 1e-4", learning_rate=1e-4),
    Variant("no-unannotated", "without unannotated", without=("unannotated",)),
    Variant("size-256", "256² for the same time", size=256, steps_part=(SIZE / 256) ** 2),
    Variant("teacher", "labels half from the start's network", teacher_share=0.5),
    Variant("no-cutouts-scenes", "without cut-outs and scenes", without=("cutouts", "scenes")),
)


def choose_variants(names: Iterable[str] | None) -> list[Variant]:
    """Return the variants of these names in the order of the table, with those that they need; None: all.

    Raises:
        VariantError: a name is unknown; the message lists the names.
    """
    known = {one.name: one for one in VARIANTS}
    wanted = set(known if names is None else names)
    if unknown := sorted(wanted - known.keys()):
        raise VariantError(f"unknown variant {', '.join(unknown)}; choose from {', '.join(known)}")
    for name in list(wanted):
        wanted |= {ALL, *needed_by(known[name])}
    return [one for one in VARIANTS if one.name in wanted]


def needed_by(variant: Variant) -> Sequence[str]:
    """Return the names of the variants whose weights a variant is made from."""
    return (variant.raw_of,) if variant.raw_of else tuple(name for name in variant.average_of if name != START)
