"""The base class of all exceptions of this project, and the exceptions that several packages raise.

A message is one line: what is wrong, the file or argument, and the fix. The command line prints it and exits with
`exit_code`. Any other exception is a defect of this project: one line, exit code 70, and the traceback with --debug.
"""

from __future__ import annotations


class MMNetError(Exception):
    """An input or an option cannot be used.

    Attributes:
        exit_code: what the command line exits with.
    """

    exit_code = 1


class MissingExtraError(MMNetError):
    """A package is missing that the light install leaves out.

    Args:
        extra: the extra of this project that brings it.
        package: its name, for the message.
    """

    def __init__(self, extra: str, package: str) -> None:
        # `mmnet[…]` works only where a package index or a wheel has mmnet.
        super().__init__(
            f"this needs {package}, which is not installed; in a clone of the repository run: pip install '.[{extra}]' "
            f"(where mmnet comes from a package index: pip install 'mmnet[{extra}]')"
        )


class OutputExistsError(MMNetError):
    """The output exists and may not be replaced."""


class OutputError(MMNetError):
    """The output cannot be written."""
