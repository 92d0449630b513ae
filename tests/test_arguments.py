"""Arguments of a wrong type: one clear error of ours, whichever function of the Python API gets them."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

import mmnet
from mmnet.arguments import ArgumentError, checked_arguments
from mmnet.errors import MMNetError

ODD: list[Any] = [None, 5, 2.5, "x", b"x", [], {}, object(), np.zeros((2, 2)), ("a",), True]


@checked_arguments
def example(
    path: str | Path,
    size: int | None = None,
    *,
    part: float = 0.5,
    flag: bool = False,
    kind: Literal["a", "b"] = "a",
    call: Callable[[], None] | None = None,
    several: Sequence[str | Path] = (),
    any_order: Iterable[int] = (),
    frame: tuple[int, int] = (1, 2),
    more: Mapping[str, Any] | None = None,
    place: os.PathLike[str] | None = None,
    free: Any = None,
) -> str:
    return f"{path} {size}"


@pytest.mark.parametrize(
    "given",
    [
        {"size": np.int64(3), "part": np.float32(1), "flag": np.bool_(True)},
        {"part": 1, "several": ["a", Path("b")], "any_order": range(3), "frame": [1, 2]},
        {"kind": "unknown", "call": print, "more": {}, "place": Path(), "free": object()},
        {"several": np.array(["a"])},
    ],
)
def test_values_that_serve_pass(given: dict[str, Any]) -> None:
    assert example(Path("a"), **given).startswith("a ")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"path": 5}, "path is 5; give a path$"),
        ({"path": b"a"}, "path is b'a'; give a path$"),
        ({"size": "3"}, "size is '3'; give a whole number or None$"),
        ({"size": True}, "size is True; give a whole number or None$"),
        ({"part": "half"}, "part is 'half'; give a number$"),
        ({"flag": "no"}, "flag is 'no'; give True or False$"),
        ({"kind": 1}, "kind is 1; give one of 'a', 'b'$"),
        ({"call": 1}, "call is 1; give a function or None$"),
        ({"several": "abc"}, "several is 'abc'; give a list, each of it a path$"),
        ({"several": [None]}, r"several is \[None\]; give a list, each of it a path$"),
        ({"frame": "640x480"}, r"frame is '640x480'; give \(a whole number, a whole number\)$"),
        ({"more": []}, r"more is \[\]; give a dictionary or None$"),
        ({"path": ["\x1b" * 99]}, r"path is .{57}\.\.\.; give a path$"),
    ],
)
def test_a_wrong_type_is_one_clear_line(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message) as raised:
        example(**({"path": "a"} | given))
    assert isinstance(raised.value, TypeError)
    assert str(raised.value).isprintable()


def test_too_many_arguments_are_python_s_own_error() -> None:
    with pytest.raises(TypeError, match="unexpected"):
        example("a", unknown=1)  # type: ignore[call-arg]


# All but those that look for a phone or an emulator first, and `train`, whose options are those of a class.
FUNCTIONS = {name: value for name in mmnet.__all__ if inspect.isfunction(value := getattr(mmnet, name))}
del FUNCTIONS["measure_latency_on_phone"], FUNCTIONS["compare_on_arm"], FUNCTIONS["train"]
# What each function has to be given besides; nothing of it exists, so that nothing is computed.
NEEDED: dict[str, list[Any]] = {
    "compare": ["gone.tflite", "gone.tflite", "gone"],
    "compare_models": ["gone.tflite", "gone.tflite", "gone"],
    "composite": [np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.float32), (0, 0, 0)],
    "cutout": [np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.float32)],
    "evaluate": [["gone.tflite"], "gone"],
    "evaluate_release": [["gone.tflite"], "gone"],
    "evaluate_videos": [["gone.tflite"], "gone"],
    "matte_batch": ["gone", "out"],
    "measure_latency": [["gone.tflite"]],
    "measure_sensitivity": ["gone"],
    "plot_latency": ["gone.json", ["gone.json"]],
    "profile_model": ["gone.tflite"],
    "quantize_checkpoint": ["gone"],
    "read_photo": ["gone.jpg"],
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_function_raises_python_s_own_error(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    function, needed = FUNCTIONS[name], NEEDED.get(name, ["gone"])
    parameters = list(inspect.signature(function).parameters.values())
    for parameter in parameters:
        for value in ODD if parameter.name != "estimate_foreground" else ():  # a truth value of any kind
            given = dict(zip((one.name for one in parameters), needed, strict=False)) | {parameter.name: value}
            if parameter.name == "models" and (value is None or isinstance(value, list)):
                continue  # the model that ships
            try:
                function(**given)
            except MMNetError:
                continue


@pytest.mark.parametrize("value", ODD, ids=lambda value: type(value).__name__)
def test_classes_of_the_door(value: Any) -> None:
    for name in ("model", "threads", "foreground", "smoothing", "on_matte"):
        try:
            mmnet.PortraitMatter(**{name: value}).close()
        except MMNetError:
            continue
    for options in (mmnet.BatchOptions, mmnet.TrainingOptions):
        for name in inspect.signature(options).parameters:
            try:
                options(**({"data": "gone"} if options is mmnet.TrainingOptions else {}) | {name: value})
            except MMNetError:
                continue


@pytest.mark.parametrize("value", [None, "x", b"x", [], object(), float("nan")])
def test_timestamps(value: Any) -> None:
    with mmnet.PortraitMatter() as matter, pytest.raises(MMNetError, match="give a finite number of milliseconds"):
        matter.video(np.zeros((8, 8, 3), np.uint8), value)
