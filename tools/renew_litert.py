"""Download LiteRT.js into `web_demo/litert`: the files of the pinned npm packages that the page uses, checked.

    python tools/renew_litert.py

It needs npm and node. Each file is written twice: with xz, from which the server takes the file itself, and with
brotli, which it sends to browsers. The same pins give the same files.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import lzma
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "web_demo" / "litert"

# Package and version → npm's integrity of it, and the files that are taken: path in the package → name in `litert`.
PACKAGES = {
    "@litertjs/core@2.5.3": (
        "sha512-PlGmbMOq9WitX7FO0jhbdJw9GthatsyuCQXjTt/wJZo0FLaw48q4tz8IwqgqCIkviYGr9OFDL1kCnN4nzWoyJQ==",
        {
            "dist/index.js": "index.js",
            # Two of the four builds: one with threads, where the browser has them, and one that runs everywhere.
            "wasm/litert_wasm_threaded_internal.js": "threaded.js",
            "wasm/litert_wasm_threaded_internal.wasm": "litert_wasm_threaded_internal.wasm",
            "wasm/litert_wasm_compat_internal.js": "compat.js",
            "wasm/litert_wasm_compat_internal.wasm": "litert_wasm_compat_internal.wasm",
        },
    ),
    "@litertjs/wasm-utils@2.5.3": (
        "sha512-4fJiw6tBQnIs+0jH/OQ16nYOiSl8/+zZnn5h2ul8aTKHi05sVqZW580Tmk78pC2kT39A9OYBVdFawteZ/sI1kQ==",
        {"dist/index.js": "wasm-utils.js"},
    ),
}

# File → the texts that are replaced in it, each of which must occur exactly once.
EDITS = {
    "index.js": {
        # Workers cannot resolve the name of a package without a bundler.
        b'from "@litertjs/wasm-utils"': b'from "./wasm-utils.js"',
        # The model runs on the CPU alone, whose bytes are the same everywhere, so no GPU is looked for.
        b"      await Environment.create()\n": b"      await Environment.create({ webGpuDevice: null })\n",
    },
}


# The program for node that compresses its input with brotli: the slowest quality, and a window of 16 MiB.
BROTLI = """
const {brotliCompressSync, constants} = require('zlib');
const data = require('fs').readFileSync(0);
const {BROTLI_PARAM_QUALITY, BROTLI_PARAM_LGWIN, BROTLI_PARAM_SIZE_HINT} = constants;
const params = {[BROTLI_PARAM_QUALITY]: 11, [BROTLI_PARAM_LGWIN]: 24, [BROTLI_PARAM_SIZE_HINT]: data.length};
process.stdout.write(brotliCompressSync(data, {params}));
"""


def main() -> None:
    """Run the script."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    for package, (integrity, files) in PACKAGES.items():
        with (
            tempfile.TemporaryDirectory() as folder,
            tarfile.open(_download(package, integrity, folder)) as archive,
        ):
            for member, name in files.items():
                content = archive.extractfile(f"package/{member}")
                assert content is not None
                data = content.read()
                if name.endswith(".js"):
                    data = _edited(name, data)
                (FOLDER / f"{name}.xz").write_bytes(lzma.compress(data, preset=9 | lzma.PRESET_EXTREME))
                (FOLDER / f"{name}.br").write_bytes(_brotli(data))


def _download(package: str, integrity: str, folder: str) -> Path:
    """Download the archive of a package into a folder, and check its integrity."""
    subprocess.run(["npm", "pack", "--silent", package], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    (archive,) = Path(folder).glob("*.tgz")
    integrity_here = "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if integrity_here != integrity:
        sys.exit(f"error: {package}: its integrity is {integrity_here}, pinned is {integrity}")
    return archive


def _brotli(data: bytes) -> bytes:
    """Return bytes compressed with brotli, by node, because Python's standard library has no brotli."""
    return subprocess.run(["node", "--eval", BROTLI], input=data, capture_output=True, check=True).stdout


def _edited(name: str, script: bytes) -> bytes:
    """Return a script with the edits of EDITS, and without its reference to a source map."""
    for old, new in EDITS.get(name, {}).items():
        if script.count(old) != 1:
            sys.exit(f"error: {name} has {old.decode()} {script.count(old)} times, not once; adapt EDITS")
        script = script.replace(old, new)
    # The source maps are not taken.
    return b"".join(line for line in script.splitlines(keepends=True) if not line.startswith(b"//# sourceMappingURL"))


if __name__ == "__main__":
    main()
