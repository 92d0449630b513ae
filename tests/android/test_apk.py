"""The script that builds the app: what it makes, and what it says where it cannot."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from support import ROOT

SCRIPT = ROOT / "android_demo" / "build_apk.py"
MODELS = (ROOT / "runtime" / "models", ROOT / "android_demo" / "app" / "src" / "main" / "assets")
UNAVAILABLE = 3
TOOLS = ("javac", "keytool", "aapt2", "zipalign", "apksigner", "dpkg-deb", "apt-get")


def build(folder: Path, cache: Path, path: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), "--output", str(folder / "demo.apk"), "--cache", str(cache)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"PATH": path})


def test_the_app_compiles_and_is_packed_and_signed(tmp_path: Path) -> None:
    done = build(tmp_path, ROOT / ".cache" / "android", os.environ["PATH"])
    if done.returncode == UNAVAILABLE:
        pytest.skip(f"THE ANDROID APP IS NOT BUILT: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["demo.apk"]
    with zipfile.ZipFile(tmp_path / "demo.apk") as archive:
        names, dex = archive.namelist(), archive.read("classes.dex")
        models = [entry for entry in archive.infolist() if entry.filename.endswith(".tflite")]
    assert {"AndroidManifest.xml", "classes.dex", "resources.arsc", "res/layout/live.xml"} <= set(names)
    assert dex.startswith(b"dex\n")
    found = {f"assets/{path.name}" for folder in MODELS for path in folder.glob("*.tflite")}
    assert {entry.filename for entry in models} == found
    assert all(entry.compress_type == zipfile.ZIP_STORED for entry in models)
    for name in ("ai/mmnet/demo/BenchmarkActivity", "ai/mmnet/core/Resampler"):
        assert f"L{name};".encode() in dex
    assert b"UnsupportedOperationException" not in dex  # what the stubs, and they alone, are made of


def test_without_tools_it_says_what_to_install(tmp_path: Path) -> None:
    done = build(tmp_path, tmp_path / "cache", str(tmp_path))
    assert done.returncode == UNAVAILABLE
    assert re.fullmatch(r"error: no javac, .* here; on Debian: apt-get install aapt .*\n", done.stderr)
    assert not list(tmp_path.iterdir())


class _Garbage(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"not the package")

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(
    ("mirror", "says"), [("garbage", "another hash"), ("nobody", "refused"), ("none", "no mirror")]
)
def test_a_package_that_cannot_be_had_is_named(mirror: str, says: str, tmp_path: Path) -> None:
    server = HTTPServer(("127.0.0.1", 0), _Garbage)
    port = server.server_port
    if mirror == "garbage":
        threading.Thread(target=server.serve_forever).start()
    else:
        server.server_close()
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in TOOLS:
        (tools / tool).write_text(f"#!/bin/sh\n{'' if mirror == 'none' else f'echo http://127.0.0.1:{port}/'}\n")
        (tools / tool).chmod(0o755)
    done = build(tmp_path / "out", tmp_path / "cache", str(tools))
    if mirror == "garbage":
        server.shutdown()
        server.server_close()
    assert done.returncode == UNAVAILABLE
    assert says in done.stderr
    assert done.stderr.startswith("error: dalvik-exchange_")
    assert not list((tmp_path / "cache").iterdir())
    assert not (tmp_path / "out").exists()
