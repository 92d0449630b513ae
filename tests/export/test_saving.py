"""Saving of an exported model: model and recipe both or neither, and one of several writers to a new file."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mmnet.errors import OutputError, OutputExistsError
from mmnet.export.model import ExportedModel, check_output


def model(number: int) -> ExportedModel:
    return ExportedModel(f"content {number}".encode(), {"number": number}, ())


def test_of_several_exports_to_a_new_file_exactly_one_succeeds(tmp_path: Path) -> None:
    path = tmp_path / "new.tflite"

    def save(number: int) -> bool:
        try:
            model(number).save(path)
        except OutputExistsError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(save, range(8)))
    assert won.count(True) == 1
    number = won.index(True)
    assert path.read_text() == f"content {number}"
    assert f'"number": {number}' in (tmp_path / "new.tflite.recipe.json").read_text()
    assert len(list(tmp_path.iterdir())) == 2
    model(9).save(path, force=True)
    assert path.read_text() == "content 9"


def test_a_name_that_leaves_no_room_for_the_recipe_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="shorten it"):
        model(0).save(tmp_path / ("m" * 248 + ".tflite"))
    assert list(tmp_path.iterdir()) == []
    name = "m" * (255 - len(".tflite.recipe.json")) + ".tflite"
    model(0).save(tmp_path / name)
    assert (tmp_path / name).read_text() == "content 0"


@pytest.mark.parametrize(("file_format", "own"), [("tflite", ".tflite"), ("onnx", ".onnx"), ("coreml", ".mlpackage")])
def test_the_ending_of_another_format_is_refused_and_every_other_name_is_taken(
    tmp_path: Path, file_format: str, own: str
) -> None:
    exported = ExportedModel(b"content", {"file_format": file_format}, ())
    for ending in {".tflite", ".onnx", ".mlpackage", ".ONNX", ".TFLite"}:
        if ending.lower() != own:
            with pytest.raises(
                OutputError, match=rf"{ending} is the ending of another format; save this model as {own}"
            ):
                exported.save(tmp_path / f"mine{ending}")
    assert list(tmp_path.iterdir()) == []
    if file_format != "coreml":
        for name in ("mine.bin", "mine"):
            assert exported.save(tmp_path / name).read_bytes() == b"content"


@pytest.mark.parametrize("force", [False, True])
def test_a_folder_that_exists_is_no_name_for_a_core_ml_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, force: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    for name, instead in ((".", "mmnet"), ("..", "../mmnet"), ("models", "models/mmnet"), ("new", "new")):
        with pytest.raises(OutputError, match=rf"^{name}: .* a folder .*; name {instead}\.mlpackage$"):
            check_output(Path(name), "coreml", force=force)
    for name in (".", "..", "models"):
        with pytest.raises(OutputError, match="is a folder; name a file"):
            check_output(Path(name), "tflite", force=force)
