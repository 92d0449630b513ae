"""Compile the core and its JNI functions for Android without the NDK: `libmmnet.so` of each ABI.

The core needs nothing but `memcpy` and `memset` of a C library. So Debian's clang and lld are enough: the library is
linked against a stand-in of that name, and Android's loader gives it the real one.
"""

from __future__ import annotations

import shutil
import struct
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
CORE = HERE.parent / "runtime" / "core"
JNI = HERE / "core" / "src" / "main" / "cpp" / "jni.c"
STUBS = HERE / "stubs" / "native"
NAME = "libmmnet.so"
PAGE = 16384  # bytes: devices with pages of 16 KB load no library whose segments are aligned to less
ABIS = {"arm64-v8a": "aarch64-linux-android24", "x86_64": "x86_64-linux-android24"}

_FLAGS = ["-std=c11", "-O3", "-ffreestanding", "-nostdlib", "-fPIC", "-shared", "-fuse-ld=lld", "-fvisibility=hidden"]
# The bytes depend on these, as in pyproject.toml.
_FLAGS += ["-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"]
_WARNINGS = ["-Wall", "-Wextra", "-Werror", "-Wno-missing-field-initializers"]
_LINK = [f"-Wl,-soname,{NAME}", f"-Wl,-z,max-page-size={PAGE}", "-Wl,--no-undefined", "-Wl,--strip-all"]
_PT_LOAD, _PROGRAM_HEADER = 1, "<IIQQQQQQ"


def compile_native(run: Callable[..., str], folder: Path) -> dict[str, Path]:
    """Compile the library for each ABI.

    Args:
        run: runs a command, and raises an error where that fails.
        folder: an existing folder for what is built.

    Returns:
        ABI -> path of the library.
    """
    javac = shutil.which("javac")
    assert javac is not None
    headers = Path(javac).resolve().parents[1] / "include"
    includes = [f"-I{path}" for path in (CORE, STUBS, headers, headers / "linux")]
    libraries = {}
    for abi, target in ABIS.items():
        place = folder / abi
        place.mkdir()
        clang = ["clang", f"--target={target}", *_FLAGS]
        stand_in = ["-fvisibility=default", "-fno-builtin", "-Wl,-soname,libc.so", STUBS / "libc.c"]
        run(*clang, *stand_in, "-o", place / "libc.so")
        sources = [JNI, *sorted(CORE.glob("*.c"))]
        run(*clang, *_WARNINGS, *_LINK, *includes, *sources, place / "libc.so", "-o", place / NAME)
        libraries[abi] = place / NAME
    return libraries


def alignment(library: bytes) -> int:
    """Return the smallest alignment of the segments of a 64-bit ELF library, in bytes."""
    assert library[:6] == b"\x7fELF\x02\x01", "not a 64-bit library of a little-endian machine"
    (start,) = struct.unpack_from("<Q", library, 32)
    size, count = struct.unpack_from("<HH", library, 54)
    headers = (struct.unpack_from(_PROGRAM_HEADER, library, start + size * number) for number in range(count))
    return min(header[7] for header in headers if header[0] == _PT_LOAD)
