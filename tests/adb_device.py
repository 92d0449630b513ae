"""A device to measure on: Debian's adbd in a network namespace of its own.

adbd listens on every interface, as root and without a password, so it never runs outside such a namespace. An installed
adbd is used. Otherwise, as Debian has it only since trixie, apt downloads and verifies trixie's packages, which are
unpacked into `.cache/`.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

_CACHE = Path(__file__).parents[1] / ".cache" / "adbd-trixie"
_UNTESTED = "NOTHING WAS TESTED AGAINST A REAL ADBD"
STORAGE_KIB = 2048
_PATIENCE = 600  # seconds; this file also runs as a script, without the helpers of the tests
PORT = "5138"
SERIAL = "127.0.0.1:5555"


def adbd_command() -> list[str]:
    """Return the command that starts adbd; where adbd cannot be had, skip the test and say why."""
    for tool in ("unshare", "nsenter"):
        if shutil.which(tool) is None:
            pytest.skip(f"{_UNTESTED}: {tool} is not installed (Debian: util-linux)")
    allowed = subprocess.run(["unshare", "--net", "--mount", "true"], capture_output=True, check=False)
    if allowed.returncode:
        pytest.skip(f"{_UNTESTED}: a network namespace cannot be created here (run as root)")
    installed = shutil.which("adbd", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if installed:
        return [installed]
    root = _CACHE / "root"
    if not root.is_dir():
        _unpack_adbd(root)
    # It runs with trixie's C library: bookworm's is too old.
    libraries = root / "usr/lib/x86_64-linux-gnu"
    return [
        str(root / "usr/lib64/ld-linux-x86-64.so.2"),
        "--library-path",
        f"{libraries}:{libraries / 'android'}",
        str(root / "usr/sbin/adbd"),
    ]


def _unpack_adbd(root: Path) -> None:
    if os.uname().machine != "x86_64" or shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        pytest.skip(f"{_UNTESTED}: adbd is not installed, and this is no Debian on x86_64 to unpack it on")
    for folder in ("state/lists/partial", "cache/archives/partial"):
        (_CACHE / folder).mkdir(parents=True, exist_ok=True)
    (_CACHE / "state/status").touch()
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(ORIGIN) $(SITE)"], capture_output=True, text=True, check=False
    )
    sites = [line.split()[1] for line in listed.stdout.splitlines() if line.startswith("Debian ")]
    (_CACHE / "sources.list").write_text("".join(f"deb {site} trixie main\n" for site in sites[:1]))
    options = {
        "Dir::State": _CACHE / "state",
        "Dir::State::status": _CACHE / "state/status",
        "Dir::Cache": _CACHE / "cache",
        "Dir::Etc::SourceList": _CACHE / "sources.list",
        "Dir::Etc::SourceParts": "/dev/null",
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
    }
    apt = ["apt-get", "-qq", *(f"-o{name}={value}" for name, value in options.items())]
    for command in (["update"], ["--yes", "--no-install-recommends", "--download-only", "install", "adbd"]):
        done = subprocess.run([*apt, *command], capture_output=True, text=True, check=False)
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            pytest.skip(f"{_UNTESTED}: apt cannot fetch adbd from trixie: {reason}")
    unpacked = root.with_name("unpacking")
    shutil.rmtree(unpacked, ignore_errors=True)
    for package in sorted((_CACHE / "cache/archives").glob("*.deb")):
        subprocess.run(["dpkg-deb", "--extract", package, unpacked], check=True)
    unpacked.rename(root)


@dataclass
class Device:
    """A running adbd.

    Attributes:
        process: the id of its process, through which its namespaces are entered.
        storage: a folder of STORAGE_KIB that only the device sees.
        state: a folder that both sides see. It holds what `dumpsys` and other commands print, one file per command.
        environment: the environment variables of clients.
    """

    process: int
    storage: Path
    state: Path
    environment: dict[str, str]

    def mmnet(self, *arguments: object, timeout: float = _PATIENCE) -> subprocess.CompletedProcess[str]:
        """Run `mmnet` in the network namespace of the device."""
        return self._enter(
            ["--net"], [str(Path(sys.executable).with_name("mmnet")), *map(str, arguments)], timeout=timeout
        )

    def files(self) -> list[str]:
        """Return the paths of everything in its storage."""
        listing = self._enter(["--mount"], ["find", str(self.storage), "-mindepth", "1"])
        return listing.stdout.split()

    def say(self, command: str, text: str, code: int = 0) -> None:
        """Set what a command of the device prints from now on, and its exit code."""
        (self.state / command.replace(" ", "_")).write_text(text)
        (self.state / (command.replace(" ", "_") + ".code")).write_text(str(code))

    def _enter(
        self, namespaces: Sequence[str], command: Sequence[str], timeout: float = _PATIENCE
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["nsenter", f"--target={self.process}", *namespaces, *command],
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
            env=self.environment,
        )

    def adb(self, *arguments: str) -> str:
        """Run adb's own client, and return what it prints."""
        from adbutils import adb_path

        return self._enter(["--net"], [adb_path(), *arguments]).stdout


