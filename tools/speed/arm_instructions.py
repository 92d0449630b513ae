"""Count the instructions of one inference on emulated Arm processors.

    python tools/speed/arm_instructions.py --qemu build/qemu-aarch64 --plugin arm_instructions.so MODEL.tflite …

Instructions are no latency: they do not weigh caches, widths or clocks. They do show whether a rewriting gives Arm's
kernels more work or less, on processors that nobody here has: the kernels are chosen by what the emulated processor
can do, and the count is the same in every run, up to a few instructions of Python.

The emulator needs plugins, which Debian's package is built without. From Debian's sources of QEMU 10:

    ./configure --target-list=aarch64-linux-user --enable-plugins --disable-system --disable-tools --disable-docs
    ninja -C build qemu-aarch64
    gcc -O2 -shared -fPIC -I include/qemu $(pkg-config --cflags glib-2.0) -o arm_instructions.so arm_instructions.c

The Python that runs in it is that of `mmnet arm-parity`. Float is slow to emulate: minutes per model.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
from pathlib import Path

from mmnet.evaluation.arm.environment import ArmPython, arm_python, cache_folder

PROCESSORS = ("cortex-a53", "cortex-a76", "cortex-a710")  # SMLAL, SDOT, SMMLA

# Runs in the emulator. The plugin writes a line at every call of getppid.
_SCRIPT = """
import gc, os, sys
import numpy as np
from ai_edge_litert.interpreter import Interpreter
for path in sys.argv[1:]:
    interpreter = Interpreter(path, num_threads=1)
    interpreter.allocate_tensors()
    (image,) = interpreter.get_input_details()
    values = np.random.default_rng(0).integers(0, 256, image["shape"])
    values = values / 255 if image["dtype"] == np.float32 else values
    interpreter.set_tensor(image["index"], values.astype(image["dtype"]))
    interpreter.invoke()
    gc.disable()
    for _ in range(2):
        os.getppid()
        interpreter.invoke()
        os.getppid()
"""


def count(python: ArmPython, plugin: Path, processor: str, models: list[Path]) -> list[int]:
    """Return the instructions that the calling thread runs in one inference of each model, the smaller of two counts.

    Raises:
        RuntimeError: the emulated Python ended with an error; the message holds its last line.
    """
    emulator, *rest = python.command(processor, "-B", "-c", _SCRIPT, *(str(model.resolve()) for model in models))
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "counts"
        command = [emulator, "-plugin", str(plugin.resolve()), "-d", "plugin", "-D", str(log), *rest]
        done = subprocess.run(command, env=python.variables(), capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{processor}: {done.stderr.strip().rpartition(os.linesep)[2]}")
        totals = [int(line) for line in log.read_text().split()]
    spent = [end - begin for begin, end in zip(totals[::2], totals[1::2], strict=True)]
    return [min(pair) for pair in zip(spent[::2], spent[1::2], strict=True)]


def main() -> None:
    """Count the instructions of every model on every processor, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path, metavar="MODEL")
    parser.add_argument("--qemu", required=True, type=Path, help="a qemu-aarch64 that was built with plugins")
    parser.add_argument("--plugin", required=True, type=Path, help="tools/speed/arm_instructions.c, compiled")
    parser.add_argument("--cpu", default=",".join(PROCESSORS), help="processors, separated by commas")
    arguments = parser.parse_args()
    processors = arguments.cpu.split(",")
    python = arm_python(cache_folder(), arguments.qemu)
    counts = [count(python, arguments.plugin, processor, arguments.models) for processor in processors]
    print("millions of instructions in one inference, on one thread; in brackets the ratio to the first model")
    print(f"{'':40}" + "".join(f"{processor:>20}" for processor in processors))
    for index, model in enumerate(arguments.models):
        cells = (f"{column[index] / 1e6:.1f} ({column[index] / column[0]:.3f})" for column in counts)
        print(f"{model.name:40}" + "".join(f"{cell:>20}" for cell in cells))


if __name__ == "__main__":
    main()
