"""Comparison of two observers, one on this machine and one on an emulated Arm processor, byte for byte."""

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
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

import mmnet.errors
import mmnet.runtime
from mmnet.arrays import AnyArray
from mmnet.closing import Closing
from mmnet.evaluation.arm.environment import ArmPython
from mmnet.evaluation.arm.errors import ObserverError
from mmnet.evaluation.arm.processors import Processor
from mmnet.files import temporary_folder
from mmnet.json_reader import parse_json
from mmnet.runtime.imaging.fit import Fit

# The stages of observer.py, in order. Both sides start each stage from the same arrays of the earlier stages.
STAGES = {
    "photo": "the decoded photo, upright",
    "frame": "a camera frame (NV21) in RGB, turned and mirrored",
    "fits": "that frame in the model's square, by every fit",
    "input": "the photo in the model's square",
    "alpha": "the model's own output",
    "crops": "the crops around the people",
    "last_inputs": "these crops in the model's square",
    "last_alphas": "the model's output for the crops",
    "image": "alpha at the photo's size, interpolated in integers",
    "matte": "alpha at the photo's size, guided by the photo",
    "foreground": "the estimated foreground",
    "composite": "the composite on green",
}
_MODEL = "model.tflite"
_TIMEOUT_SECONDS = 600.0  # for one answer; under emulation it takes seconds, and a minute for the largest photos

Arrays = dict[str, AnyArray]


