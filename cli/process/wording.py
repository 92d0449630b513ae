"""The wording of the library's messages on the command line: options in the place of arguments.

The library is called from Python, too. So its messages name arguments, as `force=True` or `data=DIR`, and the command
line shows them as the options that they are there.
"""

from __future__ import annotations

import re

_OPTIONS = {
    "calibration": "--calibration",
    "data": "--data",
    "force": "--force",
    "image_column": "--image-column",
    "max_errors": "--max-errors",
    "name_column": "--name-column",
    "precision": "--precision",
    "skip_existing": "--skip-existing",
    "steps": "--steps",
}
# A value is a placeholder, a number or the name of a choice; so names of files stay as they are.
_ARGUMENT = re.compile(
    rf"(?<![\w/.=-])({'|'.join(_OPTIONS)})=(True|[A-Z]+(?:\.npz)?|\d+|float16|float32|int8)(?![\w.=/-]*[\w=/])"
)


def as_options(text: str) -> str:
    """Return a message of the library with options in the place of arguments: `force=True` becomes `--force`."""
    return _ARGUMENT.sub(_option, text)


def _option(found: re.Match[str]) -> str:
    option = _OPTIONS[found[1]]
    return option if found[2] == "True" else f"{option} {found[2]}"
