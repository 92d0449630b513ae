"""`mmnet arm-parity` with LiteRT's real Arm kernels under emulation."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from emulation import CACHE_HOME, arm_python_or_skip
from support import error_line, run

from mmnet.evaluation.arm.environment import ArmPython, arm_python
from mmnet.runtime import (
    PortraitMatter,
    Rectangle,
    composite,
    estimate_foreground,
    find_crops,
    read_photo,
    to_model_input,
)
from mmnet.runtime.imaging import Placement, place_alpha

pytestmark = pytest.mark.slow

STAGES = {"photo", "frame", "fits", "input", "alpha", "crops", "last_inputs", "last_alphas"}
STAGES |= {"image", "matte", "foreground", "composite"}


@pytest.fixture(scope="module", autouse=True)
def arm() -> Iterator[ArmPython]:
    """The emulated Python, fetched once into .cache/ and kept; what `mmnet` finds there in these tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(CACHE_HOME))
        yield arm_python_or_skip("ARM PARITY WAS NOT TESTED")


@pytest.fixture(scope="module")
def images(portrait: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three images that the preprocessing treats differently: halved, enlarged, odd sides with transparency."""
    folder = tmp_path_factory.mktemp("images")
    noise = np.random.default_rng(3).integers(0, 256, (61, 47, 4), np.uint8)
    assert cv2.imwrite(str(folder / "a.jpg"), portrait[:300, 90:350, ::-1])
    assert cv2.imwrite(str(folder / "b.png"), noise)
    assert cv2.imwrite(str(folder / "c.jpg"), portrait[:131, 180:279, ::-1])
    return folder


@pytest.fixture(scope="module")
def one_image(images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("one")
    (folder / "c.jpg").write_bytes((images / "c.jpg").read_bytes())
    return folder


def parity(*arguments: object) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    """Run the command with `--json -`; return it and the JSON that it printed."""
    done = run("mmnet", "arm-parity", *arguments, "--json", "-", timeout=900)
    return done, json.loads(done.stdout) if done.stdout else {}


def wrapper(tmp_path: Path, arm: ArmPython, script: str) -> Path:
    """Write a qemu-aarch64 that runs `script` with its `arguments` and then becomes the real one."""
    path = tmp_path / "qemu-aarch64"
    path.write_text(
        f"#!{sys.executable} -I\nimport os, sys\narguments = sys.argv[1:]\n{script}\n"
        f"os.execv({str(arm.emulator)!r}, [{str(arm.emulator)!r}, *arguments])\n"
    )
    path.chmod(0o755)
    return path


def sha256(array: np.ndarray) -> str:
    return hashlib.sha256(array.tobytes()).hexdigest()


def test_an_int8_model_gives_the_same_bytes_on_arm(uint8_model: Path, images: Path) -> None:
    """A core without the dot product, one with it, and one with the matrix product."""
    done, found = parity(uint8_model, "-d", images, "--cpu", "cortex-a53,cortex-a76,cortex-a710")
    assert done.returncode == 0, done.stderr
    assert found["verdict"] == "identical"
    assert found["tolerance"]["alpha"] == 0
    assert set(found["stages"]) == STAGES
    assert found["here"]["machine"] == "x86_64"

    features = {entry["name"]: set(entry["arm"]["features"]) for entry in found["processors"]}
    assert all(entry["arm"]["machine"] == "aarch64" for entry in found["processors"])
    assert not {"asimddp", "i8mm"} & features["cortex-a53"]
    assert features["cortex-a76"] & {"asimddp", "i8mm"} == {"asimddp"}
    assert {"asimddp", "i8mm"} <= features["cortex-a710"]

    with PortraitMatter(uint8_model, 1) as matter:
        for entry in found["processors"]:
            assert entry["verdict"] == "identical"
            assert set(entry["compared"]) == STAGES
            for compared in entry["compared"].values():
                assert (compared["images"], compared["differing"], compared["largest"]) == (3, 0, 0)
                assert compared["values"] > 0
            assert [image["name"] for image in entry["images"]] == ["a.jpg", "b.png", "c.jpg"]
            for image in entry["images"]:
                photo = read_photo(images / image["name"])
                whole = Rectangle(0, 0, *photo.shape[:2])
                alpha, matte = matter.alpha_bytes(photo), matter(photo)
                height, width = photo.shape[:2]
                crops = find_crops(alpha, height, width) or [whole]
                last_inputs = [to_model_input(photo[crop.slices], matter.model.size) for crop in crops]
                last_alphas = [matter.model.run(last_input) for last_input in last_inputs]
                placements = [Placement.of_crop(crop, matter.model.size) for crop in crops]
                placed = [place_alpha(*part, height, width) for part in zip(last_alphas, placements, strict=True)]
                expected = {
                    "photo": photo,
                    "input": to_model_input(photo, matter.model.size),
                    "alpha": alpha,
                    "crops": np.array([astuple(crop) for crop in crops], np.int32),
                    "last_inputs": np.stack(last_inputs),
                    "last_alphas": np.stack(last_alphas),
                    "image": np.max(placed, axis=0),
                    "matte": matte,
                    "foreground": estimate_foreground(photo, matte),
                    "composite": composite(photo, matte, (0, 255, 0), estimate_foreground=True),
                }
                for stage, array in expected.items():
                    assert image[stage]["here"] == image[stage]["arm"] == sha256(array), stage
                    assert (image[stage]["values"], image[stage]["differing"]) == (array.size, 0)
                assert image["frame"]["values"] == photo.size
                assert image["fits"]["values"] == 4 * expected["input"].size


def test_what_differs_on_arm_is_seen_where_it_does(
    uint8_model: Path, one_image: Path, arm: ArmPython, tmp_path: Path
) -> None:
    """The emulator gets a model with a changed bias and another background; the stages between are identical."""
    altered = tmp_path / "altered.tflite"
    altered.write_bytes(_with_another_bias(uint8_model.read_bytes()))
    observer = tmp_path / "observer.py"
    swap = f"""
for number, argument in enumerate(arguments):
    if argument.endswith("model.tflite"):
        arguments[number] = {str(altered)!r}
    if argument.endswith("observer.py"):
        text = open(argument).read()
        assert "_BACKGROUND = (0, 255, 0)" in text
        open({str(observer)!r}, "w").write(text.replace("_BACKGROUND = (0, 255, 0)", "_BACKGROUND = (0, 254, 0)"))
        arguments[number] = {str(observer)!r}
"""
    qemu = wrapper(tmp_path, arm, swap)
    done, found = parity(uint8_model, "-d", one_image, "--fit", "stretch", "--cpu", "cortex-a76", "--qemu", qemu)
    assert found["data"]["fit"] == "stretch"
    assert done.returncode == 1
    assert found["verdict"] == "differs"
    (image,) = found["processors"][0]["images"]
    assert {stage for stage in STAGES if image[stage]["differing"]} == {"alpha", "composite"}
    assert image["composite"]["largest"] == 1
    assert found["processors"][0]["compared"]["alpha"]["differing_images"] == 1
    assert image["alpha"]["largest"] >= 1
    assert image["alpha"]["here"] != image["alpha"]["arm"]
    assert "differs" in done.stderr


def test_floats_are_the_same_within_the_tolerance(
    float_model: Path, one_image: Path, arm: ArmPython, tmp_path: Path
) -> None:
    """The model is read once: its file is overwritten before the processor starts."""
    model = tmp_path / "float.tflite"
    model.write_bytes(float_model.read_bytes())
    qemu = wrapper(tmp_path, arm, f"open({str(model)!r}, 'w').write('another')")
    done, found = parity(model, "-d", one_image, "--cpu", "cortex-a53", "--qemu", qemu)
    assert done.returncode == 0, done.stderr
    assert model.read_text() == "another"
    assert found["model"]["sha256"] == hashlib.sha256(float_model.read_bytes()).hexdigest()
    assert found["verdict"] in ("identical", "within tolerance")
    assert found["tolerance"]["alpha"] == 1e-6
    assert "1e-06" in done.stderr
    (image,) = found["processors"][0]["images"]
    assert {stage for stage in STAGES if image[stage]["differing"]} <= {"alpha", "last_alphas"}
    assert image["alpha"]["largest"] <= 1e-6


def test_an_unreadable_image_is_named_and_the_others_compared(
    uint8_model: Path, one_image: Path, tmp_path: Path
) -> None:
    (tmp_path / "good.jpg").write_bytes((one_image / "c.jpg").read_bytes())
    (tmp_path / "bad.jpg").write_bytes((one_image / "c.jpg").read_bytes()[:200])
    done, found = parity(uint8_model, "-d", tmp_path, "--cpu", "cortex-a53")
    assert done.returncode == 2
    assert found["verdict"] == "not compared"
    assert sum(str(tmp_path / "bad.jpg") in line for line in done.stderr.splitlines()) == 1
    bad, good = found["processors"][0]["images"]
    assert (bad["name"], "alpha" in bad) == ("bad.jpg", False)
    assert good["alpha"]["differing"] == 0


@pytest.mark.parametrize("how", ["crashes", "is missing", "is old", "is another program"])
def test_an_emulator_that_does_not_do(
    how: str, uint8_model: Path, one_image: Path, arm: ArmPython, tmp_path: Path
) -> None:
    script, message = {
        "crashes": ("if '-P' in arguments: os.kill(os.getpid(), 11)", "cortex-a53: Python ended (signal 11)"),
        "is missing": ("", "cannot be run: No such file"),
        "is old": ("print('qemu-aarch64 version 7.2.22'); sys.exit()", "is QEMU 7.2.22"),
        "is another program": ("sys.exit()", "is not qemu-aarch64"),
    }[how]
    emulator = wrapper(tmp_path, arm, script)
    if how == "is missing":
        emulator.unlink()
    arguments = [uint8_model, "-d", one_image, "--cpu", "cortex-a53", "--qemu", emulator]
    done = run("mmnet", "arm-parity", *arguments)
    assert done.returncode == 2
    assert sum(message in line for line in done.stderr.splitlines()) == 1, done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_refused(uint8_model: Path, one_image: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.tflite"
    bad.write_bytes(uint8_model.read_bytes()[:3000])
    out = tmp_path / "out.json"
    out.write_text("precious")
    (tmp_path / "empty").mkdir()
    for arguments, message in (
        (
            [uint8_model, "-d", one_image, "--cpu", "cortex-a53,pentium"],
            "processor 'pentium': the emulator does not",
        ),
        ([uint8_model, "-d", one_image, "--cpu", ","], "no processor is named"),
        ([bad, "-d", one_image], str(bad)),
        ([tmp_path / "none.tflite", "-d", one_image], "no such model"),
        ([uint8_model, "-d", tmp_path / "empty"], "has no photo"),
        ([uint8_model, "-d", one_image, "--json", out], "--force"),
    ):
        done = run("mmnet", "arm-parity", *arguments)
        assert done.returncode == 2
        assert message in error_line(done)
    assert out.read_text() == "precious"


def test_a_changed_file_in_the_cache_is_fixed(arm: ArmPython) -> None:
    with tempfile.TemporaryDirectory(dir=CACHE_HOME) as name:  # not where other tests run what is there
        cache = Path(name) / "arm"
        shutil.copytree(arm.folder.parent, cache, symlinks=True, copy_function=os.link)
        module = cache / "python" / "packages" / "numpy" / "version.py"
        good = module.read_bytes()
        module.unlink()  # from the copy alone: the rest is linked
        module.write_bytes(good + b"\nraise SystemExit('changed by somebody')\n")
        done: list[str] = []
        arm_python(cache, progress=lambda doing, *_: done.append(doing))
        assert module.read_bytes() == good
    assert "unpacking numpy" in done
    assert not any(doing.startswith("fetching") for doing in done)


def test_the_runtime_knows_nothing_of_it() -> None:
    script = "import sys, mmnet.runtime; print([name for name in sys.modules if name.startswith('mmnet.evaluation')])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def _with_another_bias(model: bytes) -> bytes:
    """A .tflite with the bias of one convolution (the one to 40 channels) changed."""
    interpreter = Interpreter(model_content=model)
    interpreter.allocate_tensors()
    (bias,) = (
        interpreter.get_tensor(tensor["index"])
        for tensor in interpreter.get_tensor_details()
        if list(tensor["shape"]) == [40] and tensor["dtype"] == np.int32
    )
    return model.replace(bias.tobytes(), (bias + 400).astype(np.int32).tobytes())
