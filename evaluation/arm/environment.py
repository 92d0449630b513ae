"""The Arm Python with the runtime's packages and the emulator that runs it, in the user's cache."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import stat
import subprocess
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from mmnet.errors import OutputError
from mmnet.evaluation.arm.errors import ArmError, UnsupportedHostError
from mmnet.evaluation.arm.fetch import Progress, fetch, sha256_of
from mmnet.evaluation.arm.pins import WHEEL, Pin, emulator_pins, python_pins
from mmnet.evaluation.arm.processors import check_emulator
from mmnet.files import atomic_folder
from mmnet.json_reader import read_json

_SEAL = "seal.json"
_IMPORTS = "import cv2, json, numpy, platform, ai_edge_litert.interpreter, importlib.metadata"
_ANY_PROCESSOR = "cortex-a53"


@dataclass(frozen=True)
class ArmPython:
    """A Python that runs scripts on an emulated Arm processor.

    Attributes:
        emulator: the path of qemu-aarch64.
        version: the version of the emulator.
        folder: the folder with `root/`, the emulated system, and `packages/`, the packages of Python.
    """

    emulator: Path
    version: str
    folder: Path

    def command(self, processor: str, *arguments: str) -> list[str]:
        """Return the command line that runs Python with `arguments` on `processor`."""
        root = self.folder / "root"
        python = root / "usr" / "bin" / "python3.11"
        return [str(self.emulator), "-cpu", processor, "-L", str(root), str(python), "-P", "-s", *arguments]

    def variables(self, *folders: Path) -> dict[str, str]:
        """Return all environment variables of that command; `folders` are searched for modules too."""
        return {
            "LANG": "C.UTF-8",
            "PYTHONHOME": str(self.folder / "root" / "usr"),
            "PYTHONPATH": os.pathsep.join(map(str, [*folders, self.folder / "packages"])),
        }


def cache_folder() -> Path:
    """Return the folder that keeps all fetched files (XDG Base Directory Specification)."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(named) if named.startswith("/") else Path.home() / ".cache"
    return base / "mmnet" / "arm"


def check_host() -> None:
    """Raise UnsupportedHostError unless the emulator can run on this machine."""
    system, machine = platform.system(), platform.machine()
    if (system, machine) != ("Linux", "x86_64"):
        raise UnsupportedHostError(f"Arm is emulated on Linux on x86_64 only; this is {system} on {machine}")


def arm_python(
    folder: Path, emulator: Path | None = None, progress: Progress = lambda doing, done, total: None
) -> ArmPython:
    """Return the environment in `folder`; create it if it is missing or its bytes have changed.

    Args:
        folder: the folder, see `cache_folder`; it is created if it is missing. Other processes wait for it.
        emulator: a qemu-aarch64 to use instead of the pinned one.
        progress: called with what is being done, how much is done, and of how much.

    Raises:
        UnsupportedHostError: this is not Linux on x86-64.
        FetchError: a package cannot be fetched.
        ArmError: `emulator` is not a usable qemu-aarch64, or Python does not start.
        OutputError: the cache cannot be written.
    """
    check_host()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        is_own = [_keep_for_this_user(path) for path in (folder.parent, folder)] == [True, True]
        with _locked(folder / "lock", lambda: progress("waiting for another mmnet that writes the cache", 0, 1)):
            for leftover in folder.glob(".*"):
                shutil.rmtree(leftover)
            if emulator is not None:
                check_emulator(emulator)  # before anything is fetched
            own, system = folder / "emulator", folder / "python"
            wanted = {system: python_pins()} if emulator else {own: emulator_pins(), system: python_pins()}
            progress("checking the cache", 0, 1)
            # The seal lies beside what it seals: it shows damage, not what somebody else changed on purpose.
            missing = {part: pins for part, pins in wanted.items() if not (is_own and _is_sealed(part, pins))}
            files = fetch([pin for pins in missing.values() for pin in pins], folder / "packages", progress)
            if own in missing:
                with _sealed(own, missing[own]) as fresh:
                    _unpack(missing[own], files, fresh, progress)
            emulator = emulator or own / "root/usr/bin/qemu-aarch64"
            python = ArmPython(emulator, check_emulator(emulator), system)
            if system in missing:
                with _sealed(system, missing[system]) as fresh:
                    _unpack(missing[system], files, fresh, progress)
                    progress("starting Python on Arm", 0, 1)
                    _compile(replace(python, folder=fresh))
            return python
    except OSError as error:
        raise OutputError(
            f"{error.filename or folder}: {error.strerror}; free space, or set XDG_CACHE_HOME to another folder"
        ) from error


