"""Renews LiteRT.js in `web_demo/litert/`: the files of the pinned npm packages that the page uses, checked.

Run: python tools/renew_litert.py (needs npm). The same pins give the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import lzma
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "web_demo" / "litert"

# package@version -> the integrity that npm publishes, and the files that are taken: path there -> name here.
PACKAGES = {
    "@litertjs/core@2.5.3": (
        "sha512-PlGmbMOq9WitX7FO0jhbdJw9GthatsyuCQXjTt/wJZo0FLaw48q4tz8IwqgqCIkviYGr9OFDL1kCnN4nzWoyJQ==",
        {
            "dist/index.js": "index.js",
            # Two of the four builds: the one with threads, and the one that runs in every browser.
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

EDITS = {
    "index.js": {
        # A worker resolves this name without a bundler.
        b'from "@litertjs/wasm-utils"': b'from "./wasm-utils.js"',
        # The model runs on the processor alone, which gives the same bytes everywhere; no search for other devices.
        b"      await Environment.create()\n": b"      await Environment.create({ webGpuDevice: null })\n",
    },
}


def main() -> None:
    """Fetch the packages, check them and compress their files."""
    for package, (integrity, files) in PACKAGES.items():
        with tempfile.TemporaryDirectory() as temporary, tarfile.open(_fetch(package, integrity, temporary)) as archive:
            for member, name in files.items():
                content = archive.extractfile(f"package/{member}")
                assert content is not None
                data = content.read()
                if name.endswith(".js"):
                    data = _edited(name, data)
                (FOLDER / f"{name}.xz").write_bytes(lzma.compress(data, preset=9 | lzma.PRESET_EXTREME))


def _fetch(package: str, integrity: str, folder: str) -> Path:
    subprocess.run(["npm", "pack", "--silent", package], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    (archive,) = Path(folder).glob("*.tgz")
    integrity_found = "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if integrity_found != integrity:
        sys.exit(f"error: {package}: its integrity is {integrity_found}, but {integrity} is pinned")
    return archive


def _edited(name: str, script: bytes) -> bytes:
    for old, new in EDITS.get(name, {}).items():
        if script.count(old) != 1:
            sys.exit(f"error: {name} has {old.decode()!r} {script.count(old)} times, not once; adapt EDITS")
        script = script.replace(old, new)
    # The source maps are not taken.
    return b"".join(line for line in script.splitlines(keepends=True) if not line.startswith(b"//# sourceMappingURL"))


if __name__ == "__main__":
    main()
