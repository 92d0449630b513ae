"""Tests of build_apk.py: the package that it builds, and its messages when it cannot build."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from java_core import guide_screen
from support import PATIENCE, ROOT

SCRIPT = ROOT / "android_demo" / "build_apk.py"
CACHE = ROOT / ".cache" / "android"
MODELS = (ROOT / "runtime" / "models", ROOT / "android_demo" / "app" / "src" / "main" / "assets")
UNAVAILABLE = 3
TOOLS = ("javac", "clang", "ld.lld", "keytool", "aapt2", "zipalign", "apksigner", "dpkg-deb", "apt-get")


def build(folder: Path, cache: Path, path: str, script: Path = SCRIPT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(script), "--output", str(folder / "demo.apk"), "--cache", str(cache)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"PATH": path})


@pytest.fixture(scope="module")
def apk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the path of the built app."""
    folder = tmp_path_factory.mktemp("apk")
    done = build(folder, CACHE, os.environ["PATH"])
    if done.returncode == UNAVAILABLE:
        pytest.skip(f"THE ANDROID APP IS NOT BUILT: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    assert [file.name for file in folder.iterdir()] == ["demo.apk"]
    return folder / "demo.apk"


@pytest.mark.slow
def test_a_copy_of_the_sources_in_another_folder_gives_the_same_bytes(apk: Path, tmp_path: Path) -> None:
    """The key that signs is part of the bytes: it comes from the cache."""
    for name in ("android_demo", "runtime/core", "runtime/models"):
        ignored = shutil.ignore_patterns("build", "__pycache__")
        shutil.copytree(ROOT / name, tmp_path / "elsewhere" / name, ignore=ignored, copy_function=shutil.copyfile)
    script = tmp_path / "elsewhere" / "android_demo" / "build_apk.py"
    done = build(tmp_path, CACHE, os.environ["PATH"], script)
    assert done.returncode == 0, done.stderr
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (apk, tmp_path / "demo.apk")]
    assert digests[0] == digests[1]
    assert f"sha256 {digests[0]}" in done.stdout


def test_the_app_compiles_and_is_packed_and_signed(apk: Path) -> None:
    with zipfile.ZipFile(apk) as archive:
        names, dex = archive.namelist(), archive.read("classes.dex")
        models = [entry for entry in archive.infolist() if entry.filename.endswith(".tflite")]
    assert {"AndroidManifest.xml", "classes.dex", "resources.arsc", "res/layout/live.xml"} <= set(names)
    assert {"lib/arm64-v8a/libmmnet.so", "lib/x86_64/libmmnet.so"} <= set(names)
    assert dex.startswith(b"dex\n")
    expected = {f"assets/{path.name}" for folder in MODELS for path in folder.glob("*.tflite")}
    assert {entry.filename for entry in models} == expected
    assert all(entry.compress_type == zipfile.ZIP_STORED for entry in models)
    for name in ("ai/mmnet/demo/BenchmarkActivity", "ai/mmnet/core/NativeCore"):
        assert f"L{name};".encode() in dex
    assert b"UnsupportedOperationException" not in dex  # only the stubs throw it


def test_the_screen_of_the_guide_compiles(apk: Path, tmp_path: Path) -> None:
    source = tmp_path / "MainActivity.java"
    source.write_text(guide_screen())
    demo = ROOT / "android_demo"
    folders = [demo / "core" / "src" / "main" / "java", demo / "matting" / "src" / "main" / "java", demo / "stubs"]
    # The JDK's classes come first: the ones of the old platform lack what lambdas need.
    path = ":".join(map(str, [*folders, CACHE / "android-23.jar"]))
    command = ["javac", "--release", "8", "-Xlint:all,-options,-try", "-Werror", "-implicit:none", "-cp", path]
    done = subprocess.run(
        [*command, "-d", str(tmp_path), str(source)], capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr
    assert apk.exists()


def test_missing_tools_are_named_with_their_packages(tmp_path: Path) -> None:
    done = build(tmp_path, tmp_path / "cache", str(tmp_path))
    assert done.returncode == UNAVAILABLE
    assert re.fullmatch(r"error: missing tools: javac, .*; on Debian: apt-get install aapt .*\n", done.stderr)
    assert not list(tmp_path.iterdir())


class _WrongFileHandler(BaseHTTPRequestHandler):
    """A mirror that gives a wrong file for every package."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"not the package")

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(
    ("mirror", "message"), [("wrong file", "another hash"), ("closed port", "refused"), ("none", "no mirror")]
)
def test_a_package_that_cannot_be_fetched_is_named(mirror: str, message: str, tmp_path: Path) -> None:
    server = HTTPServer(("127.0.0.1", 0), _WrongFileHandler)
    port = server.server_port
    if mirror == "wrong file":
        threading.Thread(target=server.serve_forever).start()
    else:
        server.server_close()
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in TOOLS:
        (tools / tool).write_text(f"#!/bin/sh\n{'' if mirror == 'none' else f'echo http://127.0.0.1:{port}/'}\n")
        (tools / tool).chmod(0o755)
    done = build(tmp_path / "out", tmp_path / "cache", str(tools))
    if mirror == "wrong file":
        server.shutdown()
        server.server_close()
    assert done.returncode == UNAVAILABLE
    assert message in done.stderr
    assert done.stderr.startswith("error: dalvik-exchange_")
    assert not list((tmp_path / "cache").iterdir())
    assert not (tmp_path / "out").exists()
