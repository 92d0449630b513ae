"""The checkpoint format: a folder with `model.safetensors` and `checkpoint.json`.

Reading a checkpoint executes nothing that it holds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from mmnet.errors import MissingExtraError, MMNetError, OutputError
from mmnet.files import atomic_folder
from mmnet.json_reader import JsonError, check_members, read_json, shown
from mmnet.network.config import ConfigError, ModelConfig
from mmnet.network.ranges import RangeError, Ranges
from mmnet.network.variables import VariableError, Weights, check_weights

WEIGHTS_FILE = "model.safetensors"
CONFIG_FILE = "checkpoint.json"
FORMAT = "mmnet-checkpoint/1"
_MEMBERS = {"step": int, "data": dict, "metrics": dict, "provenance": dict, "created": str, "weights_sha256": str}


class CheckpointError(MMNetError):
    """A checkpoint that cannot be used."""


class CheckpointNotFoundError(CheckpointError):
    """A checkpoint that does not exist."""


class CheckpointKindError(CheckpointError):
    """A path that holds something other than a checkpoint."""


class CheckpointCorruptError(CheckpointError):
    """A damaged checkpoint: truncated, altered or unreadable."""


@dataclass(frozen=True)
class Checkpoint:
    """A network at one moment of its training.

    Attributes:
        config: width multiplier, input size and sampling.
        weights: every variable by its TF-Slim name, float32.
        step: the number of training steps so far.
        data: the training data, in words or as the training recorded them.
        metrics: figures measured with these weights, by name, for example `mad`.
        provenance: the origin of the weights, for example `{"imported from": "MMNetModel-887000"}`.
        created: when it was saved, in ISO 8601; empty if the checkpoint does not record it.
        ranges: the ranges of the 8-bit activations; None if they were neither measured nor trained. They hold for these
            weights only, so training the weights further drops them.
    """

    config: ModelConfig
    weights: Weights = field(repr=False)
    step: int = 0
    data: Mapping[str, Any] = field(default_factory=dict, repr=False)
    metrics: Mapping[str, float] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict, repr=False)
    created: str = ""
    ranges: Ranges | None = field(default=None, repr=False)

    def fingerprint(self) -> str:
        """Return the SHA-256 of configuration, weights and ranges, in hexadecimal digits.

        It is the same for the same network, whatever file the network was read from.
        """
        digest = hashlib.sha256(json.dumps(self.config.to_json(), sort_keys=True).encode())
        for name in sorted(self.weights):
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(self.weights[name], "<f4").tobytes())
        if self.ranges is not None:
            digest.update(json.dumps(self.ranges.to_json()["limits"], sort_keys=True).encode())
        return digest.hexdigest()

    def resized(self, size: int | None) -> Checkpoint:
        """Return the same network at another input size.

        Args:
            size: side of the square input in pixels; the checkpoint's own if None.

        Raises:
            ConfigError: MMNet cannot have this input size.
        """
        if size is None or size == self.config.size:
            return self
        return replace(self, config=replace(self.config, size=size))


def save_checkpoint(
    checkpoint: Checkpoint, folder: Path, *, beside: Mapping[str, bytes] | None = None, force: bool = True
) -> None:
    """Write a checkpoint into a folder, completely or not at all.

    Args:
        checkpoint: the checkpoint.
        folder: the folder to write; it is created.
        beside: further files for the same folder, by name, for example the state that a training resumes from.
        force: whether a checkpoint that is already there is replaced.

    Raises:
        OutputExistsError: there is one already, and `force` is false.
        VariableError: the weights do not belong to the configuration.
        OutputError: the folder cannot be written, or holds something other than a checkpoint.
    """
    if folder.is_dir() and any(folder.iterdir()) and not is_checkpoint(folder):
        raise OutputError(f"{folder}: holds something other than a checkpoint, which would be lost; name a new folder")
    check_weights(checkpoint.weights, checkpoint.config)
    data = load_safetensors().numpy.save(
        {name: np.ascontiguousarray(w) for name, w in sorted(checkpoint.weights.items())}
    )
    document = {
        "format": FORMAT,
        "model": checkpoint.config.to_json(),
        "step": checkpoint.step,
        "data": dict(checkpoint.data),
        "metrics": dict(checkpoint.metrics),
        "provenance": dict(checkpoint.provenance),
        "created": checkpoint.created or datetime.now().astimezone().isoformat(timespec="seconds"),
        "weights_sha256": hashlib.sha256(data).hexdigest(),
    }
    if checkpoint.ranges is not None:
        document["ranges"] = checkpoint.ranges.to_json()
    with atomic_folder(folder, replace=force) as temporary:
        (temporary / WEIGHTS_FILE).write_bytes(data)
        (temporary / CONFIG_FILE).write_text(json.dumps(document, indent=2) + "\n")
        for name, content in (beside or {}).items():
            (temporary / name).write_bytes(content)


def is_checkpoint(folder: Path) -> bool:
    """Return whether `folder` looks like a checkpoint of this format; it may still be damaged."""
    return (folder / CONFIG_FILE).is_file() or (folder / WEIGHTS_FILE).is_file()


def read_document(folder: Path) -> dict[str, Any]:
    """Read and check the JSON part of the checkpoint in `folder`.

    Raises:
        CheckpointCorruptError: it is missing, unreadable or not what `save_checkpoint` writes.
    """
    path = folder / CONFIG_FILE
    try:
        document = read_json(path)
    except OSError as error:
        raise CheckpointCorruptError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise CheckpointCorruptError(f"{path}: not valid JSON ({error}); restore the file or train again") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise CheckpointCorruptError(f"{path}: not a checkpoint description; its format is not {FORMAT!r}")
    try:
        check_members(document, _MEMBERS)
    except JsonError as error:
        raise CheckpointCorruptError(f"{path}: {error}") from error
    if document["step"] < 0:
        raise CheckpointCorruptError(f"{path}: 'step' is {document['step']}; it has to be 0 or more")
    for name, value in document["metrics"].items():
        if type(value) not in (int, float):
            raise CheckpointCorruptError(f"{path}: the metric {name!r} is {shown(value)}; it has to be a number")
    return document


def read_config(folder: Path) -> ModelConfig:
    """Read the configuration of the network of the checkpoint in `folder`, without its weights.

    Raises:
        CheckpointCorruptError: see `read_document`.
        ConfigError: it is none of a network; names the file.
    """
    return _config(read_document(folder), folder)


def _config(document: Mapping[str, Any], folder: Path) -> ModelConfig:
    try:
        return ModelConfig.from_json(document.get("model"))
    except ConfigError as error:
        raise ConfigError(f"{folder / CONFIG_FILE}: {error}; restore the file or train again") from error


def load_checkpoint(folder: Path) -> Checkpoint:
    """Read the checkpoint that `save_checkpoint` wrote into `folder`.

    Raises:
        CheckpointCorruptError: a file is missing, truncated, altered or unreadable; names the file.
        VariableError, ConfigError, RangeError: the contents are not those of a network.
    """
    document = read_document(folder)
    path = folder / WEIGHTS_FILE
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CheckpointCorruptError(f"{path}: cannot be read: {error.strerror}") from error
    if hashlib.sha256(data).hexdigest() != document["weights_sha256"]:
        raise CheckpointCorruptError(
            f"{path}: truncated or altered: {len(data)} bytes whose SHA-256 is not the one in {CONFIG_FILE}"
        )
    safetensors = load_safetensors()
    try:
        weights = safetensors.numpy.load(data)
    except (safetensors.SafetensorError, LookupError, TypeError, ValueError) as error:
        raise CheckpointCorruptError(f"{path}: not a safetensors file ({error})") from error
    config = _config(document, folder)
    try:
        check_weights(weights, config)
        ranges = Ranges.from_json(document["ranges"]) if "ranges" in document else None
    except (VariableError, RangeError) as error:
        raise type(error)(f"{folder}: {error}") from error
    return Checkpoint(
        config=config,
        weights=weights,
        step=document["step"],
        data=document["data"],
        metrics=document["metrics"],
        provenance=document["provenance"],
        created=document["created"],
        ranges=ranges,
    )


def load_safetensors() -> Any:
    """Import and return the module `safetensors`.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import safetensors
        import safetensors.numpy
    except ImportError as error:
        raise MissingExtraError("export", "safetensors") from error
    return safetensors
