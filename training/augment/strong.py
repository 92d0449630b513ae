"""The strong augmentation: other views, backgrounds, lights, objects in front, and the faults of cameras."""

from __future__ import annotations

from collections.abc import Sequence

import cv2

from mmnet.arrays import AnyArray
from mmnet.training.augment.camera import photograph
from mmnet.training.augment.colours import grade_layer
from mmnet.training.augment.framing import frame_people
from mmnet.training.augment.layers import blur_background, composite, draw_background, occlude
from mmnet.training.augment.sample import Sample
from mmnet.training.augment.table import Augmentation, Draw, Random
from mmnet.training.augment.view import choose_view


def augment(
    sample: Sample, size: int, random: Random, table: Augmentation, backgrounds: Sequence[AnyArray] | AnyArray = ()
) -> tuple[AnyArray, AnyArray]:
    """Draw one image by the strong augmentation.

    Args:
        sample: the image; backgrounds are replaced only if it has a `foreground`.
        size: S, side of the result in pixels.
        random: the only source of chance. How many values are drawn from it depends on the draws.
        table: probabilities and ranges.
        backgrounds: photos without people, uint8 [Q, Q, 3]; if there are none, replaced backgrounds are plain.

    Returns:
        uint8 [S, S, 3], RGB, and its matte, uint8 [S, S].
    """
    draw = Draw(random, table)
    foreground = sample.foreground
    replaced = foreground is not None and (sample.is_cutout or draw.happens("replace"))
    view = frame_people(sample, draw, replaced) if draw.frames(sample.is_cutout) else None
    view = view or choose_view(sample, draw, replaced)
    matte = view.apply(sample.matte, size)
    if foreground is not None and replaced:
        matte = cv2.multiply(matte, view.inside(size), scale=1 / 255)
        background = draw_background(size, draw, backgrounds)
        person = view.apply(foreground, size)
        image = composite(grade_layer(background, draw), grade_layer(person, draw), matte)
    else:
        image = view.apply(sample.photo, size)
        if foreground is not None and draw.happens("soften"):
            image = composite(blur_background(image, matte, size, draw), view.apply(foreground, size), matte)
        if draw.happens("layers"):
            image = composite(grade_layer(image, draw), grade_layer(image, draw), matte)
    if draw.happens("occlude"):
        image, matte = occlude(image, matte, draw, backgrounds)
    return photograph(image, matte, draw)
