"""The output file of each source, named and checked so that no other file is lost."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmnet.errors import OutputError, OutputExistsError
from mmnet.files import check_name, check_writable
from mmnet.runtime.fullres.rendering import ALPHA, COMPOSITE, CUTOUT, ResultKind
from mmnet.runtime.imaging.photos import PHOTO_EXTENSIONS
from mmnet.runtime.imaging.writing import IMAGE_FORMATS, LOSSLESS_FORMATS

# A composite keeps its photo's format where that format is written; composites of all other photos become PNG.
_COMPOSITE_FORMATS = {".jpg": ".jpg", ".jpeg": ".jpg"}

# The names that `plan_outputs` gives, without their extension.
_RESULT = re.compile(rf"(.+)-(?:{'|'.join(kind.suffix for kind in (ALPHA, CUTOUT, COMPOSITE))})(?:-\d+)?", re.DOTALL)


@dataclass(frozen=True)
class MatteJob:
    """One source and the file that its result goes to.

    Attributes:
        source: a photo, a video, or the name of a camera.
        output: an image or video file, or a pattern for numbered images, such as frames/%06d.png.
        numbered: whether `output` is such a pattern. Names that follow from a source are none, whatever they hold.
    """

    source: Path
    output: Path
    numbered: bool = False


def photo_extension(photo: Path, kind: ResultKind) -> str:
    """Return the extension of a photo's result where the user names none."""
    return ".png" if kind.lossless else _COMPOSITE_FORMATS.get(photo.suffix.lower(), ".png")


def without_results(files: Sequence[Path]) -> list[Path]:
    """Return files without those that have the name of another one's result, such as a-alpha.png beside a.jpg."""
    names = {(file.parent, name.casefold()) for file in files for name in (file.stem, file.name)}

    def is_result(file: Path) -> bool:
        match = _RESULT.fullmatch(file.stem)
        return match is not None and (file.parent, match[1].casefold()) in names

    return [file for file in files if not is_result(file)]


def plan_outputs(
    sources: Sequence[Path],
    output: Path | None,
    kind: ResultKind,
    *,
    is_folder: bool,
    extension_of: Callable[[Path, ResultKind], str] = photo_extension,
) -> list[MatteJob]:
    """Name the output of every source.

    Args:
        sources: at least one.
        output: the folder for all results if `is_folder`, else the file for the only source; None puts each result
            beside its source.
        kind: the kind of the results.
        is_folder: whether `output` is a folder.
        extension_of: (source, kind) -> the extension of a result that is named here.

    Raises:
        OutputError: `output` is a file whose extension is no image format, or cannot hold `kind`.
    """
    if output is not None and not is_folder:
        _check_format(output, kind)
        return [MatteJob(sources[0], output)]
    stems = Counter(source.stem.casefold() for source in sources)
    taken: set[str] = set()
    jobs = []
    for source in sources:
        # a.jpg and a.png share a stem, so their results keep the extension: a.jpg-alpha.png, a.png-alpha.png.
        stem = source.stem if stems[source.stem.casefold()] == 1 else source.name
        extension = extension_of(source, kind)
        name, number = f"{stem}-{kind.suffix}{extension}", 2
        while name.casefold() in taken:  # file systems may ignore case
            name, number = f"{stem}-{kind.suffix}-{number}{extension}", number + 1
        taken.add(name.casefold())
        jobs.append(MatteJob(source, (source.parent if output is None else output) / name))
    return jobs


def check_output(job: MatteJob, inputs: Iterable[Path], *, force: bool) -> None:
    """Refuse an output that is one of the input files, or that exists and may not be replaced.

    Args:
        job: whose output to check.
        inputs: all files that are read; none of them may be overwritten, not even with `force`.
        force: whether a file that exists may be replaced.

    Raises:
        OutputExistsError, OutputError: the output is refused.
    """
    check_name(job.output)
    if job.output.is_dir():
        raise OutputError(f"{job.output}: is a folder; name a file with -o")
    if job.output.exists() and any(path.exists() and job.output.samefile(path) for path in inputs):
        raise OutputExistsError(f"{job.output}: would overwrite an input file; name another output with -o")
    if job.output.parent.is_dir():
        check_writable(job.output, force=force)
    elif job.output.parent.exists():
        raise OutputError(f"{job.output}: {job.output.parent} is a file, not a folder")


def _check_format(output: Path, kind: ResultKind) -> None:
    extension = output.suffix.lower()
    if kind.lossless and extension not in LOSSLESS_FORMATS:
        article = "an" if kind is ALPHA else "a"
        formats = _listed(LOSSLESS_FORMATS)
        raise OutputError(f"{output}: {article} {kind.suffix} is written as {formats}; name such a file with -o")
    if extension not in IMAGE_FORMATS:
        name = extension[1:].upper()
        what = "is read, not written" if extension in PHOTO_EXTENSIONS else "is not written"
        raise OutputError(f"{output}: {name} {what}; name a .png or .jpg file with -o")


def _listed(extensions: Iterable[str]) -> str:
    return ", ".join(sorted(extensions))
