"""The results and records in a destination of `mmnet batch`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from mmnet.cli.main import app


def contents(folder: Path) -> dict[str, bytes]:
    """Return every result below a folder, without the records of the job."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.relative_to(folder).parts[0] != "_mmnet"
    }


def ledger(folder: Path) -> list[dict[str, Any]]:
    """Return every line of a destination's ledger."""
    parts = sorted((folder / "_mmnet" / "ledger").glob("*.jsonl"))
    return [json.loads(line) for part in parts for line in part.read_text().splitlines()]


def invoke(*arguments: object) -> Result:
    """Run `mmnet ARGUMENTS…` in this process; the result has the `exception` that it raised."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])