@dataclass(frozen=True)
class ArrayComparison:
    """One array of one image, compared between this machine and Arm.

    Attributes:
        stage: one of STAGES.
        here, arm: the SHA-256 of its bytes on each side.
        values: the number of its values on this machine.
        differing: the number of values that differ on Arm; all of them if shape or dtype differ.
        largest: the largest difference, in the units of the array; None if shape or dtype differ.
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
class ImageComparison:
    """One image, compared between this machine and Arm.

    Attributes:
        name: the file name of the image.
        comparisons: its arrays, in the order of STAGES; empty if there is an error.
        error: why it could not be compared.
    """

    name: str
    comparisons: tuple[ArrayComparison, ...] = ()
    error: str | None = None


@dataclass(frozen=True)
class Outcome:
    """The comparison with one emulated processor.

    Attributes:
        processor: the processor.
        described: its observer's description of where it runs; empty if the observer did not start.
        images: the images, in the order given; fewer if the observer stopped.
        error: why the observer stopped; None if it did not.
    """

    processor: Processor
    described: Mapping[str, Any]
    images: tuple[ImageComparison, ...]
    error: str | None = None


class Observer(Closing):
    """A process that runs observer.py with one model; leaving the context ends the process.

    Attributes:
        described: its description of where it runs: machine, Python, processor features, versions.
    """

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], code: Path, fit: Fit) -> None:
        """Start the process.

        Args:
            name: its name in messages.
            command: the command line of Python; the script and its argument are appended.
            environment: the environment variables of the process.
            code: a folder from `runtime_code`, with the model.
            fit: how photos are brought into the model's square.

        Raises:
            ObserverError: the process does not start, or refuses the model.
        """
        self._name = name
        self._printed = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        self._process = subprocess.Popen(
            [*command, str(code / "observer.py"), str(code / _MODEL), str(fit)],
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._printed,
        )
        try:
            self.described = self._answer()
            if "error" in self.described:
                raise ObserverError(str(self.described["error"]))
        except BaseException:
            self.close()
            raise

    def observe(self, photo: Path, given: Arrays | None = None) -> Arrays:
        """Return the arrays of every stage, by name.

        Args:
            photo: the file of the photo.
            given: the arrays of another observer that every stage starts from; None: the observer's own arrays.

        Raises:
            ImageError: the photo cannot be read.
            ObserverError: the process ended, or gives no answer.
        """
        with temporary_folder() as into:
            fields = {"photo": str(photo.absolute()), "into": str(into)}
            if given is not None:
                (folder := into / "given").mkdir()
                for stage, array in given.items():
                    np.save(folder / f"{stage}.npy", array, allow_pickle=False)
                fields["given"] = str(folder)
            request = json.dumps(fields) + "\n"
            stdin = self._process.stdin
            assert stdin is not None
            try:
                stdin.write(request.encode())
                stdin.flush()
            except BrokenPipeError:
                pass  # the process ended; reading the answer reports why
            answer = self._answer()
            if "error" in answer:
                raise ImageError(str(answer["error"]))
            return {stage: np.load(into / f"{stage}.npy", allow_pickle=False) for stage in answer["stages"]}

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()
        self._printed.close()

    def _answer(self) -> dict[str, Any]:
        stdout = self._process.stdout
        assert stdout is not None
        if not select.select([stdout], [], [], _TIMEOUT_SECONDS)[0]:
            raise ObserverError(f"{self._name}: gave no answer within {_TIMEOUT_SECONDS:.0f} s")
        line = stdout.readline()
        if not line.endswith(b"\n"):
            raise ObserverError(f"{self._name}: {self._ending()}")
        answer: dict[str, Any] = parse_json(line)
        return answer

    def _ending(self) -> str:
        code = self._process.wait()
        self._printed.seek(0)
        printed = self._printed.read().decode(errors="replace").strip().rpartition("\n")[2]
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return f"Python ended ({how})" + (f": {printed}" if printed else "")


class ImageError(ObserverError):
    """An observer cannot read an image."""


@contextmanager
def runtime_code(model: bytes) -> Iterator[Path]:
    """Yield a temporary folder with what both sides run: mmnet.runtime as installed here, the observer, and a model.

    It holds Python sources without bytecode, the name and version of the distribution, and the bytes of the .tflite.
    """
    with temporary_folder() as folder:
        common, runtime = Path(mmnet.errors.__file__).parent, Path(mmnet.runtime.__file__).parent
        installed = version("mmnet")
        (folder / "mmnet").mkdir()
        for source in common.glob("*.py"):
            shutil.copy(source, folder / "mmnet")
        shutil.copytree(runtime, folder / "mmnet" / "runtime", ignore=_not_python)
        shutil.copy(Path(__file__).with_name("observer.py"), folder)
        described = folder / f"mmnet-{installed}.dist-info"
        described.mkdir()
        (described / "METADATA").write_text(f"Metadata-Version: 2.1\nName: mmnet\nVersion: {installed}\n")
        (folder / _MODEL).write_bytes(model)
        yield folder


def observer_here(code: Path, fit: Fit) -> Observer:
    """Start an observer on this machine, in this Python; raises as `Observer`."""
    environment = {"LANG": "C.UTF-8", "PYTHONPATH": str(code)}
    return Observer("this machine", [sys.executable, "-P", "-s", "-B"], environment, code, fit)


def observer_on_arm(python: ArmPython, processor: Processor, code: Path, fit: Fit) -> Observer:
    """Start an observer on an emulated processor; raises as `Observer`."""
    command = python.command(processor.name, "-B")
    return Observer(processor.name, command, python.variables(code), code, fit)


def compare_observers(
    here: Observer,
    open_arm: Callable[[], Observer],
    processor: Processor,
    photos: Sequence[Path],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Outcome:
    """Compare the arrays of both observers for every photo.

    The observer on Arm starts every stage from the arrays of the one on this machine: a difference shows in the stage
    that causes it, and only there.

    Args:
        here: the observer on this machine.
        open_arm: starts the observer on Arm.
        processor: the processor that is emulated.
        photos: files that `mmnet.runtime.read_photo` reads; one that cannot be read does not stop the others.
        progress: called with the photos done and their total.

    Raises:
        ObserverError: the observer on this machine stopped. If the one on Arm stops, the outcome has the error.
    """
    described: Mapping[str, Any] = {}
    images: list[ImageComparison] = []
    try:
        with open_arm() as arm:
            described = arm.described
            for done, photo in enumerate(photos, start=1):
                images.append(_compare_image(here, arm, photo))
                progress(done, len(photos))
    except ObserverError as error:
        return Outcome(processor, described, tuple(images), str(error))
    return Outcome(processor, described, tuple(images))


def _compare_image(here: Observer, arm: Observer, photo: Path) -> ImageComparison:
    try:
        ours = here.observe(photo)
        theirs = arm.observe(photo, ours)
    except ImageError as error:
        return ImageComparison(photo.name, error=str(error))
    return ImageComparison(photo.name, tuple(_compare_arrays(stage, ours[stage], theirs[stage]) for stage in STAGES))


def _compare_arrays(stage: str, here: AnyArray, arm: AnyArray) -> ArrayComparison:
    differing, largest = here.size, None
    if here.shape == arm.shape and here.dtype == arm.dtype:
        # Compared as bytes: -0.0 differs from 0.0, and a NaN equals itself.
        words = np.dtype(f"u{here.dtype.itemsize}")
        other = np.ascontiguousarray(here).view(words) != np.ascontiguousarray(arm).view(words)
        differing = int(np.count_nonzero(other))
        difference = np.abs(here[other].astype(np.float64) - arm[other].astype(np.float64))
        largest = float(difference.max(initial=0.0))
    return ArrayComparison(stage, _digest(here), _digest(arm), here.size, differing, largest)


def _digest(array: AnyArray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def _not_python(folder: str, names: list[str]) -> set[str]:
    return {name for name in names if not (name.endswith(".py") or (Path(folder) / name).is_dir())} | {"__pycache__"}
