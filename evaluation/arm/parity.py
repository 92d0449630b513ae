"""Two observers, one here and one on an emulated Arm processor, and whether they saw the same bytes."""

from __future__ import annotations

import hashlib
import json
import select
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

import mmnet
import mmnet.runtime
from mmnet.arrays import AnyArray
from mmnet.evaluation.arm.environment import ArmPython
from mmnet.evaluation.arm.errors import ObserverError
from mmnet.evaluation.arm.processors import Processor

# What observer.py tells, in this order; each is compared from the same arrays of the ones before.
STAGES = {
    "photo": "the decoded photo, upright",
    "frame": "a camera's frame (NV21) in RGB, turned and mirrored",
    "fits": "that frame in the model's square, by every fit",
    "input": "the photo in the model's square",
    "alpha": "the model's own output",
    "image": "alpha at the photo's size, interpolated in integers",
    "matte": "alpha at the photo's size, guided by the photo",
    "foreground": "the person's colours",
    "composite": "the person before a green background",
}
_PATIENCE_SECONDS = 600.0  # for one answer; an emulated one takes seconds, a minute for the largest photos

Arrays = dict[str, AnyArray]


@dataclass(frozen=True)
class Comparison:
    """One array of one image, as computed here and on Arm.

    Attributes:
        stage: one of STAGES.
        here, arm: SHA-256 of its bytes.
        values: how many it has here; differing: how many of them are others on Arm (all, if the shape or the dtype
            is another).
        largest: the largest difference, in the array's own units; None if shape or dtype differ.
    """

    stage: str
    here: str
    arm: str
    values: int
    differing: int
    largest: float | None

    def within(self, tolerance: float) -> bool:
        """Whether no value differs by more than `tolerance`."""
        return self.largest is not None and self.largest <= tolerance


