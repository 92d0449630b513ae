"""`mmnet evaluate --video`: sequences found, checked, measured frame by frame and smoothed."""

from __future__ import annotations

import json
import subprocess
from importlib import resources
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from moving import drawn_sequence
from portraits import drawn_portrait, write_folders, write_image
from support import ROOT, error_line, run

from mmnet.evaluation.datasets.pairs import DatasetError
from mmnet.evaluation.datasets.sequences import check_sequences, load_sequences
from mmnet.evaluation.metrics import mad
from mmnet.evaluation.video.evaluate import NAMES
from mmnet.evaluation.video.metrics import DTSSD_SCALE, dtssd
from mmnet.evaluation.video.report import markdown
from mmnet.runtime import MattingModel, PortraitMatter, TemporalSmoother, read_photo

MOTIONS = {"000-still": "still", "001-drift": "drift"}
MODEL = Path(str(resources.files("mmnet.runtime"))) / "models" / "mmnet-1.0-256-int8.tflite"


def write_sequence(images: Path, masks: Path, length: int = 3, first: int = 0, size: int = 48) -> None:
    frames, mattes = drawn_sequence([(20 + at, 24) for at in range(length)], size=size, first=first)
    for at, (frame, matte) in enumerate(zip(frames, mattes, strict=True)):
        write_image(images / f"{at}.png", frame)
        write_image(masks / f"{at}.png", np.rint(matte * 255).astype(np.uint8))


