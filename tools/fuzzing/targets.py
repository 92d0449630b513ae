"""Formats: what is mutated, how, and which readers of ours get the result.

The readers are imported here, once, and not in the process of each case.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fuzzing import mutators, seeds
from fuzzing.cases import Target
from fuzzing.mutators import Mutator
from mmnet.api.benchmarking import plot_latency
from mmnet.batch.ledger import JOB, LEDGER, check_same_job, read_job, read_ledger
from mmnet.batch.options import Columns
from mmnet.batch.plan import name_outputs
from mmnet.batch.sources import list_sources, read_images
from mmnet.batch.store import open_store
from mmnet.errors import MMNetError
from mmnet.evaluation.datasets.sequences import read_motions
from mmnet.evaluation.models import open_bytes, open_file
from mmnet.evaluation.parity.layers import layer_errors
from mmnet.export.flatbuffer import read_tree, write_tree
from mmnet.network.checkpoint import CONFIG_FILE, WEIGHTS_FILE, load_checkpoint
from mmnet.network.resolve import resolve
from mmnet.quantize.recipe import read_recipe
from mmnet.runtime import MattingModel, PortraitMatter, read_photo
from mmnet.runtime.fullres.rendering import ALPHA
from mmnet.runtime.tflite.inspection import inspect_model
from mmnet.runtime.video.reader import VideoInput
from mmnet.training.checkpoints import load_step
from mmnet.training.data.packs import load_pack
from mmnet.training.data.preview import read_augmentation


@dataclass(frozen=True)
class Format:
    """One format of files.

    Attributes:
        name: on the command line.
        seeds: returns the files that are mutated.
        mutators: one is chosen for each case.
        targets: returns the readers of a file of this name; each reads every case.
    """

    name: str
    seeds: Callable[[], seeds.Seeds]
    mutators: Sequence[Mutator]
    targets: Callable[[str], Sequence[Target]]


def run_model(path: Path) -> None:
    """Run a .tflite on an image, as `mmnet matte --model` does."""
    with MattingModel(path, threads=1) as model:
        model.run(np.zeros((model.size, model.size, 3), np.uint8))


def measure_model(path: Path) -> None:
    """Open a .tflite for `mmnet evaluate` and `mmnet parity`, with its layers."""
    candidate = open_file(path)
    image = np.zeros((candidate.size, candidate.size, 3), np.uint8)
    layer_errors(candidate.content, candidate.content, [image])


def inspect(path: Path) -> None:
    """Inspect a .tflite, as `mmnet inspect` does."""
    json.dumps(inspect_model(path).as_dict())


def _beside(path: Path) -> Path:
    """The folder of a case that may be filled; what lies elsewhere counts as left behind."""
    folder = path.parent.parent / "work"
    folder.mkdir(exist_ok=True)
    return folder


def load_folder(path: Path) -> None:
    """Load a checkpoint of which one file is damaged; the hash of the weights is made to fit."""
    folder = _beside(path) / "run" / "step-0000007"
    folder.mkdir(parents=True)
    files = seeds.checkpoint_files() | {path.name: path.read_bytes()}
    if path.name == WEIGHTS_FILE:
        document = json.loads(files[CONFIG_FILE])
        document["weights_sha256"] = hashlib.sha256(files[WEIGHTS_FILE]).hexdigest()
        files[CONFIG_FILE] = json.dumps(document).encode()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    for read in (load_checkpoint, load_step, lambda place: resolve("best", place.parent.parent).load()):
        with suppress(MMNetError):
            read(folder)
    resolve("latest", folder.parent.parent).load()


def load_tfslim(path: Path) -> None:
    """Load a TF-Slim checkpoint of which one file is damaged."""
    folder = _beside(path)
    stem = path.name.split(".ckpt")[0]
    for name, content in _tfslim_files.items():
        if name.startswith(stem) or name == "checkpoint":
            (folder / name).write_bytes(content)
    (folder / path.name).write_bytes(path.read_bytes())
    resolve(str(folder), folder).load()


_tfslim_files: seeds.Seeds = {}


def _tfslim_seeds() -> seeds.Seeds:
    _tfslim_files.update(seeds.tfslim_files())
    return dict(_tfslim_files)


def _recipe(path: Path) -> None:
    read_recipe(path)


def _sidecar(path: Path) -> None:
    model = _beside(path) / "m.tflite"
    model.write_bytes(seeds.models()["model.tflite"])
    model.with_name("m.tflite.recipe.json").write_bytes(path.read_bytes())
    inspect(model)


def _embedded(path: Path) -> None:
    tree = read_tree(seeds.models()["model.tflite"])
    entry = next(entry for entry in tree.metadata if entry.name == b"MMNET_RECIPE")
    tree.buffers[entry.buffer].data = np.frombuffer(path.read_bytes() or b" ", np.uint8)
    json.dumps(dict(open_bytes(write_tree(tree)).recipe))


def _plot(path: Path) -> None:
    folder = _beside(path)
    for name, content in seeds.documents().items():
        (folder / name).write_bytes(content)
    (folder / path.name).write_bytes(path.read_bytes())
    plot_latency(folder / "evaluation.json", folder / "latency.json", figure="MAD_256x256")


def _augmentation(path: Path) -> None:
    read_augmentation(str(path))


def _job(path: Path) -> None:
    folder = _beside(path)
    name = JOB if path.name == "job.json" else f"{LEDGER}/run-000001.jsonl"
    (folder / name).parent.mkdir(parents=True)
    (folder / name).write_bytes(path.read_bytes())
    store = open_store(str(folder))
    job = read_job(store, [name])
    if job is not None:
        check_same_job(job, {"format": "mmnet-batch/1"}, "there")
    for entry in read_ledger(store, [name]):
        assert entry.key is not None


def _sequences(path: Path) -> None:
    read_motions(path.parent)


_READERS: dict[str, Sequence[Target]] = {
    "recipe.json": (_recipe, _sidecar, _embedded),
    "evaluation.json": (_plot,),
    "latency.json": (_plot,),
    "augmentation.json": (_augmentation,),
    "job.json": (_job,),
    "ledger.jsonl": (_job,),
    "sequences.json": (_sequences,),
}


def read_pack(path: Path) -> None:
    """Open a pack and read every image of it, as training does."""
    pack = load_pack(path)
    for index in range(len(pack)):
        assert pack.sample(index).photo.shape == (pack.side, pack.side, 3)


def matte_image(path: Path) -> None:
    """Matte a photo, as `mmnet matte` does."""
    photo = read_photo(path)
    with PortraitMatter(threads=1) as matter:
        matter.cutout(photo)


def matte_video(path: Path) -> None:
    """Read every frame of a video."""
    with VideoInput(path) as video:
        for frame in video:
            assert frame.frame.ndim == 3


def read_table(path: Path) -> None:
    """List the photos of a Parquet file and read them, as `mmnet batch` does."""
    store, columns = open_store(str(path)), Columns()
    planned, _ = name_outputs(list_sources(store, columns).sources, ALPHA)
    groups: dict[Any, list[Any]] = {}
    for image in planned:
        groups.setdefault((image.source.file, image.source.group), []).append(image)
    for group in groups.values():
        for _image, _data in read_images(store, group, columns):
            pass


_BYTES = (mutators.mutate_bytes, mutators.mutate_front, mutators.mutate_back)
_MODEL = (mutators.mutate_model, *_BYTES)
_JSON = (mutators.mutate_json, mutators.mutate_json, mutators.deepened, mutators.mutate_bytes)
FORMATS = {
    one.name: one
    for one in (
        Format("tflite", seeds.models, _MODEL, lambda name: (run_model, measure_model)),
        Format("inspect", seeds.models, _MODEL, lambda name: (inspect,)),
        Format("safetensors", seeds.checkpoint_files, _BYTES, lambda name: (load_folder,)),
        Format("tfslim", _tfslim_seeds, _BYTES, lambda name: (load_tfslim,)),
        Format("json", seeds.documents, _JSON, lambda name: _READERS[name]),
        Format("pack", seeds.packs, _BYTES, lambda name: (read_pack,)),
        Format("image", seeds.images, _BYTES, lambda name: (matte_image,)),
        Format("video", seeds.videos, _BYTES, lambda name: (matte_video,)),
        Format("parquet", seeds.tables, _BYTES, lambda name: (read_table,)),
    )
}
