"""One image of many: whatever its name, its bytes or its place do, it fails alone and the others are done."""

from __future__ import annotations

import errno
import json
import logging
import os
import shutil
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from batch_results import contents, ledger

from mmnet.batch.errors import BatchError
from mmnet.batch.plan import Task
from mmnet.batch.protocols import Work
from mmnet.failures import LOG

pa = pytest.importorskip("pyarrow", reason="Arrow is not installed: jobs were not tested; install mmnet[ray]")

import pyarrow.parquet as pq  # noqa: E402

from mmnet.batch import worker as worker_module  # noqa: E402
from mmnet.batch.filesystems.local import LocalFiles  # noqa: E402
from mmnet.batch.options import Columns  # noqa: E402
from mmnet.batch.rendering import EncodedImage  # noqa: E402
from mmnet.batch.sources import list_sources  # noqa: E402
from mmnet.batch.store import open_store  # noqa: E402

COUNT = 40  # images, in tasks of several


@pytest.fixture
def photo(portraits: Path) -> bytes:
    return (portraits / "p0.jpg").read_bytes()


@pytest.fixture
def many(tmp_path: Path, photo: bytes) -> Path:
    folder = tmp_path / "many"
    folder.mkdir()
    for index in range(COUNT):
        (folder / f"p{index:02}.jpg").write_bytes(photo)
    return folder


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for the network: these tests are about everything around it."""

    class Renderer:
        def __init__(self, options: object) -> None:
            pass

        def __call__(self, name: str, data: bytes, output: str) -> EncodedImage:
            if "odd" in name:
                raise AssertionError("planted")
            return EncodedImage(data[:100], 1, 1)

    class InProcess:
        def __init__(self, build: Callable[..., Any], *arguments: object) -> None:
            self._function = build(*arguments)

        def __enter__(self) -> Any:
            return self._function

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(worker_module, "ImageRenderer", Renderer)
    monkeypatch.setattr(worker_module, "IsolatedProcess", InProcess)


def failed(out: Path) -> list[str]:
    path = out / "errors.jsonl"
    return [json.loads(line)["name"] for line in path.read_text().splitlines()] if path.exists() else []


@pytest.mark.parametrize("places", [[17], [2, 7, 12], [3, 4, 5]])
def test_names_without_room_for_the_suffix_fail_alone(
    places: list[int], many: Path, photo: bytes, tmp_path: Path, run_here: Any, serial_pool: Any
) -> None:
    long = [f"p{place:02}" + "m" * 247 + ".jpg" for place in places]
    for name in long:
        (many / name).write_bytes(photo)
    pool = serial_pool(workers=1)
    state = run_here(many, tmp_path / "out", pool)
    assert max(len(task.images) for task in pool.tasks) > 1, "tasks of one image would prove nothing"
    assert (state.done, state.failed, state.left) == (COUNT, len(long), 0)
    assert failed(tmp_path / "out") == long
    assert "shorten it" in (tmp_path / "out" / "errors.jsonl").read_text()
    assert len(contents(tmp_path / "out")) == COUNT + 1
    again = run_here(many, tmp_path / "out", retry=True)
    assert (again.done, again.failed, again.skipped) == (0, len(long), COUNT)


def test_an_output_whose_place_is_taken_fails_alone(many: Path, tmp_path: Path, run_here: Any) -> None:
    out = tmp_path / "out"
    for name in ("p03", "p04", "p05"):
        (out / f"{name}-alpha.png" / "in the way").mkdir(parents=True)
    state = run_here(many, out)
    assert (state.done, state.failed, state.left) == (COUNT - 3, 3, 0)
    assert failed(out) == ["p03.jpg", "p04.jpg", "p05.jpg"]


@pytest.mark.parametrize("to", ["files", "parquet"])
def test_names_that_are_not_utf_8(to: str, many: Path, photo: bytes, tmp_path: Path, run_here: Any) -> None:
    name = os.fsdecode(b"caf\xe9.jpg")
    (many / name).write_bytes(photo)
    out = tmp_path / "out"
    state = run_here(many, out, to=to)
    if to == "files":
        assert (state.done, state.failed) == (COUNT + 1, 0)
        assert (out / os.fsdecode(b"caf\xe9-alpha.png")).stat().st_size == 100
    else:
        assert (state.done, state.failed) == (COUNT, 1)
        assert "its name is not UTF-8; rename it, or write files" in (out / "errors.jsonl").read_text()
    assert [line["name"] for line in ledger(out) if line["name"] == name] == [name]
    assert run_here(many, out, to=to).skipped == state.done
    shutil.rmtree(out)
    place = f"memory://{tmp_path.name}"
    state = run_here(many, place, to=to)
    assert (state.done, state.failed) == (COUNT, 1), "an object store takes names in UTF-8 alone"


BAD_NAMES = {
    b"caf\xe9": "not UTF-8",
    b"": "has no name",
    b".": "has no name",
    b"_mmnet/ledger/x": "records of jobs",
    b"_MMNET/job.json": "records of jobs",
    b"./_mmnet/x": "records of jobs",
    b"a\\b": "backslash",
    b"..\\..\\x": "backslash",
    b"../x": "leads out",
    b"/x": "leads out",
    b"a\0b": "leads out",
    b"n" * 300: "shorten it",
    b"d/" * 3000 + b"x": "too long",
}


def test_bad_names_in_parquet_fail_alone_and_poison_nothing(photo: bytes, tmp_path: Path, run_here: Any) -> None:
    names = [b"good", *BAD_NAMES, b"also/good", None]
    texts = pa.Array.from_buffers(
        pa.string(), len(names), pa.array([name if name is not None else b"" for name in names], pa.binary()).buffers()
    )
    table = pa.table({"name": texts, "image": pa.array([photo] * len(names), pa.binary())})
    pq.write_table(table, tmp_path / "in.parquet", row_group_size=5)
    out = tmp_path / "out"
    for run in range(3):
        state = run_here(tmp_path / "in.parquet", out, retry=run == 2)
        assert (state.total, state.done + state.skipped, state.failed) == (len(names), 2, len(names) - 3)
    assert sorted(set(contents(out)) - {"errors.jsonl"}) == ["also/good-alpha.png", "good-alpha.png"]
    assert sorted(path.name for path in (out / "_mmnet").iterdir()) == ["job.json", "ledger"]
    errors = {
        json.loads(line)["name"]: json.loads(line)["error"] for line in (out / "errors.jsonl").read_text().splitlines()
    }
    for name, reason in BAD_NAMES.items():
        assert reason in errors[os.fsdecode(name)], name
    assert not list(tmp_path.glob("x*"))


def test_a_damaged_parquet_file_fails_alone(photo: bytes, tmp_path: Path, run_here: Any) -> None:
    tables, out = tmp_path / "tables", tmp_path / "out"
    tables.mkdir()
    for stem in "abc":
        table = pa.table({"image": [photo] * 4, "name": [f"{stem}{index}.jpg" for index in range(4)]})
        pq.write_table(table, tables / f"{stem}.parquet", row_group_size=2, compression="none")
    whole = (tables / "b.parquet").read_bytes()
    pq.write_table(pa.table({"notes": ["no image"]}), tables / "d.parquet")
    (tables / "e.parquet").touch()
    (tables / "b.parquet").write_bytes(whole[: len(whole) // 2])
    state = run_here(tables, out)
    assert (state.total, state.done, state.failed, state.left) == (11, 8, 3, 0)
    assert failed(out) == ["b.parquet", "d.parquet", "e.parquet"]
    assert "has no column 'image'" in (out / "errors.jsonl").read_text()
    (tables / "b.parquet").write_bytes(whole)
    state = run_here(tables, out)
    assert (state.done, state.failed, state.skipped) == (4, 2, 8)


def test_a_row_group_without_names_leaves_the_others(photo: bytes, tmp_path: Path, run_here: Any) -> None:
    path = tmp_path / "one.parquet"
    names = [f"name-{index}.jpg" for index in range(6)]
    pq.write_table(
        pa.table({"image": [photo] * 6, "name": names}),
        path,
        row_group_size=2,
        compression="none",
        use_dictionary=False,
    )
    column = pq.ParquetFile(path).metadata.row_group(1).column(1)
    data = bytearray(path.read_bytes())
    data[column.data_page_offset : column.data_page_offset + 8] = b"\xff" * 8
    path.write_bytes(data)
    state = run_here(path, tmp_path / "out")
    assert (state.total, state.done, state.failed) == (5, 4, 1)
    assert "row group 1" in (tmp_path / "out" / "errors.jsonl").read_text()


def test_a_stray_file_among_the_records_does_not_stop_a_job(many: Path, tmp_path: Path, run_here: Any) -> None:
    out = tmp_path / "out"
    run_here(many, out)
    (out / "_mmnet" / "ledger" / "x-alpha.png").write_bytes(b"\x89PNG")
    assert run_here(many, out).skipped == COUNT


def test_loops_of_links_end(many: Path, photo: bytes, tmp_path: Path, run_here: Any) -> None:
    (many / "sub").mkdir()
    (many / "sub" / "q.jpg").write_bytes(photo)
    for place in (many, many / "sub"):
        (place / "l1").symlink_to(".")
        (place / "l2").symlink_to(many)
    state = run_here(many, tmp_path / "out")
    assert (state.total, state.done) == (COUNT + 1, COUNT + 1)
    assert (tmp_path / "out" / "sub" / "q-alpha.png").exists()


def test_what_is_left_out_is_counted(many: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("a.psd", "b.PSD", "c.dng", "notes", ".d.jpg"):
        (many / name).touch()
    with caplog.at_level(logging.WARNING, "mmnet"):
        listing = list_sources(open_store(str(many)), Columns())
    assert len(listing.sources) == COUNT
    assert str(listing.left_out) == "2 .psd, 1 without an extension, 1 .dng, 1 hidden file"
    assert caplog.messages == [f"{many}: left out {listing.left_out}"]


@contextmanager
def refusing(monkeypatch: pytest.MonkeyPatch, refuses: Callable[[str], int | None], calls: list[str]) -> Iterator[None]:
    """A destination that refuses a file with the error number that `refuses` gives for its path."""
    whole = LocalFiles.whole

    @contextmanager
    def guarded(self: LocalFiles, path: str) -> Iterator[Any]:
        number = refuses(path)
        calls.append(path)
        if number is not None:
            raise OSError(number, os.strerror(number))
        with whole(self, path) as stream:
            yield stream

    with monkeypatch.context() as patch:
        patch.setattr(LocalFiles, "whole", guarded)
        yield


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_destination_that_takes_nothing_more_charges_no_image(
    number: int, many: Path, tmp_path: Path, run_here: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, calls = tmp_path / "out", []

    def full(path: str) -> int | None:
        is_record = path.endswith((".jsonl", "job.json"))
        return number if not is_record and sum("alpha" in call for call in calls) >= 13 else None

    with (
        refusing(monkeypatch, full, calls),
        pytest.raises(BatchError, match="run the same command again to continue"),
    ):
        run_here(many, out)
    assert failed(out) == []
    assert len([line for line in ledger(out) if line["error"] is None]) == 13
    state = run_here(many, out)
    assert (state.done, state.failed, state.skipped) == (COUNT - 13, 0, 13)


@pytest.mark.parametrize("times", [1, 1000])
def test_a_result_that_is_refused_while_others_are_taken(
    times: int, many: Path, tmp_path: Path, run_here: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of the moment is tried once more; one that stays is that image's failure."""
    out, calls = tmp_path / "out", []

    def flaky(path: str) -> int | None:
        return errno.EIO if "p17" in path and sum("p17" in call for call in calls) < times else None

    with refusing(monkeypatch, flaky, calls):
        state = run_here(many, out)
    assert (state.done, state.failed, state.left) == ((COUNT, 0, 0) if times == 1 else (COUNT - 1, 1, 0))
    assert failed(out) == ([] if times == 1 else ["p17.jpg"])
    assert sorted(path.name for path in (out / "_mmnet").iterdir()) == ["job.json", "ledger"], "no probe is left"