@pytest.fixture(scope="module")
def sequences(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sequences of a noisy camera, written by `mmnet data sequences`."""
    root = tmp_path_factory.mktemp("films")
    portraits = write_folders(root / "set", 2)
    scene = write_image(root / "scenes" / "a.png", drawn_portrait(8)[0])
    arguments = ["--motions", "still,drift", "--count", 2, "--frames", 6, "--size", "96x96", "--seed", 2]
    done = run("mmnet", "data", "sequences", portraits, root / "out", "--backgrounds", scene.parent, *arguments)
    assert done.returncode == 0, done.stderr
    return root / "out"


@pytest.fixture(scope="module")
def measured(sequences: Path, tmp_path_factory: Any) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    """One call with the model that ships, and the JSON that it wrote."""
    path = tmp_path_factory.mktemp("out") / "video.json"
    done = run("mmnet", "evaluate", "--video", "-m", MODEL, "-d", sequences, "--json", path)
    assert done.returncode == 0, done.stderr
    return done, json.loads(path.read_text())


def test_the_json(measured: Any) -> None:
    found = measured[1]
    assert found["format"] == "mmnet-video-evaluation/1"
    assert {key: found["data"][key] for key in ("split", "sequences", "frames")} == {
        "split": None, "sequences": 2, "frames": 12,
    }  # fmt: skip
    assert list(found["figures"]) == list(NAMES)
    assert found["smoother"] == TemporalSmoother().options
    (model,) = found["models"]
    for part in ("frame_by_frame", "smoothed"):
        assert set(model[part]["sequences"]) == set(MOTIONS)
        assert set(model[part]["motions"]) == set(MOTIONS.values())
        for name in NAMES:
            values = [figures[name] for figures in model[part]["sequences"].values()]
            entry = model[part]["statistics"][name]
            assert entry["mean"] == pytest.approx(np.mean(values))
            assert min(values) <= entry["low"] <= entry["high"] <= max(values)
            for sequence, motion in MOTIONS.items():
                assert model[part]["motions"][motion][name] == model[part]["sequences"][sequence][name]
    for name in NAMES:
        means = [model[part]["statistics"][name]["mean"] for part in ("smoothed", "frame_by_frame")]
        assert model["change"][name]["mean"] == pytest.approx(means[0] - means[1])


def test_the_figures_are_of_the_runtimes_mattes(measured: Any, sequences: Path) -> None:
    """The figures are computed again, frame by frame, with the public runtime."""
    (model,) = measured[1]["models"]
    with MattingModel(MODEL, 1) as network:
        for sequence in MOTIONS:
            matters = {
                "frame_by_frame": PortraitMatter(network, upsampling="bilinear"),
                "smoothed": PortraitMatter(network, upsampling="bilinear", smoothing=TemporalSmoother),
            }
            rows: dict[str, list[Any]] = {part: [] for part in matters}
            truths = []
            for at in range(6):
                frame = read_photo(sequences / sequence / "image" / f"{at:04}.png")
                truths.append(read_photo(sequences / sequence / "mask" / f"{at:04}.png")[..., 0] / np.float32(255))
                for part, matter in matters.items():
                    rows[part].append(matter.video(frame, at))
            for part, alphas in rows.items():
                figures = model[part]["sequences"][sequence]
                assert figures["MAD"] == pytest.approx(
                    np.mean([mad(*pair) for pair in zip(alphas, truths, strict=True)])
                )
                changes = [dtssd(alphas[at], alphas[at - 1], truths[at], truths[at - 1]) for at in range(1, 6)]
                assert figures["dtSSD"] == pytest.approx(DTSSD_SCALE * np.mean(changes))


def test_the_still_film_is_smoothed(measured: Any) -> None:
    (model,) = measured[1]["models"]
    before, after = (model[part]["sequences"]["000-still"]["dtSSD"] for part in ("frame_by_frame", "smoothed"))
    assert 0 < after < before


def test_the_table(measured: Any) -> None:
    done = measured[0]
    lines = [line.split() for line in done.stdout.splitlines()]
    name = MODEL.stem
    assert lines[0] == [name, name, "smoothed"]
    (model,) = measured[1]["models"]
    means = [f"{model[part]['statistics']['MAD']['mean']:.5f}" for part in ("frame_by_frame", "smoothed")]
    row = lines.index(["MAD", *means])
    assert [line[:3] for line in lines[row + 1 : row + 3]] == [["±", "deviation", "±"], ["95", "%", "interval"]]
    assert "2 sequences, 12 frames" in done.stdout
    assert done.stderr == ""


def test_standard_output_is_json_alone(sequences: Path, uint8_model: Path) -> None:
    done = run("mmnet", "evaluate", "--video", "-m", uint8_model, "-d", sequences, "--json", "-", "--no-images")
    assert done.returncode == 0, done.stderr
    (model,) = json.loads(done.stdout)["models"]
    assert "sequences" not in model["smoothed"]
    assert "dtSSD" in done.stderr


def test_layouts(tmp_path: Path) -> None:
    write_sequence(tmp_path / "own" / "a" / "image", tmp_path / "own" / "a" / "mask")
    write_sequence(tmp_path / "own" / "b" / "image", tmp_path / "own" / "b" / "mask", 12, first=4)
    write_sequence(tmp_path / "rvm" / "set" / "0001" / "com", tmp_path / "rvm" / "set" / "0001" / "pha")
    write_sequence(tmp_path / "apart" / "com" / "x", tmp_path / "apart" / "pha" / "x")
    found = {name: load_sequences(tmp_path / name) for name in ("own", "rvm", "apart")}
    assert {name: [sequence.name for sequence in listed] for name, listed in found.items()} == {
        "own": ["a", "b"], "rvm": ["set/0001"], "apart": ["x"],
    }  # fmt: skip
    (alone,) = load_sequences(tmp_path / "own", "a")
    assert alone.name == "a"
    # 2 comes before 10.
    assert [pair.name for pair in found["own"][1].pairs] == [str(number) for number in range(12)]
    assert check_sequences(found["own"]).lengths == [3, 12]
    # The same images under the same name are the same data; other ones are not.
    hashes = [check_sequences(load_sequences(tmp_path / "own", part)).sha256 for part in ("a", "b")]
    assert len(set(hashes)) == 2


def write_video(path: Path, images: list[Any]) -> None:
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    kind = "rgb24" if images[0].ndim == 3 else "gray"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=30)
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = "bgr0" if kind == "rgb24" else "gray"
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format=kind)))
        container.mux(stream.encode())


def test_videos(tmp_path: Path) -> None:
    pytest.importorskip("av")
    frames, mattes = drawn_sequence([(20.0 + at, 24.0) for at in range(4)], size=48)
    masks = [np.rint(matte * 255).astype(np.uint8) for matte in mattes]
    write_video(tmp_path / "good" / "com" / "a.mkv", frames)
    write_video(tmp_path / "good" / "pha" / "a.mkv", masks)
    (sequence,) = load_sequences(tmp_path / "good")
    assert sequence.name == "a"
    for (frame, mask), image, matte in zip(sequence.frames(), frames, masks, strict=True):
        np.testing.assert_array_equal(frame, image)
        np.testing.assert_array_equal(mask, matte)

    write_video(tmp_path / "short" / "com" / "a.mkv", frames)
    write_video(tmp_path / "short" / "pha" / "a.mkv", masks[:3])
    with pytest.raises(DatasetError, match=r"pha/a\.mkv: has 3 frames, its video .*com/a\.mkv 4"):
        check_sequences(load_sequences(tmp_path / "short"))
    (tmp_path / "good" / "pha" / "a.mkv").write_bytes(b"no video")
    with pytest.raises(DatasetError, match=r"a\.mkv: is not a video that is read"):
        check_sequences(load_sequences(tmp_path / "good"))
    (tmp_path / "good" / "pha" / "a.mkv").unlink()
    with pytest.raises(DatasetError, match=r"com/a\.mkv: has no mattes in"):
        load_sequences(tmp_path / "good")


FAULTS = {
    "matte": "4.png: has no matte in {masks} (6 frames, 5 mattes)",
    "frame": "4.png: has no frame in {images} (5 frames, 6 mattes)",
    "folder": "{masks}: no such folder",
    "size": "4.png: is 40×40, the frames before 48×48",
    "pair": "4.png: is 40×40, its photo",
    "colour": "4.png: is an image in colour",
    "truncated": "4.png",
    "single": "film: has 1 frame",
    "nothing": "has no sequence in it",
}


@pytest.mark.parametrize("fault", list(FAULTS))
def test_every_fault_is_a_line(tmp_path: Path, uint8_model: Path, fault: str) -> None:
    images, masks = tmp_path / "films" / "film" / "image", tmp_path / "films" / "film" / "mask"
    write_sequence(images, masks, 1 if fault == "single" else 6)
    small = np.zeros((40, 40), np.uint8)
    if fault == "matte":
        (masks / "4.png").unlink()
    elif fault == "frame":
        (images / "4.png").unlink()
    elif fault == "folder":
        masks.rename(masks.with_name("elsewhere"))
    elif fault in ("size", "pair"):
        cv2.imwrite(str(masks / "4.png"), small)
        if fault == "size":
            cv2.imwrite(str(images / "4.png"), small)
    elif fault == "colour":
        (masks / "4.png").write_bytes((images / "4.png").read_bytes())
    elif fault == "truncated":
        (images / "4.png").write_bytes((images / "4.png").read_bytes()[:100])
    elif fault == "nothing":
        (tmp_path / "films" / "film").rename(tmp_path / "away")
    with pytest.raises(DatasetError) as raised:
        check_sequences(load_sequences(tmp_path / "films"))
    (line,) = raised.value.problems
    assert FAULTS[fault].format(images=images, masks=masks) in line
    assert str(tmp_path / "films") in line or line.startswith("film:")
    if fault != "matte":
        return
    out = tmp_path / "video.json"
    told = error_line(run("mmnet", "evaluate", "--video", "-m", uint8_model, "-d", tmp_path / "films", "--json", out))
    assert told == f"error: {line}"
    assert not out.exists()


def test_missing_pyav_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mmnet.errors import MissingExtraError

    for part in ("com", "pha"):
        (tmp_path / part).mkdir()
        (tmp_path / part / "a.mp4").write_bytes(b"")
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'mmnet\[video\]'"):
        check_sequences(load_sequences(tmp_path))


def test_the_page_is_made_from_the_figures() -> None:
    results = ROOT / "evaluation" / "results"
    found = json.loads((results / "video-test.json").read_text(encoding="utf-8"))
    assert (results / "video.md").read_text(encoding="utf-8").endswith("\n---\n\n" + markdown(found))
    (model,) = found["models"]
    assert found["smoother"] == TemporalSmoother().options, "measured with other options than the defaults"
    assert model["change"]["dtSSD"]["high"] < 0
