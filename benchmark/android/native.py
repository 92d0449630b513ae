"""The user's `benchmark_model` on the phone."""

from __future__ import annotations

from pathlib import Path

from mmnet.benchmark.android import benchmark_model
from mmnet.benchmark.android.phone import Phone
from mmnet.benchmark.android.rounds import Start
from mmnet.benchmark.errors import DeviceError

FOLDER = "/data/local/tmp/mmnet-benchmark"


class NativeTool:
    """Measures with TensorFlow Lite's tool, which tells of the invocation alone."""

    def __init__(
        self,
        phone: Phone,
        folder: str,
        binary: Path,
        patience: float,
        *,
        delegate: str,
        affinity: str | None,
        warmup_runs: int,
    ) -> None:
        """Read the binary and see that the phone can run it.

        Args:
            phone: where.
            folder: a folder there to work in, which is removed.
            binary: the tool, built for the phone.
            patience: seconds to wait for a start to end.
            delegate: one of `benchmark_model.DELEGATES`.
            affinity: hexadecimal mask of processors; None leaves it to Android.
            warmup_runs: >= 0; the tool makes at least one.

        Raises:
            BenchmarkError: the binary is none.
            DeviceError: it is for another processor, or `taskset` is missing.
        """
        self._phone, self._folder, self._patience = phone, folder, patience
        self._delegate, self._affinity, self._warmup_runs = delegate, affinity, warmup_runs
        self.paths: tuple[str, ...] = (folder,)
        self._content = benchmark_model.read_binary(binary, phone.property("ro.product.cpu.abilist"), phone.serial)
        if affinity and phone.run(f"taskset {affinity} true").code:
            raise DeviceError(
                f"{phone.serial}: taskset {affinity} fails there; give a hexadecimal mask of its processors "
                "(f0: the last four of eight), or leave --affinity out"
            )

    def prepare(self) -> None:
        """Copy the binary."""
        self._phone.make_folder(self._folder)
        self._phone.push(self._content, f"{self._folder}/benchmark_model", executable=True)

    def start(self, name: str, content: bytes, threads: int, runs: int) -> Start:
        """One start of the tool on one model.

        Raises:
            DeviceError: it fails, does not end, or the phone is gone.
        """
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
        # The tool says more on standard error, or everything, depending on its version.
        reply = self._phone.run(f"{line} 2>&1", doing=f"while {name} was measured", timeout=self._patience)
        output = benchmark_model.parse(reply.output, reply.code, self._phone.serial, name)
        return Start(
            load_ms=output.load_ms,
            first_run_ms=output.first_run_ms,
            warmup=output.warmup,
            stages={"invoke": output.invoke},
            times=None,
            peak_memory_bytes=output.peak_memory_bytes,
        )