@contextmanager
def running_device(folder: Path) -> Iterator[Device]:
    """Start adbd with its files in `folder`, wait until adb lists it, and stop both at the end."""
    command = adbd_command()
    storage, state, tools = (folder / name for name in ("storage", "state", "tools"))
    for path in (storage, state, tools, folder / "home"):
        path.mkdir()
    for name in ("getprop", "dumpsys", "pm", "am", "pidof", "settings"):
        _write_tool(tools / name, state)
    environment = os.environ | {
        "HOME": str(folder / "home"),
        "ANDROID_ADB_SERVER_PORT": PORT,
        "ADB_LOCAL_TRANSPORT_MAX_PORT": "5554",  # otherwise adb lists it a second time, as an emulator
        "COLUMNS": "200",
        "NO_COLOR": "1",
    }
    launcher = [sys.executable, "-P", __file__, str(storage), *command]
    with (folder / "adbd.log").open("wb") as log:
        process = subprocess.Popen(
            ["unshare", "--net", "--mount", *launcher],
            stdout=log,
            stderr=log,
            env=environment | {"PATH": f"{tools}:{environment['PATH']}"},
            start_new_session=True,
        )
    device = Device(process.pid, storage, state, environment)
    try:
        _await_adbd(process, device, folder / "adbd.log")
        yield device
    finally:
        if process.poll() is None:
            device.adb("kill-server")
            process.send_signal(signal.SIGKILL)
        process.wait()


def _await_adbd(process: subprocess.Popen[bytes], device: Device, log: Path) -> None:
    """Wait for the namespace, for adbd in it, and for adb to list it; fail the test if one of them does not come."""

    def isolated() -> bool:
        return Path(f"/proc/{process.pid}/ns/net").readlink() != Path("/proc/self/ns/net").readlink()

    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.1)
        if isolated() and b"adbd started" in log.read_bytes():
            device.adb("connect", SERIAL)
            listed = device.adb("devices")
            if "emulator-" in listed:  # listed a second time in spite of the variable
                device.adb("kill-server")
            elif f"{SERIAL}\tdevice" in listed:
                return
    pytest.fail(f"adbd does not start: {log.read_text()[-300:]!r}")


def _write_tool(path: Path, state: Path) -> None:
    """Write a command of the device, which prints what `state` holds for its name and first argument, or its name."""
    path.write_text(
        f'#!/bin/sh\nfor said in "{state}/${{0##*/}}_$1" "{state}/${{0##*/}}"; do\n'
        'if [ -e "$said" ]; then [ -x "$said.run" ] && "$said.run" "$@"; cat "$said"; exit "$(cat "$said.code")"; fi\n'
        "done\nexit 1\n"
    )
    path.chmod(0o755)


def _launch(storage: str, command: Sequence[str]) -> None:
    """Bring up the loopback interface of the new namespace, mount the storage, and become adbd."""
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS: up, running
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={STORAGE_KIB}k,mode=0777", "storage", storage], check=True)
    os.execv(command[0], list(command))


if __name__ == "__main__":
    _launch(sys.argv[1], sys.argv[2:])
