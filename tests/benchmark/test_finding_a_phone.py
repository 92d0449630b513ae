"""The choice of a device, and messages about unusable devices, with an adb server of recorded answers."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from support import PATIENCE

from mmnet.benchmark.android import phone
from mmnet.benchmark.android.phone import find_phone
from mmnet.benchmark.errors import DeviceError

pytest.importorskip("adbutils", reason="ADBUTILS IS NOT INSTALLED: nothing over adb was tested")

NO_PERMISSIONS = (
    "863276c1\tno permissions (missing udev rules? user is in the plugdev group); "
    "see [http://developer.android.com/tools/device.html]\n"
)


@contextmanager
def adb_server(devices: str) -> Iterator[int]:
    """Run a server that answers `host:devices` and `host:version` of adb's protocol (SERVICES.TXT); yield its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    request = connection.recv(int(connection.recv(4), 16)).decode()
                    answer = {"host:devices": devices, "host:version": "0029"}.get(request)
                    if answer is None:
                        reason = "unknown host service"
                        connection.sendall(f"FAIL{len(reason):04x}{reason}".encode())
                    else:
                        connection.sendall(f"OKAY{len(answer.encode()):04x}{answer}".encode())

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(PATIENCE)


@pytest.fixture
def refusal(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], str]:
    """A function (devices, wanted) -> the message with which `find_phone` refuses."""

    def ask(devices: str, wanted: str) -> str:
        with adb_server(devices) as port:
            monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(port))
            with pytest.raises(DeviceError) as caught:
                find_phone(wanted)
        return str(caught.value)

    return ask


def test_no_device(refusal: Callable[[str, str], str]) -> None:
    assert "no device is connected" in refusal("", "any")


def test_unauthorised(refusal: Callable[[str, str], str]) -> None:
    for wanted in ("any", "R58M12ABCDE"):
        message = refusal("R58M12ABCDE\tunauthorized\n", wanted)
        assert message.startswith("R58M12ABCDE: has not authorised this computer")
        assert "Allow USB debugging" in message


def test_no_permissions(refusal: Callable[[str, str], str]) -> None:
    message = refusal(NO_PERMISSIONS, "any")
    assert message.startswith("863276c1:")
    assert "udev rules" in message


def test_offline(refusal: Callable[[str, str], str]) -> None:
    assert "is offline" in refusal("emulator-5554\toffline\n", "any")


def test_an_unknown_state(refusal: Callable[[str, str], str]) -> None:
    assert "'rescue'" in refusal("A1\trescue\n", "A1")


WIRELESS = "adb-R5CT30ABCDE-x1Yz2Q (2)._adb-tls-connect._tcp"


@pytest.mark.parametrize("wanted", ["any", WIRELESS])
def test_a_wireless_phone_with_a_space_in_its_name(wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server knows the devices and nothing else, so that the choice is all that can be seen."""
    found: list[str] = []
    monkeypatch.setattr(phone, "Phone", lambda device: found.append(device.serial))
    with adb_server(f"{WIRELESS}\tdevice\nA1\toffline\n") as port:
        monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(port))
        find_phone(wanted)
    assert found == [WIRELESS]


def test_the_state_of_a_wireless_phone(refusal: Callable[[str, str], str]) -> None:
    message = refusal(f"{WIRELESS}\tunauthorized\n", "any")
    assert message.startswith(f"{WIRELESS}: has not authorised this computer")
    assert "still being connected" in refusal("192.168.1.20:5555\tconnecting\n", "any")
    assert WIRELESS in refusal(f"{WIRELESS}\tdevice\nB2\tdevice\n", "any")


def test_several(refusal: Callable[[str, str], str]) -> None:
    message = refusal("A1\tdevice\nB2\tdevice\n", "any")
    assert "A1, B2" in message
    assert "device=SERIAL" in message


def test_another_serial(refusal: Callable[[str, str], str]) -> None:
    message = refusal("A1\tdevice\nB2\tdevice\n", "C3")
    assert "device='C3'" in message
    assert "A1, B2" in message


# adbutils leaves the socket that found no server to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_no_server_and_no_adb(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(port))
    monkeypatch.setenv("ADBUTILS_ADB_PATH", os.devnull)
    with pytest.raises(DeviceError, match="adb server does not answer"):
        find_phone("any")
