"""The committed WebAssembly is that of the sources."""

from __future__ import annotations

import subprocess
import sys

import pytest
from support import ROOT

HASHES = ROOT / "runtime" / "core" / "wasm.sha256"
BUILD = [sys.executable, str(ROOT / "tools" / "wasm_core.py"), "--check"]


def test_hashes() -> None:
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet", str(HASHES)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"run tools/wasm_core.py: {done.stdout}"
    listed = {line.split()[1] for line in HASHES.read_text().splitlines()}
    sources = {f"runtime/core/{path.name}" for path in (ROOT / "runtime" / "core").glob("*.[ch]")}
    assert listed == sources | {"web_demo/site/core/core.wasm"}


def test_a_new_build_has_the_same_bytes() -> None:
    done = subprocess.run(BUILD, capture_output=True, text=True, check=False)
    if done.returncode == 3:
        pytest.skip(f"THE WEBASSEMBLY WAS NOT BUILT AGAIN: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
