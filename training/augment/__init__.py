"""Augmentation: from an image with its matte, a random generator and a table of ranges to another such image.

Two augmentations exist: `augment`, the strong one, whose probabilities and ranges are an `Augmentation`, and
`published`, that of the paper. Every function is pure: the same arguments give the same bytes. Images are uint8
throughout. Lengths are in 1/256 of the image's side, so that one table serves every input size.

Modules:
    table: probabilities and ranges, and the draws from them.
    sample: the image that is augmented.
    strong: the order of the steps below.
    view: geometry.
    framing: views around people, as the runtime's second pass crops them.
    layers: backgrounds, compositing, objects in front.
    colours: grading.
    camera: photographic degradation.
    protocol: the paper's augmentation.
    foreground: estimation of the foreground's colours.
"""

from mmnet.training.augment.foreground import estimate_training_foreground
from mmnet.training.augment.protocol import published
from mmnet.training.augment.sample import Sample, resize
from mmnet.training.augment.strong import augment
from mmnet.training.augment.table import Augmentation, AugmentationChoice, AugmentationError
from mmnet.training.augment.view import cut_edges

__all__ = [
    "Augmentation",
    "AugmentationChoice",
    "AugmentationError",
    "Sample",
    "augment",
    "cut_edges",
    "estimate_training_foreground",
    "published",
    "resize",
]
