"""TensorFlow Lite's `benchmark_model`, which the user provides, on the phone."""

from __future__ import annotations

from pathlib import Path

from mmnet.benchmark.android import benchmark_model
from mmnet.benchmark.android.phone import Phone
from mmnet.benchmark.android.tool import ToolResult
from mmnet.benchmark.errors import DeviceError

FOLDER = "/data/local/tmp/mmnet-benchmark"


class NativeTool:
    """Measures with `benchmark_model`, which measures the invocation alone."""

    name = "NativeTool"

    def __init__(
        self,
        phone: Phone,
        folder: str,
        binary: Path,
        timeout: float,
        *,
        delegate: str,
        affinity: str | None,
        warmup_runs: int,
    ) -> None:
        """Read the binary, and check that the phone can run it.

        Args:
            phone: the phone.
            folder: the folder on the phone to work in, which is removed at the end.
            binary: the tool, built for the phone.
            timeout: seconds to wait for one start of the tool to end.
            delegate: one of `benchmark_model.DELEGATES`.
            affinity: hexadecimal mask of the processors to run on; None leaves the choice to Android.
            warmup_runs: runs before the measured ones, >= 0; the tool makes at least one.

        Raises:
            BenchmarkError: the binary is no program.
            DeviceError: it is built for another processor, or `taskset` fails on the phone.
        """
        self._phone, self._folder, self._timeout = phone, folder, timeout
        self._delegate, self._affinity, self._warmup_runs = delegate, affinity, warmup_runs
        self.paths: tuple[str, ...] = (folder,)
        self._content = benchmark_model.read_binary(binary, phone.property("ro.product.cpu.abilist"), phone.serial)
        if affinity and phone.run(f"taskset {affinity} true").code:
            raise DeviceError(
                f"{phone.serial}: taskset {affinity} fails there; give a hexadecimal mask of its processors "
                "(f0: the last four of eight), or leave affinity=… out"
            )

    def prepare(self) -> None:
        """Copy the binary to the phone."""
        self._phone.make_folder(self._folder)
        self._phone.push(self._content, f"{self._folder}/benchmark_model", executable=True)

    def measure(self, name: str, content: bytes, threads: int, runs: int) -> ToolResult:
        """Start the tool once on one model; see `Tool.measure`."""
        model = f"{self._folder}/model.tflite"
        self._phone.push(content, model)
        line = benchmark_model.command(
            f"{self._folder}/benchmark_model",
            model,
            threads=threads,
            runs=runs,
            warmup_runs=self._warmup_runs,
            delegate=self._delegate,
            affinity=self._affinity,
        )
        # Depending on its version, the tool prints a part or everything on standard error.
        reply = self._phone.run(f"{line} 2>&1", doing=f"while {name} was measured", timeout=self._timeout)
        return benchmark_model.parse(reply.output, reply.code, self._phone.serial, name)
