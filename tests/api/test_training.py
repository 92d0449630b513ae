"""`mmnet.train` and `mmnet.quantize_checkpoint`: results, listeners and refusals, on networks of a few steps."""

from __future__ import annotations

import inspect
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from portraits import write_folders
from support import EAGERLY, eagerly, random_checkpoint

import mmnet
from mmnet.api.quantizing import QuantizeError
from mmnet.errors import OutputExistsError
from mmnet.network.checkpoint import load_checkpoint, save_checkpoint
from mmnet.network.config import ModelConfig
from mmnet.training.checkpoints import step_folder
from mmnet.training.data.layouts import DataError, LayoutError
from mmnet.training.listener import ListenerGroup
from mmnet.training.recipes import RecipeError, find_recipe

SIZE = 32


class Record(mmnet.TrainingListener):
    """A listener that records the names of the events and the steps."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.steps: list[int] = []

    def on_opened(self, role: str, opened: Any) -> None:
        self.events.append(f"opened {role}")

    def on_data(self, data: Any, size: int) -> None:
        self.events.append(f"data {size}")

    def on_ranges(self, ranges: Any, images: int) -> None:
        self.events.append(f"ranges {images}")

    def on_stage(self, stage: Any, first: int, done: int, total: int) -> None:
        self.events.append(f"stage {done} of {total}")

    def on_step(self, step: int, *_: Any) -> None:
        self.steps.append(step)

    def on_checkpoint(self, checkpoint: Any, folder: Path, images: Any) -> None:
        self.events.append(f"checkpoint {folder.name}")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with portraits, and the checkpoint `start` in `checkpoints`."""
    folder = tmp_path_factory.mktemp("place")
    write_folders(folder / "portraits", 6)
    save_checkpoint(random_checkpoint(ModelConfig(0.35, SIZE), seed=1, step=100), folder / "checkpoints" / "start")
    return folder


@pytest.mark.slow
@pytest.mark.filterwarnings(EAGERLY)
def test_a_run_reports_its_checkpoints_and_is_resumed(place: Path) -> None:
    fine_tune = find_recipe("fine-tune")
    options = mmnet.TrainingOptions(
        data=[place / "portraits"],
        recipe=replace(fine_tune, stages=(replace(fine_tune.stages[0], size=SIZE, batch=2),)),
        start="start",
        steps=2,
        validation=0.3,
        checkpoint_dir=place / "checkpoints",
        run="mine",
        save_every=1,
        workers=1,
    )
    record = Record()
    with eagerly():
        run = mmnet.train(options, listener=record)
    last = step_folder(place / "checkpoints" / "mine", 102)
    assert record.steps == [101, 102]
    assert record.events == [
        "opened from", f"data {SIZE}", "stage 0 of 2", "checkpoint step-0000101", "checkpoint step-0000102",
    ]  # fmt: skip
    assert (run.folder, run.last.folder, run.last.step) == (last.parent, last, 102)
    assert run.best.metrics["mad"] <= run.last.metrics["mad"]
    assert run.last.load().fingerprint() == load_checkpoint(last).fingerprint()
    assert str(last) in str(run)
    assert "validation_mad" in str(run)
    assert "best step" in repr(run)
    with pytest.raises(OutputExistsError, match="holds a run already"):
        mmnet.train(options)
    assert mmnet.train(options, resume=True) == run


@pytest.mark.slow
def test_ranges_are_measured_without_training(place: Path, photos: Path) -> None:
    record = Record()
    quantized = mmnet.quantize_checkpoint(
        "start",
        steps=0,
        calibration=photos,
        calibration_photos=4,
        checkpoint_dir=place / "checkpoints",
        listener=record,
    )
    assert record.events == ["opened from", "ranges 4"]
    assert quantized.run == place / "checkpoints" / "quantized"
    loaded = quantized.load()
    assert loaded.ranges == quantized.ranges
    assert quantized.ranges.source["trained_steps"] == 0
    assert f"{len(quantized.ranges.limits)} ranges" in repr(quantized)
    assert str(quantized.saved.folder) in str(quantized)


def test_train_refuses_what_does_not_fit(place: Path) -> None:
    options = mmnet.TrainingOptions(data=["absent"], checkpoint_dir=place / "checkpoints", run="refused")
    for changes, error, message in (
        ({"recipe": "magic"}, RecipeError, "unknown recipe 'magic'"),
        ({}, RecipeError, "goes on from a checkpoint"),
        ({"start": "nowhere"}, mmnet.MMNetError, "nowhere: no such checkpoint"),
        ({"start": "start"}, LayoutError, "absent: no such folder"),
    ):
        with pytest.raises(error, match=message):
            mmnet.train(options, **changes)
    with pytest.raises(TypeError, match="epochs"):
        mmnet.train(options, epochs=3)


def test_quantize_refuses_to_train_or_measure_on_nothing(place: Path) -> None:
    with pytest.raises(QuantizeError, match="data=DIR"):
        mmnet.quantize_checkpoint("start", checkpoint_dir=place / "checkpoints")
    with pytest.raises(QuantizeError, match="calibration=PHOTOS"):
        mmnet.quantize_checkpoint("start", steps=0, checkpoint_dir=place / "checkpoints")


def test_a_group_passes_every_event_on() -> None:
    """Each method of a listener is called once per member, with the same arguments."""
    events = {name: method for name, method in vars(mmnet.TrainingListener).items() if name.startswith("on_")}
    calls: list[tuple[str, tuple[object, ...]]] = []

    def recorder(name: str) -> Any:
        return lambda self, *arguments: calls.append((name, arguments))

    member = type("Member", (mmnet.TrainingListener,), {name: recorder(name) for name in events})
    group = ListenerGroup(member(), member())
    for name, method in events.items():
        arguments = tuple(range(len(inspect.signature(method).parameters) - 1))
        getattr(group, name)(*arguments)
        assert calls == [(name, arguments)] * 2
        calls.clear()


def test_a_run_that_never_began_does_not_block_the_next(tmp_path: Path) -> None:
    """The record of a run that ended before its first checkpoint is no run."""
    (tmp_path / "ckpt" / "mine" / "events").mkdir(parents=True)
    for attempt in range(2):
        with pytest.raises(DataError, match="no such folder"):
            mmnet.train(
                data=[str(tmp_path / "nothing")], start="latest", steps=1, run="mine", checkpoint_dir=tmp_path / "ckpt"
            )
        assert {entry.name for entry in (tmp_path / "ckpt" / "mine").iterdir()} == {"events"}, attempt
