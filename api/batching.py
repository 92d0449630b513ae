"""Many images at once: `matte_batch` does what `mmnet batch` does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmnet.api.checked_model import checked_model
from mmnet.api.documents import json_text, save_text
from mmnet.arguments import checked_arguments
from mmnet.batch.options import BatchOptions
from mmnet.errors import MissingExtraError
from mmnet.listing import LeftOut
from mmnet.runtime.imaging.fit import DEFAULT_FIT, Fit, choose_fit
from mmnet.runtime.imaging.nobody import IfNobody, choose_if_nobody
from mmnet.runtime.profiles import DEFAULT_PROFILE, Profile, choose_profile

if TYPE_CHECKING:
    from mmnet.batch.job import JobProgress
    from mmnet.runtime.fullres.methods import Upsampling

__all__ = ["BatchInterrupted", "BatchOptions", "BatchReport", "FailedImage", "matte_batch"]


@dataclass(frozen=True)
class FailedImage:
    """An image that has no result.

    Attributes:
        name: relative to the source.
        error: one line that says why.
    """

    name: str
    error: str


@dataclass(frozen=True)
class BatchReport:
    """The outcome of `matte_batch`. It prints as one line.

    Attributes:
        source, destination: the path or URI of each.
        rendering: what was rendered, as `_mmnet/job.json` in the destination holds it.
        total: the number of images in the source; a damaged Parquet file counts as one that failed.
        done: images rendered in this run.
        nobody: those of them in which nobody was found.
        failed: images without a result.
        skipped: images whose result existed.
        workers: the number of workers; 0 where there was nothing to do.
        seconds: wall time since the first task was given to the workers.
        core_seconds: processor time of the workers.
        images_per_second: since the first task was done; None until then.
        failures: the images that failed in this run, and those that failed before and were not tried again.
        stopped: one line that says why the run stopped early; None if it did not.
        interrupted: whether Ctrl-C ended the run.
        left_out: the files of the source that are no images, by extension.
    """

    source: str
    destination: str
    rendering: dict[str, Any]
    total: int = 0
    done: int = 0
    failed: int = 0
    skipped: int = 0
    workers: int = 0
    seconds: float = 0.0
    core_seconds: float = 0.0
    images_per_second: float | None = None
    failures: tuple[FailedImage, ...] = ()
    stopped: str | None = None
    interrupted: bool = False
    left_out: LeftOut = field(default_factory=LeftOut)
    nobody: int = 0

    @property
    def left(self) -> int:
        """Images that the run has not reached. The same call continues with them."""
        return self.total - self.done - self.failed - self.skipped

    @property
    def complete(self) -> bool:
        """Whether every image has its result."""
        return not (self.failed or self.left or self.interrupted)

    def __str__(self) -> str:
        nobody = f" ({self.nobody} with nobody)" if self.nobody else ""
        counts = f"{self.done} matted{nobody}, {self.failed} failed, {self.skipped} skipped"
        left = f", {self.left} left; the same command continues" if self.left else ""
        return ("interrupted: " if self.interrupted else "") + counts + left

    def to_json(self) -> str:
        """Return `document` as text, without a newline at its end."""
        return json_text(self.document())

    def save_json(self, path: str | Path, *, force: bool = False) -> None:
        """Write `to_json` into a file.

        Raises:
            OutputExistsError: the file exists and `force` is false.
            OutputError: it cannot be written.
        """
        save_text(path, self.to_json() + "\n", force=force)

    def document(self) -> dict[str, Any]:
        """Return the report as JSON values: what `mmnet batch --json` prints."""
        rate = self.images_per_second
        return {
            "source": self.source,
            "destination": self.destination,
            **self.rendering,
            "total": self.total,
            "done": self.done,
            "nobody": self.nobody,
            "failed": self.failed,
            "skipped": self.skipped,
            "left": self.left,
            "left_out": self.left_out.document(),
            "workers": self.workers,
            "seconds": round(self.seconds, 3),
            "core_seconds": round(self.core_seconds, 3),
            "photos_per_second": None if rate is None else round(rate, 3),
            "stopped": self.stopped,
            "interrupted": self.interrupted,
        }


class BatchInterrupted(KeyboardInterrupt):
    """Ctrl-C ended `matte_batch`. The results so far are in the destination, and the same call continues.

    Attributes:
        report: what was done before.
    """

    def __init__(self, report: BatchReport) -> None:
        super().__init__(str(report))
        self.report = report


@checked_arguments
def matte_batch(
    source: str | Path,
    destination: str | Path,
    *,
    model: str | Path | bytes | None = None,
    background: str | None = None,
    profile: Profile | str = DEFAULT_PROFILE,
    upsampling: Upsampling | str | None = None,
    foreground: bool | None = None,
    fit: Fit | str = DEFAULT_FIT,
    if_nobody: IfNobody | str = IfNobody.KEEP,
    options: BatchOptions | None = None,
    address: str | None = None,
    workers: int | None = None,
    listener: Callable[[JobProgress], None] = lambda progress: None,
) -> BatchReport:
    """Matte any number of photos, on every core of this machine or of a Ray cluster.

        report = mmnet.matte_batch("photos", "mattes")
        print(report)                                 # 1000 matted, 0 failed, 0 skipped

    The results keep the relative names of the photos. Results that exist are skipped, so after a crash or with more
    photos the same call does the rest. One bad photo does not stop the others. Needs the extra `ray`.

    Args:
        source: a folder of photos with all folders below it, a prefix of an object store, or Parquet (a file or a
            folder). Arrow or fsspec opens URIs such as s3://bucket/photos.
        destination: a folder or prefix for the results.
        model: the path or the bytes of a .tflite; None takes the model that ships.
        background: a colour (`#00ff00`, `white`), the path of an image, `blur` or `transparent`; None writes the alpha
            matte itself.
        profile: `fine` (guided alpha, estimated foreground) or `fast` (bilinear alpha, the photo's own colours).
        upsampling: how the network's alpha is brought to the photo's size; None takes the profile's.
        foreground: whether cut-outs and composites take the estimated foreground; None takes the profile's.
        fit: how a photo is brought into the network's square; `auto` looks again where people fill little of it.
        if_nobody: what becomes of a photo in which nobody was found: `keep` keeps the network's alpha, `transparent`
            makes it 0 everywhere, and with `fail` the photo fails.
        options: how the job is done.
        address: HOST:PORT of a Ray cluster; `auto` is the cluster that this machine is part of, `local` is this machine
            alone. None takes the environment variable RAY_ADDRESS, or else `local`.
        workers: the number of workers, each with one core; None takes one per core.
        listener: called with the progress after planning and after every task.

    Raises:
        MissingExtraError: Arrow or Ray is not installed.
        ModelError, BackgroundError, ProfileError, UpsamplingError, FitError, NobodyError: an argument cannot be used.
        OtherJobError: the destination holds results of another model, of other options or of other images.
        BatchError: the source, the destination or the cluster cannot be used.
        BatchInterrupted: Ctrl-C.
    """
    _check_installed()
    from mmnet.batch.job import run_job
    from mmnet.batch.pool import connected
    from mmnet.batch.rendering import RenderOptions
    from mmnet.batch.store import open_store

    settings = choose_profile(profile).override(upsampling, foreground)
    rendering = RenderOptions.of(
        checked_model(model),
        background,
        settings.upsampling,
        settings.foreground,
        choose_fit(fit),
        choose_if_nobody(if_nobody),
    )
    images, results = open_store(str(source)), open_store(str(destination))
    observer = _Observer(BatchReport(images.uri, results.uri, rendering.describe()), listener)
    pool = partial(connected, address, workers)
    try:
        run_job(rendering, images, results, options or BatchOptions(), pool, observer)
    except KeyboardInterrupt as error:
        raise BatchInterrupted(observer.report(interrupted=True)) from error
    return observer.report()


class _Observer:
    """The listener of a job, which keeps what the report needs."""

    def __init__(self, empty: BatchReport, listener: Callable[[JobProgress], None]) -> None:
        self._empty = empty
        self._listener = listener
        self._progress: JobProgress | None = None
        self._failures: list[FailedImage] = []

    def __call__(self, progress: JobProgress) -> None:
        self._progress = progress
        for entry in progress.latest:
            if entry.error is not None:
                self._failures.append(FailedImage(entry.name, entry.error))
        self._listener(progress)

    def report(self, *, interrupted: bool = False) -> BatchReport:
        progress = self._progress
        if progress is None:
            return replace(self._empty, interrupted=interrupted)
        return replace(
            self._empty,
            total=progress.total,
            done=progress.done,
            failed=progress.failed,
            skipped=progress.skipped,
            workers=progress.workers,
            seconds=progress.seconds,
            core_seconds=progress.core_seconds,
            images_per_second=progress.rate,
            failures=tuple(self._failures),
            stopped=progress.stopped,
            left_out=progress.left_out,
            nobody=progress.nobody,
            interrupted=interrupted,
        )


def _check_installed() -> None:
    """Raise before anything is imported that a light install lacks."""
    for module, package in (("pyarrow", "Arrow"), ("ray", "Ray")):
        if find_spec(module) is None:
            raise MissingExtraError("ray", package)
