"""Whole jobs on a pool in this process; test_ray.py tests them on Ray."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import colour_profiles
import cv2
import numpy as np
import pytest
from batch_results import contents, invoke, ledger
from PIL import Image
from skimage.data import astronaut

from mmnet.batch.errors import BatchError, OtherJobError
from mmnet.batch.rendering import RenderOptions
from mmnet.runtime.model import default_model

pa = pytest.importorskip("pyarrow", reason="Arrow is not installed: jobs were not tested; install mmnet[ray]")

import pyarrow.parquet as pq  # noqa: E402

from mmnet.batch.store import open_store  # noqa: E402


@pytest.fixture(scope="module")
def matted(portraits: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The results of `mmnet matte` for every folder of the portraits."""
    out = tmp_path_factory.mktemp("matted")
    for folder in ("", "deep", "deep/er"):
        assert invoke("matte", portraits / folder, "-o", out / folder).exit_code == 0
    return contents(out)


def shard_rows(folder: Path) -> list[dict[str, Any]]:
    """Return all rows of all shards, sorted by output."""
    rows = [row for path in folder.glob("*.parquet") for row in pq.read_table(path).to_pylist()]
    return sorted(rows, key=lambda row: row["output"])


def test_results_are_those_of_mmnet_matte(
    portraits: Path, matted: dict[str, bytes], tmp_path: Path, run_here: Any
) -> None:
    out = tmp_path / "out"
    state = run_here(portraits, out)
    assert (state.total, state.done, state.failed, state.skipped) == (11, 11, 0, 0)
    assert contents(out) == matted
    assert {"deep/p1.jpg-alpha.png", "deep/p1.png-alpha.png"} < set(matted), "one stem, two results"
    lines = ledger(out)
    assert sorted(line["output"] for line in lines) == sorted(matted)
    assert all(line["error"] is None for line in lines)


@pytest.mark.parametrize("background", ["transparent", "blur", "#00ff00", "image"])
def test_results_of_every_background_are_those_of_mmnet_matte(
    background: str, portraits: Path, tmp_path: Path, run_here: Any
) -> None:
    if background == "image":
        background = str(tmp_path / "behind.png")
        assert cv2.imwrite(background, np.random.default_rng(7).integers(0, 256, (30, 50, 3), np.uint8))
    run_here(portraits / "deep" / "er", tmp_path / "out", rendered=RenderOptions.of(default_model(), background))
    assert invoke("matte", portraits / "deep" / "er", "-b", background, "-o", tmp_path / "one").exit_code == 0
    assert contents(tmp_path / "out") == contents(tmp_path / "one")


def test_cut_outs_show_the_colours_of_their_photos(tmp_path: Path, run_here: Any) -> None:
    """They are in sRGB, without a profile, and within one level of what the photo's profile says."""
    photo = astronaut()[:200, 100:300]
    (tmp_path / "in").mkdir()
    profiles: dict[str, Any] = {
        "p3": (colour_profiles.DISPLAY_P3, colour_profiles.P3_PRIMARIES, None),
        "adobe": (colour_profiles.ADOBE_RGB, colour_profiles.ADOBE_PRIMARIES, 563 / 256),
    }
    for name, (profile, *_) in profiles.items():
        Image.fromarray(photo).save(tmp_path / "in" / f"{name}.png", icc_profile=profile)
    rendered = RenderOptions.of(default_model(), "transparent", foreground=False)
    run_here(tmp_path / "in", tmp_path / "out", rendered=rendered)
    for name, (_, primaries, gamma) in profiles.items():
        with Image.open(tmp_path / "out" / f"{name}-cutout.png") as cut:
            assert "icc_profile" not in cut.info
            found = np.asarray(cut)
        inside = found[..., 3] == 255
        assert inside.mean() > 0.1
        assert np.abs(found[..., :3] - colour_profiles.srgb_of(photo, primaries, gamma))[inside].max() < 1


