"""Matte a video frame by frame, with your own reader and writer.

    python examples/matte_video.py video.mp4 green.mp4

`mmnet matte video.mp4 -b '#00ff00'` does more: it keeps audio, colours and times. This script shows how a program feeds
its own frames to `PortraitMatter.stream`. It needs only `pip install .`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import cv2

from mmnet.arrays import U8Array
from mmnet.runtime import Matte, PortraitMatter, TemporalSmoother, composite

GREEN = (0, 255, 0)


def frames_of(video: cv2.VideoCapture, rate: float) -> Iterator[tuple[U8Array, float]]:
    """Yield each frame (uint8 [H, W, 3], RGB) with its time in milliseconds."""
    number = 0
    while True:
        there, frame = video.read()
        if not there:
            return
        yield cv2.cvtColor(frame, cv2.COLOR_BGR2RGB).astype("uint8"), 1000 * number / rate
        number += 1


def over_green(matte: Matte) -> U8Array:
    """The foreground of a frame over green."""
    return composite(matte.frame, matte.alpha_u8, GREEN, estimate_foreground=True)


def main() -> None:
    """Composite the person of a video over green."""
    parser = argparse.ArgumentParser(description="Composite the person of a video over green.")
    parser.add_argument("video", type=Path)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()

    video = cv2.VideoCapture(str(arguments.video))
    rate = video.get(cv2.CAP_PROP_FPS)
    size = int(video.get(cv2.CAP_PROP_FRAME_WIDTH)), int(video.get(cv2.CAP_PROP_FRAME_HEIGHT))
    writer = cv2.VideoWriter(str(arguments.output), cv2.VideoWriter.fourcc(*"mp4v"), rate, size)
    count = 0
    # The stages overlap in threads: reading, the network, and the compositing of `over_green`.
    with PortraitMatter(smoothing=TemporalSmoother) as matter:
        for composited in matter.stream(frames_of(video, rate), over_green):
            writer.write(cv2.cvtColor(composited, cv2.COLOR_RGB2BGR))
            count += 1
    writer.release()
    video.release()
    print(f"{count} frames in {arguments.output}")


if __name__ == "__main__":
    main()
