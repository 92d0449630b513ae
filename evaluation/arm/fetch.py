"""Fetching of pinned packages into a folder, by pip and apt with the user's configuration and without root."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from mmnet.evaluation.arm.errors import FetchError
from mmnet.evaluation.arm.pins import SUITES, WHEEL, Pin

Progress = Callable[[str, int, int], None]  # what is being done, how much is done, of how much

_PLATFORMS = ("manylinux_2_28_aarch64", "manylinux_2_27_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64")
_PYTHON, _ABIS = "3.11", ("cp311", "abi3", "none")
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")  # where Debian puts its own


def fetch(pins: Sequence[Pin], folder: Path, progress: Progress = lambda doing, done, total: None) -> dict[Pin, Path]:
    """Fetch the file of every pin into `folder`, and check that it is the pinned one.

    Files that are in the folder are checked and kept; damaged ones are fetched again. Each file appears whole or not at
    all, so that an interrupted fetch continues with the first missing file.

    Args:
        pins: the packages.
        folder: the folder, which is created if it is missing. Only one process may fetch into it at a time.
        progress: called before each file with what is being done, the files done and their total.

    Returns:
        The path of each file.

    Raises:
        FetchError: pip or apt is missing, does not find a file, or finds another one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for leftover in folder.glob(".incoming*"):
        shutil.rmtree(leftover)
    files = {pin: folder / pin.file_name for pin in pins}
    missing = [pin for pin in pins if not _is_right(files[pin], pin)]
    done = 0
    with tempfile.TemporaryDirectory(prefix=".incoming", dir=folder) as incoming:
        for batch in _batches(missing):
            names = ", ".join(pin.name for pin in batch)
            progress(f"fetching {names} ({sum(pin.size for pin in batch) / 1e6:.0f} MB)", done, len(missing))
            into = Path(incoming) / batch[0].sha256
            into.mkdir()
            (_download_wheel if batch[0].kind == WHEEL else _download_debian)(batch, into)
            _take(batch, into, files)
            done += len(batch)
    return files


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_right(path: Path, pin: Pin) -> bool:
    return path.is_file() and path.stat().st_size == pin.size and sha256_of(path) == pin.sha256


def _batches(pins: Sequence[Pin]) -> list[list[Pin]]:
    """Split the pins into calls: one per wheel, and one for all of Debian, for apt reads its lists at every start."""
    debian = [pin for pin in pins if pin.kind != WHEEL]
    return [[pin] for pin in pins if pin.kind == WHEEL] + ([debian] if debian else [])


def _take(pins: Sequence[Pin], incoming: Path, files: dict[Pin, Path]) -> None:
    """Move the fetched files to their places, each found by its hash."""
    fetched = {sha256_of(path): path for suffix in ("*.whl", "*.deb") for path in incoming.glob(suffix)}
    for pin in pins:
        if pin.sha256 in fetched:
            fetched[pin.sha256].replace(files[pin])
    if missing := [pin for pin in pins if pin.sha256 not in fetched]:
        raise FetchError(f"{missing[0]}: the fetched file is not the pinned one; do not use it, try another mirror")


def _download_wheel(pins: Sequence[Pin], into: Path) -> None:
    (pin,) = pins
    requirements = into / "requirements.txt"
    requirements.write_text(f"{pin.name}=={pin.version} --hash=sha256:{pin.sha256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--retries", "1", "download"]
    command += ["--quiet", "--no-deps", "--only-binary=:all:", "--implementation", "cp", "--python-version", _PYTHON]
    command += [f"--platform={platform}" for platform in _PLATFORMS] + [f"--abi={abi}" for abi in _ABIS]
    _run([*command, "--require-hashes", "--requirement", str(requirements), "--dest", str(into)], pin, into)


def _download_debian(pins: Sequence[Pin], into: Path) -> None:
    """Fetch Debian packages with apt-get and separate package lists: another architecture, older suites, without root.

    The archives in the system's own sources are tried in order, until one has the suites.
    """
    command, sources = _apt_beside(into / "apt")
    signed = f" signed-by={_KEYRING}" if _KEYRING.exists() else ""
    refusals: list[FetchError] = []
    for archive in _archives(pins[0]):
        lines = (f"deb [arch=amd64,arm64{signed}] {archive} {suite} main\n" for suite in SUITES)
        sources.write_text("".join(lines), encoding="utf-8")
        try:
            _run([*command, "update"], pins[0], into)
        except FetchError as error:
            refusals.append(error)
            continue
        _run([*command, "download", *(f"{pin.name}:{pin.architecture}={pin.version}" for pin in pins)], pins[0], into)
        return
    if refusals:
        raise refusals[0]
    raise FetchError(f"{pins[0]}: apt has no source on this machine; add Debian's archive to its sources")


def _apt_beside(folder: Path) -> tuple[list[str], Path]:
    """Return the command line of an apt-get that keeps all its files in `folder`, and the path of its sources there."""
    lists, cache, sources = folder / "lists", folder / "cache", folder / "sources.list"
    (lists / "partial").mkdir(parents=True)
    (cache / "archives" / "partial").mkdir(parents=True)
    options = {
        "Dir::State::Lists": lists,
        "Dir::State::status": os.devnull,
        "Dir::Cache": cache,
        "Dir::Etc::SourceList": sources,
        "Dir::Etc::SourceParts": os.devnull,
        "Dir::Etc::Preferences": os.devnull,
        "Dir::Etc::PreferencesParts": os.devnull,
        "APT::Architectures::": "arm64",  # in addition to the system's
        "APT::Update::Error-Mode": "any",
        "Acquire::Languages": "none",
    }
    return ["apt-get", "--quiet", *(f"--option={name}={value}" for name, value in options.items())], sources


def _archives(pin: Pin) -> list[str]:
    """Return the archives in apt's sources, those named like Debian's main archive first."""
    listed = _run(["apt-get", "update", "--print-uris"], pin, Path.cwd())
    uris = [line.split("'")[1] for line in listed.splitlines() if line.startswith("'")]
    bases = dict.fromkeys(uri.partition("/dists/")[0] for uri in uris if "/dists/" in uri)
    return sorted(bases, key=lambda base: not base.endswith("/debian"))


def _run(command: list[str], pin: Pin, folder: Path) -> str:
    """Run pip or apt-get in `folder`, and return its output.

    Raises:
        FetchError: the program is missing, or failed; its own reason is in the message.
    """
    tool = "pip" if "pip" in command else command[0]
    try:
        done = subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False
        )
    except FileNotFoundError as error:
        raise FetchError(f"{pin}: cannot be fetched without {tool}, which this system does not have") from error
    if done.returncode:
        reason = _reason(done.stderr)
        fix = "; the archive has replaced it, install a newer mmnet" if "was not found" in reason else ""
        raise FetchError(f"{pin}: {tool} cannot fetch it: {reason}{fix}")
    return done.stdout


def _reason(printed: str) -> str:
    """Return the most specific line of the error output of pip or apt."""
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    for mark in ("ERROR:", "E:", "Err:", "W:"):
        marked = [line.removeprefix(mark).strip() for line in lines if line.startswith(mark)]
        if marked:
            return marked[0]
    return lines[-1] if lines else "it gives no reason"
