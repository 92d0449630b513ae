"""Firefox without a window, driven by its own remote protocol (Marionette), which needs no driver program."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, TypeVar

from support import PATIENCE

Found = TypeVar("Found")

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the key of an element (W3C WebDriver, 12.1)
_PREFERENCES = {
    "marionette.port": 0,  # a free one, which Firefox writes to a file of the profile
    "browser.download.folderList": 2,
    "browser.download.useDownloadDir": True,
    "browser.download.always_ask_before_handling_new_types": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.reportingpolicy.firstRun": False,
    "app.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
}


class Firefox:
    """One running Firefox, with a fresh profile and one tab."""

    def __init__(self, folder: Path) -> None:
        """Start it. Its profile and its downloads are in the folder."""
        assert FIREFOX is not None
        self.downloads = folder / "downloads"
        profile = folder / "profile"
        for path in (self.downloads, profile):
            path.mkdir(parents=True)
        preferences = {**_PREFERENCES, "browser.download.dir": str(self.downloads)}
        lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in preferences.items())
        (profile / "user.js").write_text("\n".join(lines))
        command = [FIREFOX, "--headless", "--marionette", "--no-remote", "--profile", str(profile)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            port = int(_wait(lambda: _read(profile / "MarionetteActivePort")))
            self._socket = _wait(lambda: _connect(port))
            self._socket.settimeout(PATIENCE)
            self._count = 0
            self._receive()  # it names itself
            self._send("WebDriver:NewSession", capabilities={"alwaysMatch": {"strictFileInteractability": False}})
            self._send("WebDriver:SetTimeouts", script=1000 * PATIENCE, pageLoad=1000 * PATIENCE)
        except BaseException:
            self._process.kill()
            raise

    def open(self, url: str) -> None:
        """Load a page."""
        self._send("WebDriver:Navigate", url=url)

    def run(self, body: str, *arguments: object) -> Any:
        """Run the body of an asynchronous JavaScript function in the page, and return what it returns."""
        script = (
            f"const [resolve, args] = [arguments[arguments.length - 1], [...arguments].slice(0, -1)];"
            f"(async () => {{ {body} }})().then((value) => resolve([value]), (error) => resolve(String(error)));"
        )
        answer = self._send("WebDriver:ExecuteAsyncScript", script=script, args=list(arguments))["value"]
        assert isinstance(answer, list), answer
        return answer[0] if answer else None

    def until(self, condition: str) -> None:
        """Wait until a JavaScript expression is true."""
        _wait(lambda: self.run(f"return Boolean({condition})"))

    def click(self, selector: str) -> None:
        """Click an element."""
        self._send("WebDriver:ElementClick", id=self._find(selector))

    def type(self, selector: str, text: str) -> None:
        """Press keys in an element; a file input takes paths, one per line."""
        self._send("WebDriver:ElementSendKeys", id=self._find(selector), text=text)

    def downloaded(self, name: str) -> bytes:
        """Wait for a file that is saved, and return its bytes."""
        return _wait(lambda: None if list(self.downloads.glob("*.part")) else _bytes(self.downloads / name))

    def _find(self, selector: str) -> str:
        found = self._send("WebDriver:FindElement", using="css selector", value=selector)["value"]
        return str(found[_ELEMENT])

    def _send(self, command: str, **arguments: object) -> Any:
        self._count += 1
        message = json.dumps([0, self._count, command, arguments]).encode()
        self._socket.sendall(f"{len(message)}:".encode() + message)
        _, number, error, result = self._receive()
        assert number == self._count
        assert error is None, error
        return result

    def _receive(self) -> Any:
        length = b""
        while not length.endswith(b":"):
            length += self._read_exactly(1)
        return json.loads(self._read_exactly(int(length[:-1])))

    def _read_exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = self._socket.recv(count - len(data))
            assert part, "Firefox has ended"
            data += part
        return data

    def close(self) -> None:
        """End it."""
        self._socket.close()
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _wait(probe: Callable[[], Found | None]) -> Found:
    """Call a function until it returns something, and return that."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if found := probe():
            return found
        time.sleep(0.1)
    raise AssertionError("Firefox does not get there")


def _read(path: Path) -> str | None:
    return path.read_text() if path.is_file() else None


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _connect(port: int) -> socket.socket | None:
    try:
        return socket.create_connection(("127.0.0.1", port), 10)
    except ConnectionRefusedError:
        return None
