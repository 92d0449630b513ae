"""One Android device over adb: find it, run commands, copy files, and leave nothing behind.

The client is adbutils, which speaks to the adb server and brings an adb of its own where none is installed.
"""

from __future__ import annotations

import logging
import re
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from mmnet.benchmark.errors import DeviceError
from mmnet.errors import MissingExtraError

ANY = "any"
_PATIENCE_SECONDS = 60
_DISCOVERY_SECONDS = 3.0
_READY = "device"

# What `adb devices` says of a device that cannot be used → what to do. `no` is the first word of `no permissions`.
_STATES = {
    "unauthorized": "has not authorised this computer; unlock it and accept 'Allow USB debugging'",
    "authorizing": "is still being authorised; unlock it, accept 'Allow USB debugging' and try again",
    "offline": "is offline; plug it in again, or turn USB debugging off and on",
    "no": "may not be opened by this user; install Android's udev rules and plug it in again",
    "recovery": "is in recovery mode; start Android",
    "bootloader": "is in its bootloader; start Android",
    "sideload": "waits for a sideload; start Android",
}


@dataclass(frozen=True)
class Reply:
    """What a command on the device said: exit code, and standard output and error as they came."""

    code: int
    output: str


class Phone:
    """A device that answers. Every method raises DeviceError, one line, if it no longer does."""

    def __init__(self, device: Any) -> None:
        """Take an `adbutils.AdbDevice` in the state `device`."""
        logging.getLogger("adbutils").setLevel(logging.ERROR)
        self._device = device
        self.serial: str = device.serial
        with self._reached("when it was first spoken to"):
            self._exit_codes = "shell_v2" in device.get_features().split(",")

    def run(self, command: str, *, doing: str = "", timeout: float = _PATIENCE_SECONDS) -> Reply:
        """Run a line in the device's shell.

        Args:
            command: for sh; quote its words.
            doing: for the message, should the device go away: "while …".
            timeout: seconds without a sign of life.
        """
        with self._reached(doing or f"while it ran {command.split()[0]}"):
            done = self._device.shell2(command, timeout=timeout, v2=self._exit_codes)
        return Reply(done.returncode, done.output.replace("\r\n", "\n"))

    def push(self, content: bytes, path: str, *, executable: bool = False) -> None:
        """Write a file, and see that it arrived whole.

        Raises:
            DeviceError: no space, not writable, or the device is gone.
        """
        folder, name = path.rsplit("/", 1)
        self._check_space(folder, len(content))
        refused = f"{name} cannot be written to {folder}"
        with self._reached(f"while {name} was copied", refused, lambda: self._why_not_written(path, len(content))):
            self._device.sync.push(content, path, 0o755 if executable else 0o644, check=True)

    def pull(self, path: str) -> bytes:
        """Read a file."""
        with self._reached(f"while {path} was read", but_answers=f"{path} cannot be read"):
            content: bytes = self._device.sync.read_bytes(path)
        return content

    @contextmanager
    def clearing(self, *paths: str) -> Iterator[None]:
        """Remove files or folders now (an earlier run may have left them) and at the end, come what may.

        A shell on the device waits for this process to go: it removes them even if the cable is pulled.
        """
        remove = shlex.join(["rm", "-rf", *paths])
        self.run(remove)
        with self._reached("when it was first written to"):
            # Its input ends when the connection does.
            janitor = self._device.shell(f"trap '' HUP; cat >/dev/null; {remove}", stream=True)
        try:
            yield
        finally:
            with suppress(DeviceError):  # gone: the janitor does it
                self.run(remove)
            janitor.close()

    def make_folder(self, path: str) -> None:
        """Make a folder, and those above it.

        Raises:
            DeviceError: it cannot be made.
        """
        made = self.run(shlex.join(["mkdir", "-p", path]))
        if made.code:
            raise DeviceError(f"{self.serial}: {path} cannot be made: {_line(made.output)}")

    def property(self, name: str) -> str | None:
        """What `getprop` says; None where it says nothing."""
        reply = self.run(f"getprop {shlex.quote(name)}")
        return reply.output.strip() or None if reply.code == 0 else None

    def _check_space(self, folder: str, needed: int) -> None:
        free = free_kib(self.run(f"df -k {shlex.quote(folder)}").output)
        if free is not None and free * 1024 < needed:
            raise DeviceError(
                f"{self.serial}: no space left in {folder}: {free} KiB are free, {needed // 1024 + 1} KiB are "
                "needed; delete something there"
            )

    def _why_not_written(self, path: str, length: int) -> str:
        """What the device's shell says of writing as much there: adbutils drops the reason that adbd gives."""
        file = shlex.quote(path)
        said = self.run(f"head -c {length} /dev/zero 2>&1 >{file}; rm -f {file}").output.strip()
        return said.rpartition("\n")[2].rpartition(": ")[2]

    @contextmanager
    def _reached(self, doing: str, but_answers: str = "", why: Callable[[], str] = lambda: "") -> Iterator[None]:
        """Turn what adbutils raises into one line: the device is gone, does not answer, or (`but_answers`) refuses.

        Why it refuses is what `why` finds out, or the error's own text.
        """
        from adbutils.errors import AdbError, AdbTimeout

        try:
            yield
        except AdbTimeout as error:
            raise DeviceError(f"{self.serial}: did not answer any more {doing}; unlock it and try again") from error
        except (AdbError, EOFError, OSError, ValueError) as error:
            if but_answers and self._answers():
                reason = why() or _line(str(error)) or "refused"
                raise DeviceError(f"{self.serial}: {but_answers}: {reason}") from error
            raise DeviceError(
                f"{self.serial}: the connection was lost {doing}; plug it in again and repeat the command"
            ) from error

    def _answers(self) -> bool:
        from adbutils.errors import AdbError

        try:
            return bool(self._device.get_state() == _READY)
        except (AdbError, EOFError, OSError, ValueError):
            return False


