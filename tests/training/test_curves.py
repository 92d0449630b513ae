"""The curves of a run, read from event files and written as a table and an image."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
from support import error_line, run
from tensorboardX import SummaryWriter

from mmnet.training.curves import CurvesError, curves_image, curves_table, find_run, read_curves
from mmnet.training.events import EventFiles
from mmnet.training.recipes import Stage


def record(folder, values, suffix=""):
    """Write an event file with `values`, step → loss."""
    with SummaryWriter(str(folder / "events"), filename_suffix=suffix) as writer:
        for step, value in values.items():
            writer.add_scalar("loss/loss", value, step)
            if step % 20 == 0:
                writer.add_scalar("metrics/validation_mad", value / 10, step)


def test_a_repeated_step_counts_as_it_was_last(tmp_path):
    record(tmp_path, {10: 4.0, 20: 3.0, 30: 2.0}, ".1")
    first = next((tmp_path / "events").iterdir())
    # The names of event files begin with the time in seconds.
    first.rename(first.with_name("events.out.tfevents.1.host.1"))
    record(tmp_path, {30: 1.5, 40: 1.0}, ".2")
    found = read_curves(tmp_path)
    assert found["loss/loss"] == {10: 4.0, 20: 3.0, 30: 1.5, 40: 1.0}
    rows = list(csv.DictReader(curves_table(found).splitlines()))
    assert [row["step"] for row in rows] == ["10", "20", "30", "40"]
    assert [row["metrics/validation_mad"] for row in rows] == ["", "0.3", "", "0.1"]


@pytest.mark.parametrize("lost", [1, 5, 30])
def test_an_incomplete_event_file_is_read_up_to_its_end(tmp_path, lost):
    record(tmp_path, {10: 4.0, 15: 3.0, 25: 2.0})
    (events,) = (tmp_path / "events").iterdir()
    events.write_bytes(events.read_bytes()[:-lost])
    assert read_curves(tmp_path)["loss/loss"] == {10: 4.0, 15: 3.0}


def test_a_folder_without_events_is_refused(tmp_path):
    with pytest.raises(CurvesError, match="mmnet train"):
        read_curves(tmp_path)


@pytest.mark.parametrize("values", [{1: 3.0}, {1: 3.0, 2: 2.5}, {20: 1.0}])
def test_a_short_run_has_only_panels_with_curves(tmp_path, values, recwarn):
    record(tmp_path, values)
    recorded = read_curves(tmp_path)
    image = cv2.imdecode(np.frombuffer(curves_image(recorded), np.uint8), cv2.IMREAD_COLOR)
    assert not recwarn.list
    # An empty panel would be white but for its frame and grid; each panel here holds a line or a point in colour.
    panels = 1 + ("metrics/validation_mad" in recorded)
    for part in np.array_split(image, panels, axis=1):
        assert (np.ptp(part.astype(int), axis=2) > 40).any()


@pytest.mark.parametrize(("total", "steps"), [(3, [1, 2, 3]), (200, [4, 8]), (20_000, [20, 40])])
def test_short_runs_are_recorded_more_often(tmp_path, total, steps):
    with EventFiles(tmp_path) as events:
        events.on_stage(Stage(total, 32, 1, 1e-4, 1e-4), 0, 0, total)
        for step in range(1, steps[-1] + 1):
            events.on_step(step, {"loss": 1.0}, 1e-4, 2.0)
    assert list(read_curves(tmp_path)["loss/loss"]) == steps


def test_a_run_is_found_by_its_name(tmp_path):
    record(tmp_path / "checkpoints" / "mine", {20: 3.0})
    checkpoints = tmp_path / "checkpoints"
    assert find_run(checkpoints / "mine", checkpoints) == checkpoints / "mine"
    assert find_run(Path("mine"), checkpoints) == checkpoints / "mine"
    with pytest.raises(CurvesError, match=r"name a run of mmnet train; the runs of .*checkpoints are mine"):
        find_run(Path("other"), checkpoints)


def test_the_command_writes_both_files_and_replaces_them_with_force_only(tmp_path):
    record(tmp_path / "run", {20: 3.0, 40: 2.0})
    result = run("mmnet", "curves", "run", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    image = cv2.imread(str(tmp_path / "run" / "curves.png"))
    assert image.shape[1] > image.shape[0] > 400
    before = (tmp_path / "run" / "curves.png").read_bytes()
    assert "--force" in error_line(run("mmnet", "curves", "run", cwd=tmp_path))
    assert run("mmnet", "curves", "run", "--force", cwd=tmp_path).returncode == 0
    assert (tmp_path / "run" / "curves.png").read_bytes() == before
    assert "absent" in error_line(run("mmnet", "curves", "absent", cwd=tmp_path))