@pytest.mark.parametrize("to", ["files", "parquet"])
@pytest.mark.parametrize("interrupt", [0, 1, 3])
def test_an_interrupted_job_continues(
    to: str, interrupt: int, portraits: Path, tmp_path: Path, run_here: Any, serial_pool: Any
) -> None:
    options = {"to": to, "shard_size": 2}
    run_here(portraits, tmp_path / "whole", **options)
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        run_here(portraits, out, serial_pool(interrupt=interrupt), **options)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.p*") if "_mmnet" not in path.parts}
    state = run_here(portraits, out, **options)
    assert state.done + state.skipped == 11
    assert (state.skipped > 0) == (interrupt > 0)
    assert contents(out) == contents(tmp_path / "whole")
    assert all(path.stat().st_mtime_ns == written for path, written in before.items()), "nothing is done twice"
    outputs = [line["output"] for line in ledger(out)]
    assert (len(outputs), len(set(outputs))) == (11, 11), "nothing is recorded twice, nothing is lost"
    again = run_here(portraits, out, **options)
    assert (again.done, again.skipped, again.workers) == (0, 11, 0)


def test_results_count_even_where_the_ledger_was_lost(portraits: Path, tmp_path: Path, run_here: Any) -> None:
    for to in ("files", "parquet"):
        out = tmp_path / to
        run_here(portraits, out, to=to, shard_size=4)
        for part in (out / "_mmnet" / "ledger").iterdir():
            part.unlink()
        assert run_here(portraits, out, to=to, shard_size=4).skipped == 11
        assert len({line["output"] for line in ledger(out)}) == 11


def test_an_empty_result_is_rendered_again(portraits: Path, tmp_path: Path, run_here: Any) -> None:
    out = tmp_path / "out"
    run_here(portraits, out)
    whole = contents(out)
    (out / "p0-alpha.png").write_bytes(b"")
    assert run_here(portraits, out).done == 1
    assert contents(out) == whole


def test_images_added_later(portraits: Path, tmp_path: Path, run_here: Any) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    (source / "p.jpg").write_bytes((portraits / "p0.jpg").read_bytes())
    run_here(source, out)
    (source / "p.png").write_bytes((portraits / "deep" / "p1.png").read_bytes())
    assert (run_here(source, out).done, sorted(contents(out))) == (1, ["p-alpha.png", "p.png-alpha.png"])


