"""The scripts and the notebook of examples/ run, with public-domain images."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data
from support import PATIENCE, ROOT

from mmnet.runtime import PortraitMatter, read_photo

pytestmark = pytest.mark.slow

EXAMPLES = ROOT / "examples"


def example(name: str, *arguments: object) -> str:
    """Run an example as its docstring says; return what it printed."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A public-domain portrait (NASA) as a file."""
    path = tmp_path_factory.mktemp("photo") / "astronaut.png"
    assert cv2.imwrite(str(path), skimage.data.astronaut()[:, :, ::-1])
    return path


@pytest.fixture(scope="module")
def portraits(photo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four photos whose known mattes are those of the model that ships."""
    folder = tmp_path_factory.mktemp("portraits")
    (folder / "image").mkdir()
    (folder / "mask").mkdir()
    image = read_photo(photo)
    with PortraitMatter() as matter:
        for number in range(4):
            crop = np.ascontiguousarray(image[: 400 + 20 * number, 10 * number :])
            name = f"{number}.png"
            assert cv2.imwrite(str(folder / "image" / name), crop[:, :, ::-1])
            assert cv2.imwrite(str(folder / "mask" / name), np.rint(matter(crop) * 255).astype(np.uint8))
    return folder


@pytest.mark.parametrize("profile", ["fine", "fast"])
def test_matte_photo(photo: Path, tmp_path: Path, profile: str) -> None:
    assert "of the photo is foreground" in example("matte_photo.py", photo, tmp_path, "--profile", profile)
    image = read_photo(photo)
    with PortraitMatter(profile=profile) as matter:
        cutout, green = matter.cutout(image), matter.composite(image, (0, 255, 0))
    written = cv2.imread(str(tmp_path / "cutout.png"), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(cv2.cvtColor(written, cv2.COLOR_BGRA2RGBA), cutout)
    assert cv2.imread(str(tmp_path / "alpha.png"), cv2.IMREAD_UNCHANGED).shape == image.shape[:2]
    assert np.array_equal(cv2.imread(str(tmp_path / "green.png"))[:, :, ::-1], green)


def test_matte_video(photo: Path, tmp_path: Path) -> None:
    source, output = tmp_path / "clip.mp4", tmp_path / "green.mp4"
    image = cv2.resize(cv2.imread(str(photo)), (160, 160))
    writer = cv2.VideoWriter(str(source), cv2.VideoWriter.fourcc(*"mp4v"), 25, (160, 160))
    for shift in range(6):
        writer.write(np.roll(image, shift, axis=1))
    writer.release()
    assert "6 frames" in example("matte_video.py", source, output)
    video = cv2.VideoCapture(str(output))
    there, frame = video.read()
    assert there
    assert frame.shape == (160, 160, 3)
    blue, green, red = (frame[:, :, channel] for channel in range(3))
    assert 0.1 < np.mean((green > 200) & (blue < 60) & (red < 60)) < 0.9


def test_camera_frames(photo: Path) -> None:
    assert "frame 512×512, image 512×512, alpha (512, 512)" in example("camera_frames.py", photo)


def test_evaluate_models(portraits: Path, tmp_path: Path) -> None:
    shipped, other = ROOT / "runtime" / "models" / "mmnet-1.0-256-int8.tflite", tmp_path / "other.tflite"
    shutil.copy(shipped, other)
    assert "has the lower MAD" in example("evaluate_models.py", portraits, shipped, other)


@pytest.mark.slow
def test_export_and_check(portraits: Path, tmp_path: Path) -> None:
    output = tmp_path / "mine.tflite"
    printed = example("export_and_check.py", output, portraits / "image", "--precision", "float16")
    assert output.is_file()
    assert "✓" in printed
    assert "mean |Δα|" in printed


@pytest.mark.slow
def test_batch_folder(portraits: Path, tmp_path: Path) -> None:
    printed = example("batch_folder.py", portraits / "image", tmp_path / "mattes", "--workers", 1)
    assert len(list((tmp_path / "mattes").glob("*.png"))) == 4
    assert "4 matted, 0 failed, 0 skipped" in printed
    assert "0 matted, 0 failed, 4 skipped" in example("batch_folder.py", portraits / "image", tmp_path / "mattes")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "said"), [("tour.ipynb", "with smoothing"), ("photo_to_parity.ipynb", "parity report: True")]
)
def test_the_notebooks(name: str, said: str) -> None:
    """Every cell runs. The kernel is a process of its own, so its warnings are not errors here."""
    program = (
        "import sys, nbformat\n"
        "from jupyter_client.manager import AsyncKernelManager\n"
        "from nbclient import NotebookClient\n"
        "notebook = nbformat.read(sys.argv[1], 4)\n"
        "assert not any(cell.get('outputs') for cell in notebook.cells), 'clear the outputs before committing'\n"
        "manager = AsyncKernelManager(kernel_name='python3', transport='ipc')\n"
        "NotebookClient(notebook, km=manager, timeout=3000).execute()\n"
        "print(''.join(output.get('text', '') for cell in notebook.cells for output in cell.get('outputs', [])))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(EXAMPLES / name)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert said in done.stdout


def test_every_example_is_run_and_described() -> None:
    tested = Path(__file__).read_text(encoding="utf-8")
    page = (ROOT / "docs" / "examples.md").read_text(encoding="utf-8")
    for path in EXAMPLES.iterdir():
        if path.suffix in (".py", ".ipynb"):
            assert path.name in tested
            assert path.name in page
