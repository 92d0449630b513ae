"""Compile the core (runtime/core) to WebAssembly, for the web page: `web_demo/site/core/core.wasm`.

    python tools/wasm_core.py            # builds the file, and writes the hashes of its sources and of itself
    python tools/wasm_core.py --check    # builds it elsewhere, and compares; exit status 3 without the compiler

The same compiler gives the same bytes: clang and lld of Debian 12 (`apt-get install clang lld`). No C library is
needed. `runtime/core/wasm.sha256` holds the hashes, so that a test finds a forgotten build without a compiler.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
CORE = ROOT / "runtime" / "core"
MODULE = ROOT / "web_demo" / "site" / "core" / "core.wasm"
HASHES = CORE / "wasm.sha256"
CLANG = "14.0.6"  # others give other bytes
FAILED, UNAVAILABLE = 1, 3

FLAGS = [
    *["--target=wasm32", "-std=c11", "-O3", "-flto", "-msimd128", "-mbulk-memory", "-ffreestanding", "-nostdlib"],
    *["-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-fvisibility=hidden"],
    *["-Wall", "-Wextra", "-Werror", "-Wno-missing-field-initializers"],
    # Without a C library; a stack at the bottom, so that an overflow traps; memory that the page enlarges.
    *["-Wl,--no-entry", "-Wl,--export-dynamic", "-Wl,--export=__heap_base", "-Wl,--strip-all", "-Wl,--stack-first"],
    "-Wl,-z,stack-size=65536",
]


def sources() -> list[Path]:
    """Return the sources of the core, headers included."""
    return sorted(CORE.glob("*.[ch]"))


def listing() -> str:
    """Return the hashes of the module and of what it is built from, as `sha256sum` prints them."""
    files = [*sources(), MODULE]
    lines = (f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.relative_to(ROOT).as_posix()}" for file in files)
    return "\n".join(lines) + "\n"


def missing() -> str | None:
    """Return what is missing for the build; None if it can be built."""
    if absent := [name for name in ("clang", "wasm-ld") if shutil.which(name) is None]:
        return f"{' and '.join(absent)} missing; on Debian: apt-get install clang lld"
    said = subprocess.run(["clang", "--version"], capture_output=True, text=True, check=True).stdout
    version = re.search(r"version (\S+)", said)
    if version is None or version[1] != CLANG:
        return f"this clang is {version[1] if version else 'unknown'}; the module is built with {CLANG} of Debian 12"
    return None


def compile_core(target: Path) -> None:
    """Compile the core.

    Raises:
        subprocess.CalledProcessError: the compiler refuses a source.
    """
    files = [file.name for file in sources() if file.suffix == ".c"]
    subprocess.run(["clang", *FLAGS, *files, "-o", str(target)], cwd=CORE, check=True)


def main() -> int:
    """Run the command line and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare a new build with the file, and write nothing")
    options = parser.parse_args()
    if reason := missing():
        print(f"error: {reason}", file=sys.stderr)
        return UNAVAILABLE
    with tempfile.TemporaryDirectory() as folder:
        built = Path(folder) / MODULE.name
        compile_core(built)
        if options.check:
            same = MODULE.exists() and built.read_bytes() == MODULE.read_bytes() and HASHES.read_text() == listing()
            if not same:
                print(f"error: {MODULE.name} is not that of the sources; run tools/wasm_core.py", file=sys.stderr)
            return 0 if same else FAILED
        MODULE.write_bytes(built.read_bytes())
    HASHES.write_text(listing())
    print(f"wrote {MODULE} ({MODULE.stat().st_size / 1024:.0f} KiB)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
