"""Planning: which result every picture gets, and what is left to do."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from mmnet.batch.plan import Source, Task, file_tasks, name_outputs, shard_name, shard_tasks, task_size
from mmnet.runtime.jobs.outputs import ALPHA, COMPOSITE, plan

_part = st.sampled_from(["a", "b", "A", "a.b", "p1", "a-alpha", "a.jpg-alpha"])
_name = st.builds(
    lambda folders, stem, extension: "/".join([*folders, stem + extension]),
    st.lists(_part, max_size=2),
    _part,
    st.sampled_from([".jpg", ".png", ".JPG", ""]),
)
_names = st.lists(_name, min_size=1, max_size=25, unique=True)


def sources(names: list[str]) -> list[Source]:
    return [Source(name) for name in sorted(names)]


@settings(deadline=None)
@given(names=_names)
def test_every_picture_has_a_result_of_its_own_where_it_came_from(names: list[str]) -> None:
    pictures, refused = name_outputs(sources(names), ALPHA)
    assert not refused
    assert [picture.source.name for picture in pictures] == sorted(names)
    assert len({picture.output for picture in pictures}) == len(names)
    assert all(Path(picture.output).parent == Path(picture.source.name).parent for picture in pictures)


@settings(deadline=None)
@given(names=_names, kind=st.sampled_from([ALPHA, COMPOSITE]))
def test_names_are_those_of_mmnet_matte(names: list[str], kind: object) -> None:
    flat = sorted({name.rpartition("/")[2] for name in names})
    pictures, _ = name_outputs([Source(name) for name in flat], kind)
    jobs = plan([Path(name) for name in flat], Path("out"), kind, is_folder=True)
    assert [f"out/{picture.output}" for picture in pictures] == [job.output.as_posix() for job in jobs]


@settings(deadline=None)
@given(names=_names, more=_names)
def test_results_keep_their_names_when_pictures_are_added(names: list[str], more: list[str]) -> None:
    before, _ = name_outputs(sources(names), ALPHA)
    assigned = {picture.source.name: picture.output for picture in before}
    after, _ = name_outputs(sources(list({*names, *more})), ALPHA, assigned)
    kept = {picture.source.name: picture.output for picture in after}
    assert all(kept[name] == output for name, output in assigned.items())
    assert len(set(kept.values())) == len(kept)


def test_equal_names_of_parquet_are_told_apart() -> None:
    twice = [Source("a", "x.parquet", 0, 0), Source("a", "x.parquet", 0, 1)]
    first, second = (picture.output for picture in name_outputs(twice, ALPHA)[0])
    assert first != second
    assert [picture.output for picture in name_outputs(twice, ALPHA, {"a": second})[0]] == [first, second]


def test_names_that_lead_elsewhere_are_refused() -> None:
    names = ["", "/etc/passwd", "../up.jpg", "a/../../up.jpg", "dir/", "good.jpg"]
    pictures, refused = name_outputs([Source(name, "x.parquet") for name in names], ALPHA)
    assert [picture.source.name for picture in pictures] == ["good.jpg"]
    assert set(refused) == set(names[:-1])


@settings(deadline=None)
@given(count=st.integers(0, 200), size=st.integers(1, 40), done=st.sets(st.integers(0, 40)))
def test_after_a_crash_exactly_the_missing_shards_are_left(count: int, size: int, done: set[int]) -> None:
    pictures, _ = name_outputs([Source(f"{index:04}.jpg") for index in range(count)], ALPHA)
    tasks = shard_tasks(pictures, size)
    assert [picture for task in tasks for picture in task.pictures] == pictures
    assert len({task.shard for task in tasks}) == len(tasks)
    held = {picture for index, task in enumerate(tasks) if index in done for picture in task.pictures}
    again = shard_tasks([picture for picture in pictures if picture not in held], size)
    assert again == [task for index, task in enumerate(tasks) if index not in done]


def test_a_shard_that_is_made_again_keeps_its_pictures_and_its_name() -> None:
    pictures, _ = name_outputs([Source(f"{index}.jpg") for index in range(9)], ALPHA)
    old, *_ = shard_tasks(pictures, 4)
    again = shard_tasks(pictures, 100, {picture.output: str(old.shard) for picture in old.pictures})
    assert again[0] == old
    assert again[1].pictures == tuple(pictures[4:])


def test_a_row_group_is_one_task() -> None:
    rows = [Source(f"{group}-{row}", "x.parquet", group, row) for group in range(3) for row in range(10)]
    tasks = file_tasks(name_outputs(rows, ALPHA)[0], 4)
    assert [len(task.pictures) for task in tasks] == [10, 10, 10]


@settings(deadline=None)
@given(names=_names, careful=st.booleans())
def test_a_task_survives_its_text(names: list[str], careful: bool) -> None:
    pictures, _ = name_outputs(sources(names), ALPHA)
    task = Task(tuple(pictures), shard_name(pictures), careful)
    assert Task.from_json(task.to_json()) == task


@settings(deadline=None)
@given(pictures=st.integers(0, 10**7), workers=st.integers(1, 1000))
def test_tasks_are_small_enough_to_be_shared_out(pictures: int, workers: int) -> None:
    size = task_size(pictures, workers)
    assert 1 <= size <= 32
    assert size == 1 or pictures >= 8 * workers * size
