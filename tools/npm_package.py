"""Assemble the npm package from the modules of the page, and pack it.

    python tools/npm_package.py --out build/npm

The folder gets `mmnet-matting/`, the package's files, and with npm also `mmnet-matting-VERSION.tgz`. The package has no
module of its own for what the page computes: its files are those of `web_demo/site`, of `web_demo/litert` and
`web_demo/npm`, and the model that ships.
"""

from __future__ import annotations

import argparse
import lzma
import posixpath
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
NAME = "mmnet-matting"
MODEL = ROOT / "runtime" / "models" / "mmnet-1.0-256-int8.tflite"
SITE = ROOT / "web_demo" / "site"
OWN = ROOT / "web_demo" / "npm"
# A relative module in a static or a dynamic import, also in a comment about types.
_IMPORTED = re.compile(r"(?:\bfrom|\bimport)\s*\(?\s*'(\.{1,2}/[^']+\.js)'")


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
    """Write the package's files to `out / NAME`, and return that folder. A package that was there before is removed.

    Raises:
        SystemExit: the folder holds something else; or a module imports one that is not there.
    """
    package = out / NAME
    if package.exists() and not _is_package(package):
        raise SystemExit(f"{package}: holds something other than this package, which would be lost; name another --out")
    shutil.rmtree(package, ignore_errors=True)
    for source, name in _modules().items():
        _copy(source, package / name)
    for source in [*OWN.iterdir(), *(SITE / "core").iterdir()]:
        if source.is_file() and source.suffix != ".js" and not source.name.startswith("."):
            _copy(source, package / (source.name if source.parent == OWN else f"core/{source.name}"))
    for packed in (ROOT / "web_demo" / "litert").glob("*.xz"):
        target = package / "litert" / packed.stem
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(lzma.decompress(packed.read_bytes()))
    _copy(MODEL, package / "model.tflite")
    _copy(ROOT / "LICENSE", package / "LICENSE")
    return package


def _is_package(folder: Path) -> bool:
    """Whether a folder is a package that `assemble` wrote, or empty."""
    if not folder.is_dir():
        return False
    parts = (folder / "package.json", folder / "model.tflite", folder / "litert" / "index.js")
    return (all(part.is_file() for part in parts) and not (folder / ".git").exists()) or not any(folder.iterdir())


def _modules() -> dict[Path, str]:
    """Return the modules of the package: the file of each, and its name in the package.

    They are the package's own, the worker and the modules of the core, and all that these import from the page.
    """
    # The worker of the page starts `engine/session.js`; that of the package has other requests.
    own = {"engine/session.js" if path.name == "session.js" else path.name: path for path in OWN.glob("*.js")}
    waiting = [*own, "worker.js", *(f"core/{path.name}" for path in (SITE / "core").glob("*.js"))]
    found: dict[str, Path] = {}
    while waiting:
        name = waiting.pop()
        if name in found or name.startswith("litert/"):  # LiteRT.js comes from archives
            continue
        found[name] = own.get(name, SITE / name)
        if not found[name].is_file():
            raise SystemExit(f"{found[name]}: no such file, and a module of the package imports it")
        folder = posixpath.dirname(name)
        imported = _IMPORTED.findall(found[name].read_text(encoding="utf-8"))
        waiting += [posixpath.normpath(posixpath.join(folder, module)) for module in imported]
    return {path: name for name, path in found.items()}


def pack(package: Path) -> Path:
    """Pack the package with npm, and return the archive beside its folder."""
    npm = shutil.which("npm") or "npm"  # on Windows a script, which its name alone does not start
    done = subprocess.run(
        [npm, "pack", "--silent", "--pack-destination", package.parent.resolve()],
        cwd=package,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"npm pack failed: {done.stderr.strip() or done.stdout.strip()}")
    return package.parent / done.stdout.split()[-1]


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


if __name__ == "__main__":
    main()