def _keep_for_this_user(folder: Path) -> bool:
    """Take the right to write to a folder from all others; return whether not everybody had it.

    What the cache holds is executed, so nobody else may change it.

    Raises:
        OutputError: the folder belongs to another user.
    """
    status = folder.stat()
    if status.st_uid not in (os.geteuid(), 0):
        raise OutputError(f"{folder}: belongs to another user, who could change what is executed; set XDG_CACHE_HOME")
    others = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    if others and status.st_uid == os.geteuid():
        folder.chmod(stat.S_IMODE(status.st_mode) & ~others)
    return not others & stat.S_IWOTH


@contextmanager
def _locked(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    import fcntl  # not on Windows; `check_host` refuses that earlier

    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _sealed(folder: Path, pins: Sequence[Pin]) -> Iterator[Path]:
    """Yield a new folder to fill; on success it replaces `folder`, with a seal that shows any later change."""
    with atomic_folder(folder) as fresh:
        yield fresh
        (fresh / _SEAL).write_text(json.dumps(_seal(fresh, pins)), encoding="utf-8")


def _is_sealed(folder: Path, pins: Sequence[Pin]) -> bool:
    try:
        seal = read_json(folder / _SEAL)
    except (OSError, ValueError):
        return False
    return bool(seal == _seal(folder, pins))


def _seal(folder: Path, pins: Sequence[Pin]) -> dict[str, str]:
    """Return the hash of a folder's pins, and the SHA-256 over the names and bytes of all its files but the seal."""
    contents = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.name != _SEAL:
            what = str(path.readlink()) if path.is_symlink() else sha256_of(path) if path.is_file() else ""
            contents.update(f"{path.relative_to(folder)}\0{what}\0".encode(errors="surrogateescape"))
    made_from = hashlib.sha256("".join(pin.sha256 + pin.only for pin in pins).encode())
    return {"pins": made_from.hexdigest(), "contents": contents.hexdigest()}


def _unpack(pins: Sequence[Pin], files: Mapping[Pin, Path], folder: Path, progress: Progress) -> None:
    """Unpack Debian's packages into `folder`/root, and wheels into `folder`/packages."""
    for done, pin in enumerate(pins):
        progress(f"unpacking {pin.name}", done, len(pins))
        if pin.kind == WHEEL:
            with zipfile.ZipFile(files[pin]) as wheel:
                wheel.extractall(folder / "packages")
        else:
            _unpack_debian(pin, files[pin], folder / "root")


def _unpack_debian(pin: Pin, file: Path, root: Path) -> None:
    root.mkdir(parents=True, exist_ok=True)
    only = [pin.only] if pin.only else []
    try:
        with subprocess.Popen(
            ["dpkg-deb", "--fsys-tarfile", file], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as opened:
            done = subprocess.run(
                ["tar", "--extract", "--no-same-owner", "--directory", root, *only],
                stdin=opened.stdout,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
            )
    except FileNotFoundError as error:
        raise ArmError(
            f"{pin}: cannot be unpacked without {error.filename}, which this system does not have"
        ) from error
    if done.returncode or opened.returncode:
        raise ArmError(f"{pin}: cannot be unpacked: {done.stderr.strip().rpartition(chr(10))[2] or 'dpkg-deb failed'}")


def _compile(python: ArmPython) -> None:
    """Import all modules once, so that Python writes their bytecode: under emulation, compiling takes longest."""
    done = subprocess.run(
        python.command(_ANY_PROCESSOR, "-c", _IMPORTS),
        env=python.variables(),
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        reason = done.stderr.strip().rpartition("\n")[2] or f"exit code {done.returncode}"
        raise ArmError(f"Python does not start on the emulated processor: {reason}")
