"""Videos of frames and of mattes, decoded as the product decodes videos: upright, with the colours that they state."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import cv2
import numpy as np

from mmnet.arrays import U8Array
from mmnet.evaluation.datasets.pairs import DatasetError
from mmnet.runtime.video.ffmpeg import VideoError
from mmnet.runtime.video.reader import VideoInput

_MOST_CHROMA = 16.0  # mean difference of the channels, of 255; compression colours a grey video by less


def read_frames(path: Path) -> Iterator[U8Array]:
    """Yield the frames of a video: uint8 [H, W, 3], RGB, upright, composited over white where it has an alpha channel.

    Raises:
        DatasetError: the video cannot be read, or is damaged.
        MissingExtraError: PyAV is not installed.
    """
    try:
        with VideoInput(path) as video:
            for timed in video:
                yield timed.frame
    except VideoError as error:
        raise DatasetError([str(error)]) from error


def read_mattes(path: Path) -> Iterator[U8Array]:
    """Yield the mattes of a video: uint8 [H, W], upright, 255 = the foreground.

    The rule is that of files (`mmnet.runtime.imaging.mattes`): an alpha channel that is not the same everywhere and all
    the time, otherwise the grey values.

    Raises:
        DatasetError: the video cannot be read, is damaged, or is in colour.
        MissingExtraError: PyAV is not installed.
    """
    try:
        if _alpha_varies(path):
            with VideoInput(path) as video:
                yield from video.alphas()
            return
    except VideoError as error:
        raise DatasetError([str(error)]) from error
    for frame in read_frames(path):
        low, high = frame.min(axis=2), frame.max(axis=2)
        if (high - low).mean() > _MOST_CHROMA:
            raise DatasetError([f"{path}: is a video in colour; an alpha matte is grey, 255 = the foreground"])
        yield np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8)


def _alpha_varies(path: Path) -> bool:
    """Whether a video has an alpha channel that is not the same everywhere and all the time."""
    with VideoInput(path) as video:
        if not video.has_alpha:
            return False
        alphas = video.alphas()
        first = next(alphas)
        return any((alpha != first.flat[0]).any() for alpha in chain([first], alphas))
