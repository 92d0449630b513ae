"""The files of the page by their paths: those of `site/`, LiteRT.js, and the model."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import lzma
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath

MODEL = "model.tflite"
PRECACHE = "precache.js"
SIZES = "sizes.json"
_INDEX = "index.html"

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".tflite": "application/octet-stream",
    ".wasm": "application/wasm",
    ".webp": "image/webp",
    ".webmanifest": "application/manifest+json; charset=utf-8",
}

# Only needed for the first visit, or while the page is installed, for which there must be a network.
_NOT_KEPT = (SIZES, "service-worker.js", "icons/icon-512.png", "icons/icon-maskable-512.png")

_INCOMPRESSIBLE = ("image/png", "image/webp")

# Sent with every file. They isolate the page from all other origins, without which browsers share no memory between
# threads, and they forbid the page to load anything from elsewhere.
HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'none'",
            "script-src 'self' 'wasm-unsafe-eval'",
            "worker-src 'self'",
            "connect-src 'self'",
            "style-src 'self'",
            "img-src 'self' blob:",
            "manifest-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    ),
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True)
class Asset:
    """One file of the page.

    Attributes:
        content: the bytes of the file.
        content_type: the value of the header Content-Type.
        brotli: the content compressed with brotli, made in advance; None sends gzip to every browser.
    """

    content: bytes
    content_type: str
    brotli: bytes | None = None

    @cached_property
    def integrity(self) -> str:
        """The hash of the content, as browsers check it (W3C Subresource Integrity)."""
        return "sha256-" + base64.b64encode(hashlib.sha256(self.content).digest()).decode()

    @cached_property
    def gzip(self) -> bytes | None:
        """The content compressed with gzip, or None where that saves less than a tenth."""
        if self.content_type in _INCOMPRESSIBLE:
            return None
        compressed = gzip.compress(self.content, mtime=0)
        return compressed if len(compressed) < 0.9 * len(self.content) else None

    def encoded(self, accepted: Collection[str]) -> tuple[str, bytes]:
        """Return the smallest form of the content that a browser can read.

        Args:
            accepted: the content codings that the browser accepts (RFC 9110, 12.5.3), such as `br` and `gzip`.

        Returns:
            The coding, which is empty for the content itself, and the bytes to send.
        """
        if self.brotli is not None and "br" in accepted:
            return "br", self.brotli
        if "gzip" in accepted and self.gzip is not None:
            return "gzip", self.gzip
        return "", self.content

    def etag(self, coding: str = "") -> str:
        """Return the HTTP entity tag of the content in a coding (RFC 9110, 8.8.3): its hash, then the coding."""
        return f'"{self.integrity}{coding and "-"}{coding}"'


def build(model: bytes) -> Mapping[str, Asset]:
    """Collect the whole page, with a list of the sizes of the network's files, by which it shows its progress.

    Args:
        model: the bytes of the .tflite that the page runs.

    Returns:
        Path -> file, without a slash in front; `index.html` is also at "".
    """
    here = resources.files(__name__.rpartition(".")[0])
    files = dict(_walk(here / "site", PurePosixPath()))
    packed = {f"litert/{entry.name}": entry.read_bytes() for entry in (here / "litert").iterdir() if entry.is_file()}
    files |= {
        path.removesuffix(".xz"): lzma.decompress(content) for path, content in packed.items() if path.endswith(".xz")
    }
    files[MODEL] = model
    assets = {
        path: Asset(content, _TYPES[PurePosixPath(path).suffix], packed.get(f"{path}.br"))
        for path, content in files.items()
    }
    sizes = {path: len(content) for path, content in sorted(files.items()) if path.endswith((".wasm", ".tflite"))}
    assets[SIZES] = Asset(json.dumps(sizes).encode(), _TYPES[".json"])
    assets[PRECACHE] = Asset(_precache(assets), _TYPES[".js"])
    return assets | {"": assets[_INDEX]}


def _walk(folder: Traversable, path: PurePosixPath) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _walk(entry, path / entry.name)
        elif PurePosixPath(entry.name).suffix in _TYPES:
            yield str(path / entry.name), entry.read_bytes()


def _precache(assets: Mapping[str, Asset]) -> bytes:
    """Return the script that lists the files which the service worker keeps for use without a network.

    It holds the hash of each file, so it changes with every byte of the page.
    """
    hashes = {path: asset.integrity for path, asset in sorted(assets.items()) if path not in _NOT_KEPT}
    return f"self.PRECACHE = {json.dumps(hashes, indent=1)};\n".encode()
