"""The first run of models that the rules do not know, in a process of its own that they may end.

`python -m mmnet.runtime.tflite.probe DELEGATE < model` is that process.
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from threading import Lock

from mmnet.failures import LOG
from mmnet.runtime.errors import ModelError

_TIMEOUT_SECONDS = 300

# SHA-256 of models, and the delegates that they ran with; "" stands for all.
_survived: set[tuple[bytes, str]] = set()
_lock = Lock()


def trust(model: bytes) -> bytes:
    """Return a model that was made or checked by this project, after noting that `ensure_survival` may pass it."""
    _survived.add((hashlib.sha256(model).digest(), ""))
    return model


def ensure_survival(model: bytes, delegate: str) -> None:
    """Raise unless LiteRT survives a model. Each model is checked once per process.

    Models that `export-tflite` makes are known by their operators. Others are prepared and run once in another
    process. What LiteRT itself refuses without ending that process is left to the caller.

    Args:
        model: the bytes of a .tflite.
        delegate: what will run the operators: "xnnpack" or "none".

    Raises:
        ModelError: the model is damaged, ends the other process, or is not done after 300 s. The message names no file.
    """
    digest = hashlib.sha256(model).digest()
    with _lock:
        if not _survived.isdisjoint({(digest, ""), (digest, delegate)}):
            return
        from mmnet.runtime.tflite.rules import check_rules  # a third of the time of loading the runtime

        if check_rules(model):
            _survived.add((digest, ""))
            return
        _probe(model, delegate)
        _survived.add((digest, delegate))


def _probe(model: bytes, delegate: str) -> None:
    if not sys.executable:  # Python inside another program
        return
    command = [sys.executable, "-P", "-m", "mmnet.runtime.tflite.probe", delegate]
    # The same modules, also where this process found them through a relative path.
    paths = os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path if entry)
    try:
        run = subprocess.run(
            command,
            input=model,
            capture_output=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
            env=os.environ | {"PYTHONPATH": paths},
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"LiteRT did not finish one run of the model in {_TIMEOUT_SECONDS} s") from error
    if run.returncode < 0:
        name = signal.Signals(-run.returncode).name
        raise ModelError(f"the model crashes LiteRT ({name}): it is damaged; export or copy it again")
    if run.returncode:
        reason = run.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        LOG.warning("a model could not be tried in another process, and is run in this one: %s", reason)


def _run_once(model: bytes, delegate: str) -> None:
    from mmnet.runtime.tflite.interpreter import new_interpreter

    try:
        interpreter = new_interpreter(model, delegate=delegate, keep_tensors=delegate == "none")
        interpreter.get_signature_list()
        interpreter.allocate_tensors()
        for tensor in interpreter.get_input_details():
            interpreter.tensor(tensor["index"])()[...] = 0
        interpreter.invoke()
    except (ValueError, RuntimeError, TypeError):
        return  # the caller meets and reports the same


if __name__ == "__main__":
    trust(content := sys.stdin.buffer.read())
    _run_once(content, sys.argv[1])
