"""Matte frames as a phone's camera delivers them: NV21, turned by 90 degrees, mirrored.

    python examples/camera_frames.py photo.jpg

The steps and the bytes are those of the Android app (`android_demo/core`): all integers. No camera is needed, since the
script turns a photo into a camera frame. It needs only `pip install .`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from mmnet.arrays import U8Array
from mmnet.runtime import MattingModel, Orientation, YuvFrame, alpha_to_image, read_photo, to_model_input
from mmnet.runtime.model import default_model


def as_camera_frame(photo: U8Array, turn: Orientation) -> tuple[U8Array, int, int]:
    """Return a photo as an NV21 frame, uint8 [W · H · 3 / 2], with its width and height: what a turned camera sees."""
    sensor = turn.undo(np.ascontiguousarray(photo[: photo.shape[0] // 2 * 2, : photo.shape[1] // 2 * 2]))
    height, width = sensor.shape[:2]
    planes = cv2.cvtColor(sensor, cv2.COLOR_RGB2YUV_I420).reshape(-1)
    luma, chroma = planes[: height * width], planes[height * width :].reshape(2, -1)
    interleaved = np.stack([chroma[1], chroma[0]], axis=1)  # V, U, V, U, …
    return np.concatenate([luma, interleaved.reshape(-1)]), width, height


def main() -> None:
    """Matte one camera frame."""
    parser = argparse.ArgumentParser(description="Matte a camera frame.")
    parser.add_argument("photo", type=Path)
    arguments = parser.parse_args()

    turn = Orientation(270, mirrored=True)  # a front camera held upright
    data, width, height = as_camera_frame(read_photo(arguments.photo), turn)

    with MattingModel(default_model()) as model:
        frame = YuvFrame.from_nv21(data, height, width)
        image = turn.apply(frame.to_rgb())  # uint8 [H, W, 3], upright
        alpha = model.run(to_model_input(image, model.size))  # uint8 [S, S], 255 = foreground
        upright = alpha_to_image(alpha, *image.shape[:2])  # uint8 [H, W]
        in_the_frame = turn.undo(upright)  # as the sensor has it
    print(f"frame {width}×{height}, image {image.shape[1]}×{image.shape[0]}, alpha {in_the_frame.shape}")
    print(f"{(upright > 127).mean():.0%} of the image is foreground")


if __name__ == "__main__":
    main()