@pytest.fixture
def with_bad_ones(portraits: Path, tmp_path: Path) -> Path:
    """A folder of two good photos and four damaged ones."""
    source = tmp_path / "in"
    source.mkdir()
    for name in ("p0.jpg", "p3.jpg"):
        (source / name).write_bytes((portraits / name).read_bytes())
    (source / "empty.jpg").touch()
    (source / "cut.jpg").write_bytes((portraits / "p0.jpg").read_bytes()[:2000])
    (source / "text.png").write_text("hello")
    (source / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\1\0\0\0\1\0\0\10\2\0\0\0")
    return source


BAD = ["bomb.png", "cut.jpg", "empty.jpg", "text.png"]


def test_bad_images_are_reported(with_bad_ones: Path, tmp_path: Path, run_here: Any) -> None:
    out = tmp_path / "out"
    state = run_here(with_bad_ones, out)
    assert (state.done, state.failed) == (2, 4)
    listed = [json.loads(line) for line in (out / "errors.jsonl").read_text().splitlines()]
    assert [entry["name"] for entry in listed] == BAD
    assert all(entry["error"].startswith(f"{entry['name']}: ") for entry in listed)

    again = run_here(with_bad_ones, out)
    assert (again.done, again.failed, again.skipped, again.workers) == (0, 4, 2, 0), "they are not tried again"
    (with_bad_ones / "cut.jpg").write_bytes((with_bad_ones / "p0.jpg").read_bytes())
    fixed = run_here(with_bad_ones, out, retry=True)
    assert (fixed.done, fixed.failed, fixed.skipped) == (1, 3, 2)
    assert len((out / "errors.jsonl").read_text().splitlines()) == 3
    for name in BAD:
        (with_bad_ones / name).unlink()
    assert run_here(with_bad_ones, out, retry=True).failed == 0
    assert not (out / "errors.jsonl").exists()


def test_bad_images_have_a_row_in_their_shard(with_bad_ones: Path, tmp_path: Path, run_here: Any) -> None:
    out = tmp_path / "out"
    assert run_here(with_bad_ones, out, to="parquet", shard_size=3).failed == 4
    rows = shard_rows(out)
    assert [row["name"] for row in rows if row["error"]] == BAD
    assert all((row["image"] is None) == (row["error"] is not None) for row in rows)
    assert run_here(with_bad_ones, out, to="parquet", shard_size=3).failed == 4
    (with_bad_ones / "cut.jpg").write_bytes((with_bad_ones / "p0.jpg").read_bytes())
    state = run_here(with_bad_ones, out, to="parquet", shard_size=3, retry=True)
    assert state.failed == 3
    assert [row["name"] for row in shard_rows(out) if row["error"]] == ["bomb.png", "empty.jpg", "text.png"]
    assert len(shard_rows(out)) == 6


def test_too_many_errors_stop_a_job(with_bad_ones: Path, tmp_path: Path, run_here: Any) -> None:
    state = run_here(with_bad_ones, tmp_path / "out", max_errors=1)
    assert state.failed == 2
    assert "max_errors=1" in str(state.stopped)
    assert run_here(with_bad_ones, tmp_path / "out", max_errors=4).stopped is None


def test_an_image_that_kills_its_worker_is_rendered_in_an_isolated_process(
    portraits: Path, tmp_path: Path, run_here: Any, serial_pool: Any
) -> None:
    pool = serial_pool(workers=1, deadly=frozenset({"deep/p4.jpg"}))
    state = run_here(portraits, tmp_path / "out", pool)
    assert (state.done, state.failed) == (11, 0)
    isolated = [task for task in pool.tasks if task.isolated]
    assert ["deep/p4.jpg"] in [[image.source.name for image in task.images] for task in isolated]
    run_here(portraits, tmp_path / "other")
    assert contents(tmp_path / "out") == contents(tmp_path / "other")


def test_results_that_the_destination_refuses(portraits: Path, tmp_path: Path, run_here: Any) -> None:
    out = tmp_path / "out"
    (out / "p0-alpha.png" / "in the way").mkdir(parents=True)
    state = run_here(portraits, out)
    assert (state.done, state.failed) == (10, 1)
    assert "p0-alpha.png: cannot be written" in (out / "errors.jsonl").read_text()
    (tmp_path / "file").touch()
    with pytest.raises(BatchError, match=r"file.*: cannot be .*"):
        run_here(portraits / "deep" / "er", tmp_path / "file" / "below")


@pytest.mark.parametrize("to", ["files", "parquet"])
def test_another_model_or_other_options_are_refused(to: str, portraits: Path, tmp_path: Path, run_here: Any) -> None:
    source, out = portraits / "deep" / "er", tmp_path / "out"
    run_here(source, out, to=to)
    before = contents(out)
    other = RenderOptions(default_model(), "transparent")
    with pytest.raises(OtherJobError, match=r"make alpha, not cutout; .*; name another destination"):
        run_here(source, out, to=to, rendered=other)
    with pytest.raises(OtherJobError, match=f"model {hashlib.sha256(default_model()).hexdigest()[:12]}…, not "):
        run_here(source, out, to=to, rendered=RenderOptions(default_model() + b"\0"))
    with pytest.raises(OtherJobError, match=r"source .*job\.json"):
        run_here(portraits / "deep", out, to=to)
    with pytest.raises(OtherJobError, match="holds results of another job: to"):
        run_here(source, out, to={"files": "parquet", "parquet": "files"}[to])
    assert contents(out) == before
    mine = {"mine.txt": b"mine", "part-00000.parquet": b"of somebody else"}
    for name, content in mine.items():
        (out / name).write_bytes(content)
    assert run_here(source, out, to=to, rendered=other, force=True).done == 3
    run_here(source, tmp_path / "new", to=to, rendered=other)
    assert contents(out) == {**contents(tmp_path / "new"), **mine}


def test_files_of_others_are_not_taken_for_results(portraits: Path, tmp_path: Path, run_here: Any) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "p0-alpha.png").write_text("precious")
    with pytest.raises(OtherJobError, match="mmnet batch did not write it"):
        run_here(portraits, out)
    assert contents(out) == {"p0-alpha.png": b"precious"}


