"""`mmnet matte`: photos in, mattes or composites out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TimeRemainingColumn
from rich.text import Text

from mmnet.errors import MMNetError
from mmnet.runtime.compose import (
    Background,
    composite,
    cutout,
    parse_background,
    to_alpha_bytes,
)
from mmnet.runtime.matter import PortraitMatter
from mmnet.runtime.model import Alpha
from mmnet.runtime.outputs import (
    ALPHA,
    COMPOSITE,
    CUTOUT,
    Job,
    Kind,
    check_output,
    find_photos,
    make_folder,
    plan,
    write_picture,
)
from mmnet.runtime.photos import PhotoError, read_photo
from mmnet.runtime.preprocess import Bytes
from mmnet.runtime.upsample import DEFAULT, Upsampling, choose_upsampling


def matte(
    photos: Annotated[
        list[Path],
        typer.Argument(metavar="PHOTO...", help="Photos, or folders of photos.", show_default=False),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="The file to write, or a folder; several photos need a folder. "
            "Without it, the result lies beside the photo.",
            show_default=False,
        ),
    ] = None,
    background: Annotated[
        str | None,
        typer.Option(
            "--background",
            "-b",
            metavar="BACKGROUND",
            help="A colour (#00ff00, white), a picture's path, blur or transparent. "
            "Without it, the alpha matte itself is written, as an 8-bit grey PNG.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option("--model", "-m", metavar="FILE", help="The .tflite to run.", show_default="the one that ships"),
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads to run on.", show_default="one a core, at most 4")
    ] = None,
    upsampling: Annotated[
        str,
        typer.Option(
            metavar="|".join(Upsampling),
            help="How the network's alpha comes to the photo's size: guided by the photo, or bilinear without it.",
        ),
    ] = DEFAULT,
    foreground: Annotated[
        bool,
        typer.Option(
            help="Composites and cut-outs take the person's own colours, estimated, or the photo's, in which the old "
            "background shines through the hair.",
        ),
    ] = True,
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace files that exist.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")] = False,
) -> None:
    """Cut the person out of photos: compute the alpha matte, and lay another background behind it.

    \b
    Examples:
      mmnet matte photo.jpg                   (writes photo-alpha.png)
      mmnet matte photo.jpg -b blur           (writes photo-composite.jpg)
      mmnet matte photo.jpg -b transparent -o me.png
      mmnet matte photo.jpg -b '#00ff00' -o green.jpg
      mmnet matte photo.jpg -b beach.jpg --model mmnet-1.0-256-int8.tflite
      mmnet matte holiday/ -o mattes/ --json

    One bad photo does not stop the others. The exit code is 1 if any failed.
    """
    try:
        results = _matte_all(
            photos,
            output,
            background,
            model,
            threads,
            choose_upsampling(upsampling),
            foreground=foreground,
            force=force,
            as_json=as_json,
        )
    except BrokenPipeError:
        raise
    except OSError as error:  # a path that cannot even be looked at
        raise PhotoError(f"{error.filename}: {error.strerror}") from error
    if not all(result.ok for result in results):
        raise typer.Exit(1)


@dataclass(frozen=True)
class _Result:
    """What became of one photo."""

    job: Job
    size: tuple[int, int] | None = None  # width, height
    error: str | None = None

    @property
    def ok(self) -> bool:
        return self.error is None

    def as_dict(self) -> dict[str, Any]:
        if self.size is None:
            return {"photo": str(self.job.photo), "error": self.error}
        width, height = self.size
        return {
            "photo": str(self.job.photo),
            "output": str(self.job.output),
            "width": width,
            "height": height,
        }


class _PhotosPerSecond(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:.1f} photos/s")


def _matte_all(
    arguments: Sequence[Path],
    output: Path | None,
    background: str | None,
    model: Path | None,
    threads: int | None,
    upsampling: Upsampling,
    *,
    foreground: bool,
    force: bool,
    as_json: bool,
) -> list[_Result]:
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    several = len(arguments) > 1 or arguments[0].is_dir()
    is_folder = _is_folder(output, several)
    photos = find_photos(arguments)
    behind = None if background is None else parse_background(background)
    kind = ALPHA if background is None else CUTOUT if behind is None else COMPOSITE
    jobs = plan(photos, output, kind, is_folder=is_folder)
    inputs = [*photos, *(path for path in (model, background and Path(background)) if path)]

    results: list[_Result] = []
    with PortraitMatter(model, threads, upsampling) as matter, _progress(console, len(jobs), several) as advance:
        for job in jobs:
            result = _matte_one(matter, job, behind, kind, inputs, foreground=foreground, force=force)
            results.append(result)
            if result.error is not None:
                console.print(f"[bold red]error:[/] {escape(result.error)}")
            elif not as_json and not several:
                typer.echo(str(job.output))
            advance()
    _report(console, results, several=several, as_json=as_json)
    return results


def _is_folder(output: Path | None, several: bool) -> bool:
    """Whether OUT is a folder: for several photos it must be; for one, if it is one, or has no extension."""
    if several:
        if output is None:
            raise typer.BadParameter("several photos need a folder to go to: -o OUT")
        if output.exists() and not output.is_dir():
            raise typer.BadParameter(f"{output} is a file; several photos need a folder")
        return True
    return output is not None and (output.is_dir() or not output.suffix)


def _matte_one(
    matter: PortraitMatter,
    job: Job,
    behind: Background | None,
    kind: Kind,
    inputs: Sequence[Path],
    *,
    foreground: bool,
    force: bool,
) -> _Result:
    try:
        check_output(job, inputs, force=force)
        image = read_photo(job.photo)
        picture = _picture(image, matter(image), behind, kind, foreground=foreground)
        make_folder(job.output.parent)
        write_picture(job.output, picture)
    except MMNetError as error:
        return _Result(job, error=_naming(job.photo, " ".join(str(error).split())))
    except OSError as error:
        return _Result(job, error=f"{job.photo}: {error.strerror}")
    except MemoryError:
        return _Result(job, error=f"{job.photo}: does not fit into memory")
    return _Result(job, size=(image.shape[1], image.shape[0]))


def _picture(image: Bytes, alpha: Alpha, behind: Background | None, kind: Kind, *, foreground: bool) -> Bytes:
    if kind is ALPHA:
        return to_alpha_bytes(alpha)
    if behind is None:
        return cutout(image, alpha, estimate_foreground=foreground)
    return composite(image, alpha, behind(image, alpha), estimate_foreground=foreground)


def _naming(photo: Path, message: str) -> str:
    return message if str(photo) in message else f"{photo}: {message}"


@contextmanager
def _progress(console: Console, total: int, several: bool) -> Iterator[Any]:
    """A bar on a terminal, for more than one photo; nothing elsewhere."""
    with Progress(
        "Matting",
        BarColumn(),
        MofNCompleteColumn(),
        _PhotosPerSecond(),
        TimeRemainingColumn(),
        console=console,
        disable=not (several and console.is_terminal),
    ) as progress:
        task = progress.add_task("", total=total)
        yield lambda: progress.advance(task)


def _report(console: Console, results: Sequence[_Result], *, several: bool, as_json: bool) -> None:
    matted = sum(result.ok for result in results)
    if as_json:
        document = {
            "matted": matted,
            "failed": len(results) - matted,
            "results": [result.as_dict() for result in results],
        }
        typer.echo(json.dumps(document, indent=2, ensure_ascii=False))
    if several:
        console.print(f"{matted} matted, {len(results) - matted} failed")
