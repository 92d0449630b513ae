"""Assemble the npm package from the modules of the page, and pack it.

    python tools/npm_package.py --out build/npm

The folder gets `mmnet-matting/`, the package's files, and with npm also `mmnet-matting-VERSION.tgz`. The package has no
module of its own for what the page computes: its files are those of `web_demo/site`, of `web_demo/litert` and
`web_demo/npm`, and the model that ships.
"""

from __future__ import annotations

import argparse
import lzma
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
NAME = "mmnet-matting"
MODEL = ROOT / "runtime" / "models" / "mmnet-1.0-256-int8.tflite"
# Modules of the page that the package uses, by their paths in `web_demo/site`.
SITE = (
    "worker.js",
    "page/support.js",
    "page/worker-client.js",
    "engine/errors.js",
    "engine/images.js",
    "engine/matter.js",
    "engine/model.js",
    "engine/renderer.js",
)


def main() -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "npm", help="the folder to write to")
    package = assemble(parser.parse_args().out)
    print(package)
    if shutil.which("npm") is None:
        print("note: npm is not installed, so the package was not packed", file=sys.stderr)
        return
    print(pack(package))


def assemble(out: Path) -> Path:
    """Write the package's files to `out / NAME`, and return that folder. What was there before is removed."""
    package = out / NAME
    shutil.rmtree(package, ignore_errors=True)
    site = ROOT / "web_demo" / "site"
    core = [f"core/{path.name}" for path in (site / "core").iterdir()]
    for path in (*SITE, *core):
        _copy(site / path, package / path)
    for source in (ROOT / "web_demo" / "npm").iterdir():
        # The worker of the page starts `engine/session.js`; that of the package has other requests.
        _copy(source, package / ("engine/session.js" if source.name == "session.js" else source.name))
    for packed in (ROOT / "web_demo" / "litert").glob("*.xz"):
        target = package / "litert" / packed.stem
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(lzma.decompress(packed.read_bytes()))
    _copy(MODEL, package / "model.tflite")
    _copy(ROOT / "LICENSE", package / "LICENSE")
    return package


def pack(package: Path) -> Path:
    """Pack the package with npm, and return the archive beside its folder."""
    done = subprocess.run(
        ["npm", "pack", "--silent", "--pack-destination", package.parent.resolve()],
        cwd=package,
        capture_output=True,
        text=True,
        check=True,
    )
    return package.parent / done.stdout.split()[-1]


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


if __name__ == "__main__":
    main()
