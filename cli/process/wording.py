"""The wording of the library's messages on the command line: options in the place of arguments.

The library is called from Python, too. So its messages name arguments, and the command line shows them as the options
that they are there: every console of `mmnet.cli.console.message_console` does so with all that it prints. An argument
is always written with an equals sign: `force=True`, `data=DIR`, `runs=20`, `weights='raw'`, or `affinity=…` for any
value.
"""

from __future__ import annotations

import re

# The arguments whose option is not their name with hyphens.
_OTHERWISE = {
    "binary": "--benchmark-binary",
    "checkpoint": "--ckpt",
    "checkpoint_dir": "--ckpt-dir",
    "emulator": "--qemu",
    "input_type": "--input",
    "inside": "--band",
    "outside": "--band",
    "start": "--from",
}
_AS_NAMED = (
    "affinity", "audio", "backend", "backgrounds", "baseline", "batch", "calibration", "camera", "converter",
    "cool_down", "data", "device", "extend", "force", "host", "image_column", "max_errors", "max_side", "method",
    "mixed_precision", "model", "naive", "name_column", "port", "precision", "recipe", "recursive", "resume",
    "run", "runs", "salvage", "seed", "sets", "size", "skip_existing", "split", "steps", "strict", "teacher",
    "timeout", "validation", "weights",
)  # fmt: skip
_OPTIONS = {name: f"--{name.replace('_', '-')}" for name in _AS_NAMED} | _OTHERWISE
_FLAGS = {("audio", "False"): "--no-audio", ("resume", "True"): "--resume latest"}
# A value is a placeholder, a number, a text in quotes or the name of a choice; so names of files stay as they are.
_ARGUMENT = re.compile(
    rf"(?<![\w/.=-])({'|'.join(_OPTIONS)})="
    r"(True|False|…|'[^'\n]*'|[A-Z]+(?:\.npz)?|\d+(?:\.\d+)?|float16|float32|int8)(?![\w.=/-]*[\w=/])"
)


def as_options(text: str) -> str:
    """Return a message of the library with options in the place of arguments: `force=True` becomes `--force`."""
    return _ARGUMENT.sub(_option, text)


def _option(found: re.Match[str]) -> str:
    name, value = found[1], found[2]
    option = _FLAGS.get((name, value), _OPTIONS[name])
    return option if value in ("True", "False", "…") else f"{option} {value.strip(chr(39))}"
