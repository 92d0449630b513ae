"""One item's exception becomes one line; its traceback goes to the log."""

from __future__ import annotations

import errno
import logging
import os

import pytest

from mmnet.errors import MMNetError
from mmnet.failures import LOG, collected_log, failure_line, is_debugging, relay


class OddError(Exception):
    def __str__(self) -> str:
        return "strange\n  things"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (MMNetError("a  b.jpg: is damaged;\n save it again"), "a  b.jpg: is damaged; save it again"),
        (MMNetError("is damaged"), "a  b.jpg: is damaged"),
        (OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG)), "a  b.jpg: File name too long"),
        (OSError("no number"), "a  b.jpg: no number"),
        (MemoryError(), "a  b.jpg: does not fit into memory"),
        (OddError(), "a  b.jpg: unexpected OddError: strange things (mmnet --debug shows where)"),
        (UnicodeDecodeError("utf-8", b"\xe9", 0, 1, "bad"), "unexpected UnicodeDecodeError"),
    ],
)
def test_any_exception_becomes_one_line_that_names_the_item(error: Exception, line: str) -> None:
    found = failure_line(error, "a  b.jpg")
    assert line in found
    assert found.startswith("a  b.jpg: ")
    assert "\n" not in found


def test_the_traceback_goes_to_the_log_and_across_processes(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise OddError

    def provoke() -> None:
        try:
            fail()
        except OddError as error:
            failure_line(error, "item")

    with collected_log(wanted=False) as lines:
        provoke()
    assert lines == []
    assert not is_debugging()
    with collected_log(wanted=True) as lines:
        assert is_debugging()
        provoke()
    assert "in fail" in lines[0]
    assert "item failed" in lines[0]
    assert LOG.level != logging.DEBUG
    with caplog.at_level(logging.DEBUG, "mmnet"):
        relay(lines)
    assert caplog.messages[-1:] == lines