def test_an_unexpected_exception_is_the_image_s_failure(
    many: Path, photo: bytes, tmp_path: Path, run_here: Any, caplog: pytest.LogCaptureFixture
) -> None:
    (many / "odd.jpg").write_bytes(photo)
    with caplog.at_level(logging.DEBUG, "mmnet"):
        state = run_here(many, tmp_path / "out")
    assert (state.done, state.failed) == (COUNT, 1)
    assert "odd.jpg: unexpected AssertionError: planted" in (tmp_path / "out" / "errors.jsonl").read_text()
    assert any("Traceback" in message and "planted" in message for message in caplog.messages), "--debug shows it"
    assert LOG.level != logging.DEBUG


class Merciless:
    """A pool whose workers die of every task with certain images, isolated or not."""

    workers = 1

    def __init__(self, deadly: str) -> None:
        self.deadly = deadly
        self.tasks: list[Task] = []

    def run(self, tasks: Sequence[str], build: Callable[[bool], Work]) -> Generator[tuple[int, str], None, None]:
        work = build(False)
        for index, text in enumerate(tasks):
            self.tasks.append(Task.from_json(text))
            if not any(image.source.name == self.deadly for image in self.tasks[-1].images):
                yield index, work(text)


def test_an_image_that_kills_every_worker_fails_alone(many: Path, tmp_path: Path, run_here: Any) -> None:
    pool = Merciless("p17.jpg")
    state = run_here(many, tmp_path / "out", pool)
    assert len(next(task for task in pool.tasks if any(i.source.name == "p17.jpg" for i in task.images)).images) > 1
    assert (state.done, state.failed, state.left) == (COUNT - 1, 1, 0)
    assert failed(tmp_path / "out") == ["p17.jpg"]
    assert "every worker that rendered it died" in (tmp_path / "out" / "errors.jsonl").read_text()


def test_a_defect_outside_of_the_rendering_fails_alone(
    many: Path, tmp_path: Path, run_here: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = worker_module.Worker._entry

    def defective(self: Any, image: Any, *rest: Any) -> Any:
        if image.source.name == "p17.jpg":
            raise ZeroDivisionError("planted")
        return entry(self, image, *rest)

    monkeypatch.setattr(worker_module.Worker, "_entry", defective)
    state = run_here(many, tmp_path / "out")
    assert (state.done, state.failed, state.left) == (COUNT - 1, 1, 0)
    assert "p17.jpg: unexpected ZeroDivisionError: planted" in (tmp_path / "out" / "errors.jsonl").read_text()
