"""The inference graph as an .mlpackage, the folder that Xcode and Core ML read."""

from __future__ import annotations

import io
import json
import uuid
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Any

from mmnet.export.coreml.program import mil_program
from mmnet.export.coreml.tools import load_coremltools
from mmnet.files import temporary_folder
from mmnet.graph.operators import Graph, Image
from mmnet.json_reader import parse_json
from mmnet.runtime.tflite.metadata import ModelMetadata
from mmnet.runtime.tflite.signature import INPUT

MANIFEST = "Manifest.json"
SPECIFICATION = "Data/com.apple.CoreML/model.mlmodel"
WEIGHTS = "Data/com.apple.CoreML/weights/weight.bin"
RECIPE_KEY = "mmnet_recipe"  # in the metadata of the specification
SPECIFICATION_VERSION = 6  # of iOS 15
NOT_EXECUTED = "never run on Apple hardware: its program was executed by NumPy alone"
_DATE_KEY = "com.github.apple.coremltools.conversion_date"
_NAMESPACE = uuid.UUID("6b6a9a83-3d9d-4f5e-8a3c-5f0c2f3c7a11")  # of the identifiers in the manifest


def to_mlpackage(graph: Graph, card: ModelMetadata, precision: str) -> dict[str, bytes]:
    """Return a graph as the files of an .mlpackage, for iOS 15, macOS 12 and later.

    It takes an RGB image of S×S pixels, `image`, and gives a grey image of the same size, `alpha`: 255 is opaque. The
    same graph, card and version of coremltools give the same bytes.

    Args:
        graph: the inference graph, without layouts.
        card: what the file says of itself; its recipe is stored as JSON.
        precision: `float16`, in which Apple's Neural Engine computes, or `float32`; of weights and activations.

    Returns:
        The path of every file inside the package -> its bytes.

    Raises:
        MissingExtraError: coremltools is not installed.
        UnwritableGraphError: an operator that Core ML models are not written with.
    """
    tools = load_coremltools()
    image = graph.nodes[0].op
    assert isinstance(image, Image)
    shape = (1, 3, image.size, image.size)
    with temporary_folder() as folder, _quietly():
        package = folder / "model.mlpackage"
        tools.convert(
            mil_program(graph),
            convert_to="mlprogram",
            inputs=[tools.ImageType(name=INPUT, shape=shape, color_layout=tools.colorlayout.RGB)],
            compute_precision=getattr(tools.precision, precision.upper()),
            minimum_deployment_target=tools.target.iOS15,
            skip_model_load=True,
            package_dir=str(package),
        )
        specification = tools.proto.Model_pb2.Model()
        specification.ParseFromString((package / SPECIFICATION).read_bytes())
        _describe(specification.description.metadata, card)
        weights = (package / WEIGHTS).read_bytes()
        manifest = _with_fixed_identifiers((package / MANIFEST).read_text())
    return {
        MANIFEST: manifest,
        SPECIFICATION: specification.SerializeToString(deterministic=True),
        WEIGHTS: weights,
    }


@contextmanager
def _quietly() -> Iterator[None]:
    """Drop the progress that coremltools prints, and its warnings of temporary folders that it forgot."""
    with redirect_stderr(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield


def write_mlpackage(files: Mapping[str, bytes], folder: Path) -> None:
    """Write the files of an .mlpackage into a folder, which is the package."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def read_mlpackage(folder: Path) -> dict[str, bytes]:
    """Read all files of an .mlpackage: the path of each inside the package -> its bytes."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def _describe(metadata: Any, card: ModelMetadata) -> None:
    """Fill in the fields that Xcode shows."""
    metadata.shortDescription, metadata.versionString = (
        f"{card.description} {NOT_EXECUTED[0].upper()}{NOT_EXECUTED[1:]}.",
        card.version,
    )
    metadata.author, metadata.license = card.author, card.licence
    metadata.userDefined.pop(_DATE_KEY, None)
    metadata.userDefined["name"] = card.name
    metadata.userDefined["execution"] = NOT_EXECUTED
    metadata.userDefined[RECIPE_KEY] = json.dumps(card.recipe, sort_keys=True, ensure_ascii=False, allow_nan=False)


def _with_fixed_identifiers(manifest: str) -> bytes:
    """Return a manifest whose random identifiers are replaced by those that follow from the paths."""
    entries = parse_json(manifest)
    fixed = {old: str(uuid.uuid5(_NAMESPACE, entry["path"])) for old, entry in entries["itemInfoEntries"].items()}
    entries["itemInfoEntries"] = {fixed[old]: entry for old, entry in entries["itemInfoEntries"].items()}
    entries["rootModelIdentifier"] = fixed[entries["rootModelIdentifier"]]
    return (json.dumps(entries, indent=4, sort_keys=True) + "\n").encode()
