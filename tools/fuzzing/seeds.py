"""Seeds: small files of every format that is read, drawn or written here."""

from __future__ import annotations

import io
import json
import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mmnet.arrays import U8Array
from mmnet.network.checkpoint import CONFIG_FILE, WEIGHTS_FILE, Checkpoint, load_safetensors, save_checkpoint
from mmnet.network.config import ModelConfig
from mmnet.network.ranges import Ranges
from mmnet.network.variables import variable_shapes
from mmnet.runtime.model import default_model

Seeds = dict[str, bytes]  # name of a file -> its bytes


def portrait(width: int = 48, height: int = 64) -> U8Array:
    """Draw a head and shoulders: uint8 [height, width, 3]."""
    y, x = np.mgrid[0:height, 0:width]
    image = np.dstack([x * 255 // width, y * 255 // height, (x + y) % 256]).astype(np.uint8)
    cv2.ellipse(image, (width // 2, height), (width // 2, height // 2), 0, 0, 360, (40, 40, 90), -1)
    cv2.circle(image, (width // 2, height // 3), width // 5, (150, 180, 220), -1)
    return image


def small_checkpoint() -> Checkpoint:
    """Return a checkpoint of the smallest network, with drawn weights."""
    config, random = ModelConfig(0.35, 32), np.random.default_rng(0)
    weights = {
        name: np.abs(random.normal(0.5, 0.2, shape)).astype(np.float32)
        for name, shape in variable_shapes(config).items()
    }
    ranges = Ranges({"init_block/conv": (-1.0, 6.0)}, 32, {"photos": 3})
    return Checkpoint(config, weights, 7, {"data": ["drawn"]}, {"mad": 0.02}, {"recipe": "none"}, ranges=ranges)


def checkpoint_files() -> Seeds:
    """Return the files of a checkpoint with the state of its training."""
    state = load_safetensors().numpy.save({"optimizer/0000": np.zeros(3, np.float32)})
    with tempfile.TemporaryDirectory() as folder:
        save_checkpoint(replace(small_checkpoint(), created="2026-01-02T03:04:05+00:00"), Path(folder) / "c")
        names = (CONFIG_FILE, WEIGHTS_FILE)
        return {name: (Path(folder) / "c" / name).read_bytes() for name in names} | {"training.safetensors": state}


def models() -> Seeds:
    """Return the .tflite that ships."""
    return {"model.tflite": default_model()}


def tfslim_files() -> Seeds:
    """Return the files of a TF-Slim checkpoint in both versions; needs TensorFlow."""
    from mmnet.network.tensorflow import load_tensorflow

    tf = load_tensorflow()
    values = dict(small_checkpoint().weights) | {"global_step": np.int64(7)}
    names, tensors = list(values), [tf.constant(value) for value in values.values()]
    with tempfile.TemporaryDirectory() as folder:
        two, one = f"{folder}/model.ckpt-7", f"{folder}/one.ckpt-7"
        tf.raw_ops.SaveV2(prefix=two, tensor_names=names, shape_and_slices=[""] * len(names), tensors=tensors)
        tf.raw_ops.Save(filename=one, tensor_names=names, data=tensors)
        state = b'model_checkpoint_path: "model.ckpt-7"\nall_model_checkpoint_paths: "model.ckpt-7"\n'
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()} | {"checkpoint": state}


def documents() -> Seeds:
    """Return one of every JSON document that a command reads."""
    figure = {"mean": 0.02, "low": 0.01, "high": 0.03}
    recipe = {
        "format": "mmnet-recipe/1",
        "checkpoint": {"name": "c", "sha256": "0" * 64, "step": 7, "provenance": {}},
        "precision": "int8",
        "input": "uint8",
        "except": ["init_block"],
        "calibration": {"photos": 3, "sha256": "1", "unreadable": []},
    }
    model = {"name": "m", "sha256": "ab", "recipe": recipe, "statistics": {"MAD_256x256": figure}}
    latency = {"median_ms": 3.5, "mean_ms": 3.6}
    result = model | {"threads": 1, "stages": {"invoke": latency}, "rounds_ms": {"invoke": [3.4, 3.5, 3.6, 3.7]}}
    machine = {"kind": "host", "processor": "p", "cores": 2, "features": ["avx2"]}
    measurement = {"machine": machine, "results": [result | {"parameters": 1000}], "warnings": [], "baseline": None}
    values: dict[str, Any] = {
        "recipe.json": recipe,
        "evaluation.json": {"format": "mmnet-evaluation/1", "models": [model]},
        "latency.json": {"format": "mmnet-latency/1", "measurements": [measurement]},
        "augmentation.json": {"flip": 0.5, "scale": [0.8, 1.2], "gamma": [0.9, 1.1]},
        "job.json": {"format": "mmnet-batch/1", "model": {"sha256": "ab"}, "to": "files", "source": "photos"},
        "ledger.jsonl": {"name": "a.jpg", "output": "a.png", "shard": None, "error": None, "worker": "h:1"},
        "sequences.json": {"sequences": [{"name": "a", "motion": "pan"}]},
    }
    return {name: json.dumps(value).encode() for name, value in values.items()}


def packs() -> Seeds:
    """Return a pack file of three drawn images."""
    from mmnet.training.data.packs import Pack

    random = np.random.default_rng(0)
    records = random.integers(0, 256, (3, 20 * 20 * 7), np.uint8)
    pack = Pack("drawn", ("a.png", "b.png", "c.png"), 20, records, np.ones(3, np.float32), np.zeros(3, bool))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pack.npz"
        pack.save(path)
        return {path.name: path.read_bytes()}


def images() -> Seeds:
    """Return a drawn portrait in the image formats that are read, with 8 and 16 bits and with alpha.

    HEIC and JPEG XL are among them where the packages of the extra `photos` are installed.
    """
    image = portrait()
    alpha = np.dstack([image, image[..., :1]])
    drawn: dict[str, Any] = {
        "a.jpg": image, "b.png": image, "c.png": alpha, "d.png": image.astype(np.uint16) * 257, "e.png": image[..., 0],
        "f.webp": image, "g.webp": alpha, "h.tif": image, "i.bmp": image, "j.avif": image, "k.avif": alpha,
    }  # fmt: skip
    encoded = {name: cv2.imencode(Path(name).suffix, value)[1].tobytes() for name, value in drawn.items()}
    return encoded | _images_of_libraries(image, alpha)


def _images_of_libraries(image: U8Array, alpha: U8Array) -> Seeds:
    found = {}
    with suppress(ImportError):
        import pillow_heif

        for name, mode, pixels in (("l.heic", "BGR", image), ("m.heic", "BGRA", alpha)):
            buffer = io.BytesIO()
            pillow_heif.from_bytes(mode, pixels.shape[1::-1], pixels.tobytes()).save(buffer)
            found[name] = buffer.getvalue()
    with suppress(ImportError):
        import pylibjxl

        found["n.jxl"], found["o.jxl"] = pylibjxl.encode(image, lossless=True), pylibjxl.encode(alpha)
    return found


def videos() -> Seeds:
    """Return a video of eight frames in four containers."""
    import av

    with tempfile.TemporaryDirectory() as folder:
        kinds = (("mp4", "libx264", "yuv420p"), ("mkv", "ffv1", "bgr0"), ("webm", "libvpx-vp9", "yuv420p"))
        for suffix, codec, pixels in (*kinds, ("avi", "mjpeg", "yuvj420p")):
            with av.open(f"{folder}/v.{suffix}", "w") as container:
                stream: Any = container.add_stream(codec, rate=10)
                stream.width, stream.height, stream.pix_fmt = 48, 64, pixels
                for shift in range(8):
                    frame = av.VideoFrame.from_ndarray(np.roll(portrait(), shift, 1), format="rgb24")
                    container.mux(stream.encode(frame))
                container.mux(stream.encode(None))
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def tables() -> Seeds:
    """Return a Parquet file of three photos, plain and with the bytes in a struct."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    photo = images()["a.jpg"]
    names = ["a.jpg", "b/c.jpg", "d.jpg"]
    plain = pa.table({"image": [photo] * 3, "name": names})
    nested = pa.table({"image": [{"bytes": photo, "path": name} for name in names], "name": names})
    with tempfile.TemporaryDirectory() as folder:
        for name, table in (("plain.parquet", plain), ("nested.parquet", nested)):
            pq.write_table(table, f"{folder}/{name}", row_group_size=2)
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}