@dataclass(frozen=True)
class Image:
    """One image's comparisons, in the order of STAGES; or why there are none."""

    name: str
    comparisons: tuple[Comparison, ...] = ()
    error: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What one emulated processor computed.

    Attributes:
        processor: the one.
        told: what its observer says of itself; empty if it did not start.
        images: in the order given; fewer if the observer stopped.
        error: why it stopped; None if it did not.
    """

    processor: Processor
    told: Mapping[str, Any]
    images: tuple[Image, ...]
    error: str | None = None


class Observer:
    """observer.py in a process of its own, with one model. A context manager: leaving it ends the process."""

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], code: Path, model: Path
    ) -> None:
        """Start it.

        Args:
            name: what messages call it.
            command: runs Python; the script's path and its argument are appended.
            environment: the process's environment variables.
            code: as `runtime_code` makes it.
            model: the .tflite.

        Raises:
            ObserverError: it does not start, or refuses the model.
        """
        self._name = name
        self._printed = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        self._process = subprocess.Popen(
            [*command, str(code / "observer.py"), str(model.absolute())],
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._printed,
        )
        try:
            self.told = self._answer()
            if "error" in self.told:
                raise ObserverError(str(self.told["error"]))
        except BaseException:
            self.close()
            raise

    def observe(self, photo: Path, given: Arrays | None = None) -> Arrays:
        """The arrays of every stage.

        Args:
            photo: the file.
            given: another observer's arrays, from which every stage then starts; None for its own.

        Raises:
            ImageError: the photo cannot be read there.
            ObserverError: the process ended or gives no answer.
        """
        with tempfile.TemporaryDirectory(prefix="mmnet-arm-") as into:
            asked = {"photo": str(photo.absolute()), "into": into}
            if given is not None:
                (folder := Path(into) / "given").mkdir()
                for stage, array in given.items():
                    np.save(folder / f"{stage}.npy", array, allow_pickle=False)
                asked["given"] = str(folder)
            request = json.dumps(asked) + "\n"
            stdin = self._process.stdin
            assert stdin is not None
            try:
                stdin.write(request.encode())
                stdin.flush()
            except BrokenPipeError:
                pass  # it ended; the missing answer says so
            answer = self._answer()
            if "error" in answer:
                raise ImageError(str(answer["error"]))
            return {stage: np.load(Path(into) / f"{stage}.npy", allow_pickle=False) for stage in answer["stages"]}

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()
        self._printed.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _answer(self) -> dict[str, Any]:
        stdout = self._process.stdout
        assert stdout is not None
        if not select.select([stdout], [], [], _PATIENCE_SECONDS)[0]:
            raise ObserverError(f"{self._name}: gave no answer in {_PATIENCE_SECONDS:.0f} s")
        line = stdout.readline()
        if not line.endswith(b"\n"):
            raise ObserverError(f"{self._name}: {self._ending()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _ending(self) -> str:
        code = self._process.wait()
        self._printed.seek(0)
        printed = self._printed.read().decode(errors="replace").strip().rpartition("\n")[2]
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return f"Python ended ({how})" + (f": {printed}" if printed else "")


class ImageError(ObserverError):
    """An observer cannot read an image, and says why."""


@contextmanager
def runtime_code() -> Iterator[Path]:
    """A folder with mmnet.runtime as it is installed here, and the observer: what both sides run.

    It holds their sources alone, with no bytecode, and the distribution's name and version.
    """
    with tempfile.TemporaryDirectory(prefix="mmnet-arm-") as name:
        folder = Path(name)
        common, runtime = (Path(next(iter(package.__path__))) for package in (mmnet, mmnet.runtime))
        (folder / "mmnet").mkdir()
        for source in common.glob("*.py"):
            shutil.copy(source, folder / "mmnet")
        shutil.copytree(runtime, folder / "mmnet" / "runtime", ignore=_not_python)
        shutil.copy(Path(__file__).with_name("observer.py"), folder)
        described = folder / f"mmnet-{mmnet.__version__}.dist-info"
        described.mkdir()
        (described / "METADATA").write_text(f"Metadata-Version: 2.1\nName: mmnet\nVersion: {mmnet.__version__}\n")
        yield folder


def observer_here(code: Path, model: Path) -> Observer:
    """An observer on this machine, in this Python. Raises as `Observer`."""
    environment = {"LANG": "C.UTF-8", "PYTHONPATH": str(code)}
    return Observer("this machine", [sys.executable, "-P", "-s", "-B"], environment, code, model)


def observer_on_arm(python: ArmPython, processor: Processor, code: Path, model: Path) -> Observer:
    """An observer on an emulated processor. Raises as `Observer`."""
    command = python.command(processor.name, "-B")
    return Observer(processor.name, command, python.variables(code), code, model)


def compare(
    here: Observer,
    open_arm: Callable[[], Observer],
    processor: Processor,
    photos: Sequence[Path],
    progress: Callable[[], None] = lambda: None,
) -> Outcome:
    """Let both observers see every photo, and compare their arrays. The one on Arm starts every stage from the arrays
    of the one here, so that a difference shows where it comes about, and there alone.

    Args:
        here: on this machine.
        open_arm: starts the one on Arm.
        processor: the one that it runs on.
        photos: any that `mmnet.runtime.read_photo` takes; one that cannot be read does not stop the others.
        progress: called after each photo.

    Raises:
        ObserverError: the observer here stopped. If the one on Arm does, the outcome says so.
    """
    told: Mapping[str, Any] = {}
    images: list[Image] = []
    try:
        with open_arm() as arm:
            told = arm.told
            for photo in photos:
                images.append(_compare_image(here, arm, photo))
                progress()
    except ObserverError as error:
        return Outcome(processor, told, tuple(images), str(error))
    return Outcome(processor, told, tuple(images))


def _compare_image(here: Observer, arm: Observer, photo: Path) -> Image:
    try:
        ours = here.observe(photo)
        theirs = arm.observe(photo, ours)
    except ImageError as error:
        return Image(photo.name, error=str(error))
    return Image(photo.name, tuple(_compare_arrays(stage, ours[stage], theirs[stage]) for stage in STAGES))


def _compare_arrays(stage: str, here: AnyArray, arm: AnyArray) -> Comparison:
    differing, largest = here.size, None
    if here.shape == arm.shape and here.dtype == arm.dtype:
        # By the bytes: -0.0 is not 0.0, and a NaN is the same NaN.
        words = np.dtype(f"u{here.dtype.itemsize}")
        other = np.ascontiguousarray(here).view(words) != np.ascontiguousarray(arm).view(words)
        differing = int(np.count_nonzero(other))
        difference = np.abs(here[other].astype(np.float64) - arm[other].astype(np.float64))
        largest = float(difference.max(initial=0.0))
    return Comparison(stage, _digest(here), _digest(arm), here.size, differing, largest)


def _digest(array: AnyArray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def _not_python(folder: str, names: list[str]) -> set[str]:
    return {name for name in names if not (name.endswith(".py") or (Path(folder) / name).is_dir())} | {"__pycache__"}
