"""Standard input and standard output as source and result of `mmnet matte`: both are named `-`."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from mmnet.cli.process.streams import echo_file, is_closed
from mmnet.cli.process.wording import as_options
from mmnet.files import temporary_folder
from mmnet.runtime.imaging.headers.signatures import BEGINNING, image_format
from mmnet.runtime.jobs.request import RequestError
from mmnet.runtime.jobs.results import MatteResult

_DASH = Path("-")
_EXTENSIONS = {
    "AVIF": ".avif",
    "BMP": ".bmp",
    "HEIC": ".heic",
    "JPEG": ".jpg",
    "JPEG XL": ".jxl",
    "PNG": ".png",
    "TIFF": ".tif",
    "WebP": ".webp",
}


@dataclass(frozen=True)
class StandardStreams:
    """Sources and output with temporary files in place of standard input and standard output.

    Attributes:
        sources: the sources; the first may be a temporary file.
        output: the output; it may be a temporary folder.
        writes: whether the result goes to standard output.
        names: path of a temporary file or folder -> what messages call it.
    """

    sources: list[Path]
    output: Path | None
    writes: bool = False
    names: dict[str, str] = field(default_factory=dict)

    def text(self, text: str) -> str:
        """Return a message with the names of temporary files and of arguments replaced."""
        for path, name in self.names.items():
            text = text.replace(path, name)
        return as_options(text)

    def named(self, results: Sequence[MatteResult]) -> list[MatteResult]:
        """Return results with the names of temporary files replaced."""
        return [
            replace(one, source=self.names.get(one.source, one.source), error=one.error and self.text(one.error))
            for one in results
        ]

    def deliver(self, results: Sequence[MatteResult]) -> None:
        """Write the result to standard output, if it goes there."""
        if self.writes:
            for result in results:
                if result.ok:
                    echo_file(result.output)


@contextmanager
def standard_streams(
    sources: Sequence[Path], output: Path | None, *, as_json: bool, camera: bool
) -> Iterator[StandardStreams]:
    """Yield the sources and the output with temporary files in place of `-`; they are removed at the end.

    Without an output, the result of standard input goes to standard output.

    Args:
        sources: the sources as they were named.
        output: the output as it was named.
        as_json: whether a JSON document goes to standard output.
        camera: whether a camera is recorded.

    Raises:
        RequestError: `-` beside other sources, with a camera or with `as_json`; standard output is a terminal; or the
            stream is closed.
    """
    reads = _DASH in sources
    writes = output == _DASH or (reads and output is None)
    if not reads and not writes:
        yield StandardStreams(list(sources), output)
        return
    _check(sources, writes=writes, as_json=as_json, camera=camera)
    with temporary_folder() as folder:
        named, names, place = list(sources), {}, output
        if reads:
            named = [_read(folder)]
            names[str(named[0])] = "standard input"
        if writes:
            place = folder / "result"
            place.mkdir()
            names[str(place)] = "standard output"
        yield StandardStreams(named, place, writes, names)


def _check(sources: Sequence[Path], *, writes: bool, as_json: bool, camera: bool) -> None:
    if camera:
        raise RequestError("--camera needs a file to write: -o OUT")
    if len(sources) > 1 or any(source != _DASH and source.is_dir() for source in sources):
        raise RequestError("- stands for one photo or video; name one source")
    if writes and as_json:
        raise RequestError("--json prints on standard output; name a file for the result: -o OUT")
    if _DASH in sources and (sys.stdin is None or is_closed(0)):
        raise RequestError("standard input is closed; redirect a photo or video into it, or name a file")
    if writes and is_closed(1):
        raise RequestError("standard output is closed; redirect it, or name a file for the result: -o OUT")
    if writes and sys.stdout.isatty():
        raise RequestError("standard output is a terminal; redirect it, or name a file for the result: -o OUT")


def _read(folder: Path) -> Path:
    """Copy standard input into a file with the extension of its format; a video gets none."""
    raw = folder / "standard-input"
    with raw.open("wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
    with raw.open("rb") as file:
        found = image_format(file.read(BEGINNING))
    return raw.rename(raw.with_suffix(_EXTENSIONS[found])) if found else raw
