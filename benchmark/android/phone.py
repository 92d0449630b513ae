"""One Android device over adb: find it, run commands, copy files, and remove them at the end.

The client is adbutils, which connects to the adb server and includes an adb for hosts where none is installed.
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
_TIMEOUT_SECONDS = 60
_DISCOVERY_SECONDS = 3.0
_READY = "device"

# The first word of an unusable device's state in `adb devices` → what it means and what to do.
_STATES = {
    "unauthorized": "has not authorised this computer; unlock it and accept 'Allow USB debugging'",
    "authorizing": "is still being authorised; unlock it, accept 'Allow USB debugging' and try again",
    "offline": "is offline; plug it in again, or turn USB debugging off and on",
    "no": "cannot be opened by this user; install Android's udev rules and plug it in again",
    "connecting": "is still being connected to; wait a moment and try again",
    "recovery": "is in recovery mode; start Android",
    "bootloader": "is in its bootloader; start Android",
    "sideload": "is waiting for a sideload; start Android",
}


@dataclass(frozen=True)
class Reply:
    """The reply of a command on the device: its exit code, and its standard output and error in their order."""

    code: int
    output: str


class Phone:
    """A connected device. Every method raises DeviceError, in one line, if the device no longer responds.

    Attributes:
        serial: its serial number.
    """

    def __init__(self, device: Any) -> None:
        """Connect to an `adbutils.AdbDevice` whose state is `device`.

        Raises:
            DeviceError: it does not respond.
        """
        logging.getLogger("adbutils").setLevel(logging.ERROR)
        self._device = device
        self.serial: str = device.serial
        with self._connection("when it was connected to"):
            self._exit_codes = "shell_v2" in device.get_features().split(",")

    def run(self, command: str, *, doing: str = "", timeout: float = _TIMEOUT_SECONDS) -> Reply:
        """Run a command line in the device's shell.

        Args:
            command: the line for sh, with its words quoted.
            doing: words for the message if the connection is lost: "while …".
            timeout: seconds to wait while the device sends nothing.
        """
        with self._connection(doing or f"while it ran {command.split()[0]}"):
            done = self._device.shell2(command, timeout=timeout, v2=self._exit_codes)
        return Reply(done.returncode, done.output.replace("\r\n", "\n"))

    def push(self, content: bytes, path: str, *, executable: bool = False) -> None:
        """Write a file, and check that it is complete.

        Raises:
            DeviceError: there is no space, the folder is not writable, or the device is gone.
        """
        from adbutils.errors import AdbError

        folder, name = path.rsplit("/", 1)
        self._check_space(folder, len(content))
        refused = f"{name} cannot be written to {folder}"
        with self._connection(f"while {name} was copied", refused, lambda: self._why_not_written(path, len(content))):
            mode = 0o755 if executable else 0o644
            try:
                self._device.sync.push(content, path, mode, check=True)
            except AdbError as error:
                if "Push not complete" not in str(error):
                    raise
                # A busy device may tell the size of the file before it has written it.
                self._device.sync.push(content, path, mode, check=True)

    @contextmanager
    def clearing(self, *paths: str) -> Iterator[None]:
        """Remove files or folders now, as an earlier run may have left them, and again at the end.

        They are removed even if this process is killed or the cable is pulled: a shell on the device waits for the end
        of the connection.
        """
        remove = shlex.join(["rm", "-rf", *paths])
        self.run(remove)
        with self._connection("when it was first written to"):
            # The input of `cat` ends when the connection does.
            cleanup_shell = self._device.shell(f"trap '' HUP; cat >/dev/null; {remove}", stream=True)
        try:
            yield
        finally:
            with suppress(DeviceError):  # if the device is gone, the shell removes them
                self.run(remove)
            cleanup_shell.close()

    def make_folder(self, path: str) -> None:
        """Make a folder and its parents.

        Raises:
            DeviceError: it cannot be made.
        """
        reply = self.run(shlex.join(["mkdir", "-p", path]))
        if reply.code:
            raise DeviceError(f"{self.serial}: {path} cannot be made: {_one_line(reply.output)}")

    def property(self, name: str) -> str | None:
        """Return a system property (`getprop`); None where it is not set."""
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
        """Return the reason why a file of this length cannot be written, by trying it in the device's shell.

        adbutils drops the reason that adbd gives.
        """
        file = shlex.quote(path)
        output = self.run(f"head -c {length} /dev/zero 2>&1 >{file}; rm -f {file}").output.strip()
        return output.rpartition("\n")[2].rpartition(": ")[2]

    @contextmanager
    def _connection(self, doing: str, refused: str = "", reason: Callable[[], str] = lambda: "") -> Iterator[None]:
        """Turn what adbutils raises into a DeviceError of one line.

        Args:
            doing: what was being done, for the message: "while …".
            refused: the message if the device still responds, and so refused; without it, the connection counts as
                lost.
            reason: finds out why the device refused; if it returns nothing, the error's own text is shown.
        """
        from adbutils.errors import AdbError, AdbTimeout

        try:
            yield
        except AdbTimeout as error:
            raise DeviceError(f"{self.serial}: stopped responding {doing}; unlock it and try again") from error
        except (AdbError, EOFError, OSError, ValueError) as error:
            if refused and self._responds():
                why = reason() or _one_line(str(error)) or "refused"
                raise DeviceError(f"{self.serial}: {refused}: {why}") from error
            raise DeviceError(
                f"{self.serial}: the connection was lost {doing}; plug it in again and repeat the command"
            ) from error

    def _responds(self) -> bool:
        from adbutils.errors import AdbError

        try:
            return bool(self._device.get_state() == _READY)
        except (AdbError, EOFError, OSError, ValueError):
            return False


def find_phone(wanted: str) -> Phone:
    """Connect to the device with a serial number, or, for `any`, to the only connected one.

    Raises:
        MissingExtraError: adbutils is not installed.
        DeviceError: there is no adb server, no such device, more than one for `any`, or the device cannot be used;
            names the connected devices.
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
        while not (states := _listed_devices(client)) and time.monotonic() < deadline:
            time.sleep(0.2)
    except (AdbError, OSError, ValueError, subprocess.SubprocessError) as error:
        raise DeviceError(f"the adb server does not answer ({_one_line(str(error))}); try: adb start-server") from error
    serial = _choose(wanted, states)
    state = states[serial]
    if state != _READY:
        meaning = _STATES.get(state.partition(" ")[0], f"is in the state {state!r}; start Android")
        raise DeviceError(f"{serial}: {meaning}")
    return Phone(client.device(serial))


