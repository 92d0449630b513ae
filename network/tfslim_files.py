"""The files of TF-Slim checkpoints: which lie in a folder, and which of them is meant."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path, PureWindowsPath

from mmnet.network.checkpoint import CheckpointCorruptError, CheckpointNotFoundError
from mmnet.text import printable

STATE_FILE = "checkpoint"

_NAME = re.compile(r"ckpt|-\d+$")
_PART = re.compile(r"\.(index|meta|data-\d+-of-\d+)$")
# The last bytes of a table of LevelDB, which a checkpoint of version 1 is.
_TABLE_END = bytes.fromhex("57fb808b247547db")
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|x[0-9a-fA-F]{1,2}|.)", re.DOTALL)


def is_prefix(path: Path) -> bool:
    """Return whether `path` names a TF-Slim checkpoint: PATH.index exists, or the file PATH is one of version 1."""
    return path.with_name(path.name + ".index").is_file() or is_version_1(path)


def is_version_1(path: Path) -> bool:
    """Return whether a file is a checkpoint of version 1, which is one file: a table, not the index of version 2."""
    if _PART.search(path.name) or not _NAME.search(path.name) or not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            file.seek(-len(_TABLE_END), 2)
            return file.read() == _TABLE_END
    except OSError:
        return False


def prefix_of(path: Path) -> Path:
    """Return the prefix of the checkpoint that a file belongs to: its name without `.index`, `.meta` or `.data-…`."""
    return path.with_name(_PART.sub("", path.name)) if path.name else path


def modified(prefix: Path) -> float:
    """Return when a checkpoint was written, in seconds since 1970."""
    index = prefix.with_name(prefix.name + ".index")
    return (index if index.is_file() else prefix).stat().st_mtime


def newest_prefix(folder: Path) -> tuple[Path, str] | None:
    """Return the prefix of the newest TF-Slim checkpoint in a folder and, in words, why it was chosen, or None.

    The text file `checkpoint` names it. That may be a path on the machine where the training ran, of which the last
    parts are used: as many as name a checkpoint here. If there is none of that name, the one with the highest step is
    taken.

    Raises:
        CheckpointNotFoundError: only a part of a checkpoint is there; says which file is missing.
        CheckpointCorruptError: the file `checkpoint` is no text.
    """
    state = folder / STATE_FILE
    named = _named_in(state) if state.is_file() else None
    if named is not None:
        for start in range(len(named.parts)):
            prefix = folder.joinpath(*named.parts[start:])
            with suppress(OSError, ValueError):  # a name that no file can have
                if is_prefix(prefix):
                    return prefix, f"{state} names it"
    prefixes = [prefix_of(path) for path in folder.glob("*.index")]
    prefixes += [path for path in folder.iterdir() if is_version_1(path)]
    if prefixes:
        why = f"{state} names {printable(str(named))}, which is absent; " if named else ""
        return max(prefixes, key=step_in_name), why + f"the highest step in {folder}"
    parts = sorted(path for path in folder.glob("*.data-*-of-*") if _PART.search(path.name))
    if parts:
        raise CheckpointNotFoundError(f"{parts[-1]}: {prefix_of(parts[-1])}.index is not beside it; copy it too")
    if named is not None:
        raise CheckpointNotFoundError(
            f"{state}: names {printable(str(named))}, but no {printable(named.name)}.index is in {folder}; copy it too"
        )
    return None


def check_complete(prefix: Path) -> None:
    """Raise if the values of a checkpoint are not beside its index.

    Raises:
        CheckpointNotFoundError: there is an index, and no file with values, or not all of them.
    """
    if is_version_1(prefix):
        return
    # No glob: the name may hold brackets.
    start = f"{prefix.name}.data-"
    found = {path.name for path in prefix.parent.iterdir() if path.name.startswith(start)}
    counts = [int(match[1]) for name in found if (match := re.search(r"-of-(\d{5})$", name))]
    wanted = [f"{start}{part:05}-of-{max(counts):05}" for part in range(max(counts))] if counts else [f"{start}…"]
    missing = [name for name in wanted if name not in found]
    if missing:
        raise CheckpointNotFoundError(f"{prefix}.index: {missing[0]} is not beside it; copy it too")


def step_in_name(prefix: Path) -> tuple[int, str]:
    """Return the step at the end of a name, or -1, and the name: a key to sort by."""
    digits = re.search(r"(\d{1,18})$", prefix.name)
    return (int(digits[1]) if digits else -1), prefix.name


def _named_in(state: Path) -> PureWindowsPath | None:
    """The path that a state file names, without the root; None if it names none."""
    try:
        text = state.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CheckpointCorruptError(f"{state}: cannot be read as text; restore it or name a prefix") from error
    match = re.search(r'^\s*model_checkpoint_path:\s*"((?:[^"\\]|\\.)*)"', text, re.MULTILINE)
    if match is None:
        return None
    # This class splits at slashes and at backslashes.
    path = PureWindowsPath(_ESCAPE.sub(_unescaped, match[1].encode()).decode(errors="replace").replace("\0", ""))
    parts = [part for part in path.parts if part not in (path.anchor, "..")]
    return PureWindowsPath(*parts) if parts else None


def _unescaped(match: re.Match[bytes]) -> bytes:
    """The byte that an escape of the text format of protocol buffers stands for."""
    escape = match[1]
    if escape[:1] == b"x" and len(escape) > 1:
        return bytes([int(escape[1:], 16)])
    if escape.isdigit():
        return bytes([int(escape, 8) & 0xFF])
    return {b"n": b"\n", b"r": b"\r", b"t": b"\t"}.get(escape, escape)
