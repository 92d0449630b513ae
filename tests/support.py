"""Helpers of several tests: random networks, TensorFlow without graphs, and commands as a user runs them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from mmnet.arrays import F32Array
from mmnet.network.checkpoint import Checkpoint
from mmnet.network.config import ModelConfig
from mmnet.network.variables import variable_shapes

ROOT = Path(__file__).parents[1]
PATIENCE = 600  # seconds that a test waits for a program; only one that hangs takes so long
EAGERLY = "ignore:Even though the `tf.config.experimental_run_functions_eagerly`:UserWarning"


def random_weights(config: ModelConfig, seed: int) -> dict[str, F32Array]:
    """Return weights of an untrained network, scaled so that every layer matters."""
    random = np.random.default_rng(seed)
    weights = {}
    for name, shape in variable_shapes(config).items():
        if name.endswith("weights"):
            fan_in = int(np.prod(shape[:2])) * (1 if "depthwise" in name else shape[2])
            value = random.normal(0, np.sqrt(2 / fan_in), shape)
            if shape[-1] == 2:
                # Small logits around zero, so that the alpha is neither constant nor a hard edge.
                value = 0.3 * (value - value.mean(axis=2, keepdims=True))
        elif name.endswith(("gamma", "moving_variance")):
            value = random.uniform(0.5, 1.5, shape)
        else:
            value = random.normal(0, 0.3, shape)
        weights[name] = value.astype(np.float32)
    return weights


def random_checkpoint(config: ModelConfig, seed: int = 0, step: int = 7) -> Checkpoint:
    """Return a whole checkpoint with `random_weights`."""
    return Checkpoint(config, random_weights(config, seed), step, created="2026-01-02T03:04:05+00:00")


@contextmanager
def eagerly() -> Iterator[None]:
    """Run training steps one operator after the other, untraced: tracing one step costs as much as ten.

    TensorFlow warns that its input pipeline stays traced; the filter `EAGERLY` lets a test module ignore that.
    """
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(False)


def run(*command: object, cwd: Path | None = None, timeout: float = PATIENCE) -> subprocess.CompletedProcess[str]:
    """Run an installed command (`mmnet`, `export-tflite`) as a user does. A non-zero exit raises nothing."""
    program, *arguments = map(str, command)
    return subprocess.run(
        [Path(sys.executable).with_name(program), *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env=_environment(),
    )


def _environment() -> dict[str, str]:
    return os.environ | {"COLUMNS": "200", "NO_COLOR": "1"}


# Prints "held" and waits for a signal before a function: `hold(place, name, nth)` holds the nth call of a function of a
# module, or of a method of a class. Only the main thread can wait so. SIGUSR1 alone does nothing but let it go on. The
# wait ends for a signal that comes before it begins, too, which `signal.pause` would miss.
_HOLD = """
import signal, socket, sys
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # a host may ignore it
signal.signal(signal.SIGUSR1, lambda number, frame: None)
def hold(place, name, nth=1):
    original, calls = getattr(place, name), []
    def held(*arguments, **options):
        calls.append(1)
        if len(calls) == nth:
            came, noted = socket.socketpair()
            noted.setblocking(False)
            before = signal.set_wakeup_fd(noted.fileno())
            try:
                print("held", file=sys.__stdout__, flush=True)
                came.recv(1)
            finally:
                signal.set_wakeup_fd(before)
        return original(*arguments, **options)
    setattr(place, name, held)
"""


@contextmanager
def held(script: str, *arguments: object, cwd: Path | None = None) -> Iterator[subprocess.Popen[str]]:
    """Yield a process of Python that waits for a signal at a known point, so that no test has to guess a time.

    Args:
        script: holds a function with `hold(place, name, nth)`, and then runs a command.
        arguments: of the command.
        cwd: where it runs.
    """
    command = [sys.executable, "-c", _HOLD + script, *map(str, arguments)]
    with subprocess.Popen(
        command,
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=_environment(),
    ) as process:
        try:
            assert process.stdout is not None
            assert any(line == "held\n" for line in process.stdout), process.communicate()
            yield process
        finally:
            process.kill()


def error_line(result: subprocess.CompletedProcess[str]) -> str:
    """Return the line that a failed command printed on stderr, and assert that it is one line and no traceback."""
    lines = [line for line in result.stderr.splitlines() if line.strip()]
    assert result.returncode != 0, result.stdout
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("error: "), result.stderr
    return lines[0]
