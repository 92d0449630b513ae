"""Commands start where Python has fewer modules and functions: on Windows and on macOS.

Each script hides from the modules of `mmnet`, and from them alone, what Python lacks on another system. Other packages
have wheels of their own there.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import PATIENCE, ROOT
from typer.main import get_command

from mmnet.cli.main import app

# What the documentation of Python's library marks with "Availability: Unix" or "Availability: Linux".
_MACOS = {
    "modules": ["spwd", "ossaudiodev"],
    "os": ["sched_getaffinity", "sched_setaffinity", "memfd_create", "eventfd", "posix_fadvise", "sendfile64",
           "copy_file_range", "O_DIRECT", "O_TMPFILE", "O_PATH", "getrandom", "splice", "pidfd_open", "setns"],
    "signal": ["sigtimedwait", "sigwaitinfo", "SIGRTMIN", "SIGRTMAX", "SIGPOLL", "SIGPWR", "SIGSTKFLT"],
    "socket": ["AF_NETLINK", "AF_PACKET", "SO_BINDTODEVICE"],
}  # fmt: skip
_WINDOWS = {
    "modules": [*_MACOS["modules"], "resource", "fcntl", "termios", "tty", "pty", "pwd", "grp", "posix", "syslog",
                "curses", "readline", "crypt", "nis"],
    "os": [*_MACOS["os"], "fork", "forkpty", "register_at_fork", "getloadavg", "geteuid", "getuid", "getgid", "getegid",
           "getpgid", "setsid", "setpgid", "killpg", "nice", "uname", "sysconf", "statvfs", "chown", "lchown", "fchown",
           "mkfifo", "mknod", "wait", "wait3", "wait4", "WIFEXITED", "WEXITSTATUS", "posix_spawn", "sched_yield",
           "sched_setscheduler", "O_NOFOLLOW", "O_NONBLOCK", "O_DIRECTORY", "O_CLOEXEC", "O_SYNC", "pread", "pwrite",
           "sendfile", "openpty", "ctermid", "getpriority", "setpriority", "posix_fallocate", "lockf"],
    "signal": [*_MACOS["signal"], "SIGKILL", "SIGHUP", "SIGPIPE", "SIGALRM", "SIGUSR1", "SIGUSR2", "SIGCHLD", "SIGSTOP",
               "SIGCONT", "SIGTSTP", "SIGQUIT", "alarm", "setitimer", "pthread_kill", "pthread_sigmask", "sigwait",
               "pause", "siginterrupt"],
    "socket": [*_MACOS["socket"], "AF_UNIX", "socketpair", "SO_REUSEPORT", "send_fds", "recv_fds"],
}  # fmt: skip

_HIDE = """
import builtins, json, sys, types

hidden = json.loads(sys.argv[1])
whole = set(hidden.pop("modules"))
original = builtins.__import__

class Fewer(types.ModuleType):
    "A module of Python without the names that another system lacks."

    def __init__(self, module, names):
        super().__init__(module.__name__)
        object.__setattr__(self, "_of", (module, names))

    def __getattribute__(self, name):
        if name.startswith("__"):
            return super().__getattribute__(name)
        module, names = object.__getattribute__(self, "_of")
        if name in names:
            raise AttributeError(f"module {module.__name__!r} has no attribute {name!r} on that system")
        return getattr(module, name)

    def __setattr__(self, name, value):
        setattr(object.__getattribute__(self, "_of")[0], name, value)

def fewer_import(name, globals=None, locals=None, fromlist=(), level=0):
    importer = (globals or {}).get("__name__", "")
    if not importer.startswith("mmnet") and importer != "__main__":
        return original(name, globals, locals, fromlist, level)
    top = name.partition(".")[0]
    if level == 0 and top in whole:
        raise ModuleNotFoundError(f"No module named {name!r} on that system", name=name)
    module = original(name, globals, locals, fromlist, level)
    if level == 0 and name in hidden:
        return Fewer(module, set(hidden[name]))
    return module

builtins.__import__ = fewer_import
"""

_RUN = """
def run(*words):
    sys.argv = ["mmnet", *words]
    from mmnet.cli.main import main
    try:
        main()
    except SystemExit as end:
        return end.code or 0
    return 0
"""


def python(hidden: dict[str, list[str]], script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", f"{_HIDE}\n{_RUN}\n{script}", json.dumps(hidden)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src"), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


SHIPPED = ROOT / "runtime" / "models" / "mmnet-1.0-256-int8.tflite"
SYSTEMS = pytest.mark.parametrize("hidden", [_WINDOWS, _MACOS], ids=["windows", "macos"])


def leaves() -> list[list[str]]:
    """Every command and command of a group, as words."""
    groups = get_command(app).commands
    return [
        [name, *child]
        for name, one in groups.items()
        for child in ([[word] for word in getattr(one, "commands", [])] or [[]])
    ]


@SYSTEMS
def test_every_command_starts(hidden: dict[str, list[str]], tmp_path: Path) -> None:
    script = f"""
from typer.main import get_command
from typer.testing import CliRunner
from mmnet.cli.main import app
for words in {leaves()!r}:
    result = CliRunner().invoke(app, [*words, "--help"])
    assert result.exit_code == 0, (words, result.output, result.exception)
print("started")
"""
    done = python(hidden, script, tmp_path)
    assert (done.stdout, done.returncode) == ("started\n", 0), done.stderr


@SYSTEMS
def test_commands_work(hidden: dict[str, list[str]], photos: Path, tmp_path: Path) -> None:
    script = f"""
assert run("matte", {str(photos / "photo00.jpg")!r}, "-o", "out.png") == 0
assert run("inspect", {str(SHIPPED)!r}) == 0
assert run("benchmark", "--runs", "1", "--warmup", "0", "--frame", "64x64", "--json", "host.json") == 0
"""
    done = python(hidden, script, tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.png").is_file()
    machine = json.loads((tmp_path / "host.json").read_text())["measurements"][0]["machine"]
    assert machine["usable_cores"] >= 1
    assert (machine["load_average"] is None) == ("getloadavg" in hidden["os"])


@pytest.mark.slow
def test_every_module_can_be_imported(tmp_path: Path) -> None:
    """Modules that commands import late, or in other processes, start on Windows, too."""
    script = """
import importlib, pkgutil, mmnet
for module in pkgutil.walk_packages(mmnet.__path__, "mmnet."):
    if not module.name.endswith(("__main__", "._core", "._train")):
        importlib.import_module(module.name)
print("imported")
"""
    done = python(_WINDOWS, script, tmp_path)
    assert (done.stdout, done.returncode) == ("imported\n", 0), done.stderr


def test_this_check_finds_what_is_missing(tmp_path: Path) -> None:
    for statement, error in (
        ("import resource", "ModuleNotFoundError"),
        ("import os; os.getloadavg()", "AttributeError"),
    ):
        done = python(_WINDOWS, statement, tmp_path)
        assert done.returncode == 1
        assert error in done.stderr