def find_phone(wanted: str) -> Phone:
    """The device with a serial number, or (`any`) the only one there is.

    Raises:
        MissingExtraError: adbutils is not installed.
        DeviceError: no adb, no such device, several, or one that cannot be used; says which there are.
    """
    try:
        import adbutils
        from adbutils.errors import AdbError
    except ImportError as error:
        raise MissingExtraError("device", "adbutils") from error
    client = adbutils.AdbClient()
    deadline = time.monotonic() + _DISCOVERY_SECONDS
    try:
        # A server that has just been started needs a moment to find devices.
        while not (found := {info.serial: info.state for info in client.list()}) and time.monotonic() < deadline:
            time.sleep(0.2)
    except (AdbError, OSError, ValueError, subprocess.SubprocessError) as error:
        raise DeviceError(f"the adb server does not answer ({_line(str(error))}); try: adb start-server") from error
    serial = _choose(wanted, found)
    state = found[serial]
    if state != _READY:
        raise DeviceError(f"{serial}: {_STATES.get(state, f'is in the state {state!r}; start Android')}")
    return Phone(client.device(serial))


def free_kib(df: str) -> int | None:
    """What `df -k FOLDER` says is available, in KiB; None where it does not (before Android 6 it knew no such unit)."""
    lines = df.splitlines()
    if not lines or not re.search(r"\b(1K|1024)-blocks\b", lines[0]):
        return None
    # Filesystem, 1K-blocks, used, available, use %, mounted on; a long first column may stand on its own line.
    row = re.search(r"(\d+)\s+(\d+)\s+(\d+)\s+\d+%", "\n".join(lines[1:]))
    return int(row[3]) if row else None


def _choose(wanted: str, found: dict[str, str]) -> str:
    listed = ", ".join(found)
    if not found:
        raise DeviceError(
            f"--device {wanted}: no device is connected; plug a phone in and turn on USB debugging (developer options)"
        )
    if wanted != ANY:
        if wanted not in found:
            raise DeviceError(f"--device {wanted}: no such device; connected: {listed}")
        return wanted
    ready = [serial for serial, state in found.items() if state == _READY]
    if len(ready) == 1:
        return ready[0]
    if len(found) == 1:
        return next(iter(found))
    raise DeviceError(f"--device any: {len(found)} devices are connected ({listed}); name one with --device SERIAL")


def _line(text: str) -> str:
    return " ".join(text.split())
