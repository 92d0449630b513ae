"""What every typed exception of this project descends from.

A message is one line that names the file (or argument) and the fix. The command line prints it and exits with
`exit_code`; a traceback there means a defect of ours.
"""

from __future__ import annotations


class MMNetError(Exception):
    """Something the user gave cannot be used. The message is one line: what is wrong, where, and how to fix it."""

    exit_code = 1


class MissingExtraError(MMNetError):
    """A command needs packages that the light install leaves out."""

    def __init__(self, extra: str, package: str) -> None:
        super().__init__(f"this needs {package}, which is not installed; run: pip install 'mmnet[{extra}]'")


class OutputExistsError(MMNetError):
    """The output is there already and nobody asked to replace it."""


class OutputError(MMNetError):
    """The output could not be written."""
