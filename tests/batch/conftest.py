"""Photos to matte, and a pool of workers in this process."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import pytest
from skimage.data import astronaut

from mmnet.batch.plan import Task
from mmnet.batch.protocols import Work
from mmnet.batch.rendering import RenderOptions
from mmnet.runtime.model import default_model

if TYPE_CHECKING or find_spec("pyarrow"):  # without it, the modules that need it are skipped
    from mmnet.batch.job import JobProgress, run_job
    from mmnet.batch.options import BatchOptions
    from mmnet.batch.store import open_store


@dataclass
class SerialPool:
    """A pool that does its tasks in this process, one after the other.

    Attributes:
        deadly: names of images that kill the worker, unless their task is isolated.
        interrupt: after how many tasks Ctrl-C is pressed; None: never.
        tasks: the tasks so far.
    """

    workers: int = 2
    deadly: frozenset[str] = frozenset()
    interrupt: int | None = None
    tasks: list[Task] = field(default_factory=list)

    def run(self, tasks: Sequence[str], build: Callable[[bool], Work]) -> Generator[tuple[int, str], None, None]:
        work = build(False)
        for index, text in enumerate(tasks):
            task = Task.from_json(text)
            self.tasks.append(task)
            if self.interrupt is not None and len(self.tasks) > self.interrupt:
                raise KeyboardInterrupt
            if task.isolated or not any(image.source.name in self.deadly for image in task.images):
                yield index, work(text)


@pytest.fixture(scope="session")
def rendering() -> RenderOptions:
    """Alpha mattes of the model that ships."""
    return RenderOptions(default_model())


@pytest.fixture
def serial_pool() -> type[SerialPool]:
    """The class of a pool in this process."""
    return SerialPool


Run = Callable[..., "JobProgress"]


@pytest.fixture
def run_here(rendering: RenderOptions) -> Run:
    """run_here(SRC, DST, pool=…, rendered=…, **options) -> the progress of the job at its end."""

    def run(
        source: object,
        destination: object,
        pool: SerialPool | None = None,
        rendered: RenderOptions = rendering,
        **options: Any,
    ) -> Any:
        stores = open_store(str(source)), open_store(str(destination))
        return run_job(rendered, *stores, BatchOptions(**options), lambda: nullcontext(pool or SerialPool()))

    return run


@pytest.fixture(scope="session")
def portraits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eleven photos in three folders, of which two share a stem. Not to be written to."""
    folder = tmp_path_factory.mktemp("portraits")
    image = astronaut()[:200, 100:300, ::-1]
    (folder / "deep" / "er").mkdir(parents=True)
    for index in range(10):
        place = ("", "deep/", "deep/er/")[index % 3]
        assert cv2.imwrite(str(folder / f"{place}p{index}.jpg"), image[2 * index :, 3 * index :])
    assert cv2.imwrite(str(folder / "deep" / "p1.png"), image[::-1])
    (folder / "notes.txt").write_text("no photo")
    (folder / ".hidden.jpg").write_text("no photo")
    return folder