@pytest.fixture(params=["plain", "struct"])
def table(request: pytest.FixtureRequest, portraits: Path, tmp_path: Path) -> Path:
    """The portraits as two Parquet files in row groups of three, and one row without an image."""
    rows = [
        {"name": path.relative_to(portraits).as_posix(), "image": path.read_bytes()}
        for path in sorted(portraits.rglob("p[0-9].*"))
    ]
    rows.append({"name": "none", "image": None})
    if request.param == "struct":
        rows = [{"image": {"bytes": row["image"], "path": row["name"]}, "label": 3} for row in rows]
    folder = tmp_path / "tables"
    (folder / "b").mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows[:5]), folder / "a.parquet", row_group_size=3)
    pq.write_table(pa.Table.from_pylist(rows[5:]), folder / "b" / "b.parquet", row_group_size=3)
    return folder


def test_parquet(table: Path, matted: dict[str, bytes], tmp_path: Path, run_here: Any, serial_pool: Any) -> None:
    name_column = "name" if "name" in pq.read_schema(table / "a.parquet").names else "image.path"
    out, shards = tmp_path / "out", tmp_path / "shards"
    assert run_here(table, out, name_column=name_column).failed == 1
    results = contents(out)
    assert "none: has no image" in results.pop("errors.jsonl").decode()
    assert results == matted

    with pytest.raises(KeyboardInterrupt):
        run_here(table, shards, serial_pool(interrupt=2), to="parquet", name_column=name_column)
    assert (
        run_here(table, shards, to="parquet", name_column=name_column).done,
        len(list(shards.glob("*.parquet"))),
    ) == (6, 5)
    rows = {row["output"]: row["image"] for row in shard_rows(shards)}
    assert rows.pop("none-alpha.png") is None
    assert rows == matted
    size = next(row for row in shard_rows(shards) if row["output"] == "p0-alpha.png")
    assert (size["width"], size["height"]) == (200, 200)


def test_missing_columns_are_named(table: Path, tmp_path: Path, run_here: Any) -> None:
    with pytest.raises(BatchError, match=r"a\.parquet: has no column 'photo'; .*image_column=NAME"):
        run_here(table, tmp_path / "out", image_column="photo")
    with pytest.raises(BatchError, match=r"a\.parquet: has no column 'id'; .*name_column=NAME"):
        run_here(table, tmp_path / "out", name_column="id")
    for path in table.rglob("*.parquet"):
        path.write_bytes(b"PAR1 and more")
    with pytest.raises(BatchError, match=r"a\.parquet: cannot be read as Parquet"):
        run_here(table, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_fsspec_and_file_uris(portraits: Path, matted: dict[str, bytes], tmp_path: Path, run_here: Any) -> None:
    """A job reads a file:// URI and writes to a file system of fsspec."""
    place = f"memory://{tmp_path.name}/out"
    assert run_here(f"file://{portraits}", place).done == 11
    results = open_store(place)
    assert {f.name: results.read(f.name) for f in results.files() if not f.name.startswith("_")} == matted
    assert run_here(f"file://{portraits}", place).skipped == 11


@pytest.mark.parametrize(
    ("source", "destination", "more", "line"),
    [
        ("empty", "out", [], "empty: no such folder, or nothing in it"),
        ("gone", "out", [], "gone: no such folder, or nothing in it"),
        ("in", "in/out", [], "lies in"),
        ("in/deep", "in", [], "lies in"),
        ("in/p0.jpg", "out", [], "is a file"),
        ("nosuch://x", "out", [], "nosuch://x: cannot be opened"),
        ("in", "out", ["-b", "nosuch"], "background 'nosuch': no such image"),
        ("in", "out", ["-m", "gone.tflite"], "gone.tflite: no such"),
    ],
)
def test_a_job_that_cannot_start_gives_one_line(
    source: str, destination: str, more: list[str], line: str, portraits: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "in").symlink_to(portraits)
    message = str(invoke("batch", source, destination, *more).exception)
    assert line in message
    assert "\n" not in message
    assert not (tmp_path / "out").exists()


def test_the_help_has_examples() -> None:
    shown = invoke("batch", "--help").stdout
    assert "mmnet batch photos/ mattes/" in shown