def _listed_devices(client: Any) -> dict[str, str]:
    """Return the serial number and the state of every device that the adb server lists.

    A tab separates the two. Both may contain spaces: `adb-R5CT30 (2)._adb-tls-connect._tcp` is a phone over Wi-Fi, and
    `no permissions (…)` a state. `AdbClient.list` of adbutils takes the first two words.
    """
    with client.make_connection() as connection:
        connection.send_command("host:devices")
        connection.check_okay()
        lines = connection.read_string_block().splitlines()
    return {serial: state.strip() for serial, tab, state in (line.partition("\t") for line in lines) if tab}


def free_kib(df: str) -> int | None:
    """Return the free space in KiB from the output of `df -k FOLDER`; None where it has another format.

    Before Android 6, `df` printed sizes in mixed units.
    """
    # A shell or its linker may print warnings first.
    header = re.search(r"\b(1K|1024)-blocks\b.*\n", df)
    if header is None:
        return None
    # The columns: filesystem, 1K-blocks, used, available, use %, mounted on. A long first column has a line of its own.
    row = re.search(r"(\d+)\s+(\d+)\s+(\d+)\s+\d+%", df[header.end() :])
    return int(row[3]) if row else None


def _choose(wanted: str, states: dict[str, str]) -> str:
    """Return the serial number of the wanted device."""
    listed = ", ".join(states)
    if not states:
        raise DeviceError("no device is connected; plug a phone in and turn on USB debugging (developer options)")
    if wanted != ANY:
        if wanted not in states:
            raise DeviceError(f"device={wanted!r}: no such device; connected: {listed}")
        return wanted
    ready = [serial for serial, state in states.items() if state == _READY]
    if len(ready) == 1:
        return ready[0]
    if len(states) == 1:
        return next(iter(states))
    raise DeviceError(f"{len(states)} devices are connected ({listed}); name one with device=SERIAL")


def _one_line(text: str) -> str:
    return " ".join(text.split())
