"""LiteRT's accelerators: a model compiled for the processor or for a GPU, in place of an interpreter."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmnet.runtime.errors import ModelError

if TYPE_CHECKING:  # the command line's help needs no NumPy
    from mmnet.arrays import AnyArray


class Accelerator(StrEnum):
    """The hardware that a compiled model runs on.

    CPU: the processor, by XNNPACK, with the bytes of the interpreter.
    GPU: a GPU that LiteRT reaches through WebGPU (Vulkan, Metal, Direct3D) or OpenCL; the processor runs what the GPU
        cannot.
    """

    CPU = "cpu"
    GPU = "gpu"


class AcceleratorError(ModelError):
    """An unknown accelerator, one that this machine does not have, or one that does not run the model."""


def choose_accelerator(name: Accelerator | str | None) -> Accelerator | None:
    """Return the accelerator of a name; None for None.

    Raises:
        AcceleratorError: the name is unknown; lists the accepted ones.
    """
    if name is None:
        return None
    if name not in list(Accelerator):
        raise AcceleratorError(f"unknown accelerator {name!r}; choose one of {', '.join(Accelerator)}")
    return Accelerator(name)


class CompiledInterpreter:
    """A model in LiteRT's `CompiledModel`, with the three methods of an interpreter that running it needs.

    Attributes:
        whole: whether the accelerator runs every operator.
    """

    def __init__(self, model: bytes, name: str, accelerator: Accelerator, threads: int, image: Any, alpha: Any) -> None:
        """Compile a model.

        Args:
            model: the bytes of a .tflite with one input and one output, which an interpreter has accepted.
            name: what messages call the model.
            accelerator: what runs it.
            threads: of the processor.
            image, alpha: its input and its output, as the interpreter describes them.

        Raises:
            AcceleratorError: LiteRT has no such accelerator on this machine, or it refuses the model.
        """
        import numpy as np

        self._input = np.zeros(image["shape"], image["dtype"])
        self._output = np.zeros(alpha["shape"], alpha["dtype"])
        try:
            self._model: Any = _compiled(model, accelerator, threads)
            (self._source,), (self._result,) = self._model.create_input_buffers(0), self._model.create_output_buffers(0)
            self.whole = bool(self._model.is_fully_accelerated())
        except (RuntimeError, ValueError) as error:
            raise AcceleratorError(f"{name}: {_WHY_NOT[accelerator]}") from error

    def tensor(self, index: int) -> Callable[[], AnyArray]:
        """Return a function that returns the input, to write an image into, whatever its index is."""
        return lambda: self._input

    def invoke(self) -> None:
        """Run the model on the input.

        Raises:
            RuntimeError: LiteRT cannot run it.
        """
        self._source.write(self._input)
        self._model.run_by_index(0, [self._source], [self._result])
        self._output = self._result.read(self._output.size, self._output.dtype.type).reshape(self._output.shape)

    def get_tensor(self, index: int) -> AnyArray:
        """Return the output of the last run, whatever its index is."""
        return self._output


_WHY_NOT = {
    Accelerator.CPU: "LiteRT cannot compile it for the processor; leave the accelerator out",
    Accelerator.GPU: "LiteRT cannot run it on a GPU of this machine: it finds none through Vulkan, Metal, Direct3D or "
    "OpenCL, or the GPU refuses the model; take the accelerator cpu, or leave it out",
}


def _compiled(model: bytes, accelerator: Accelerator, threads: int) -> Any:
    from ai_edge_litert.compiled_model import CompiledModel, CpuOptions, HardwareAccelerator, Options

    hardware = HardwareAccelerator.CPU
    if accelerator is Accelerator.GPU:
        hardware |= HardwareAccelerator.GPU
    options = Options(hardware_accelerators=hardware, cpu_options=CpuOptions(num_threads=threads))
    return CompiledModel.from_buffer(model, environment=_environment(), options=options)


@cache
def _environment() -> Any:
    """Return LiteRT's environment, which loads the libraries of the accelerators once in a process."""
    import ai_edge_litert
    from ai_edge_litert.environment import Environment

    return Environment.create(runtime_path=str(Path(ai_edge_litert.__file__).parent))
