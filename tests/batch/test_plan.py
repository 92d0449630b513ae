"""The plan of a job: names of results, tasks and shards."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from mmnet.batch.plan import Source, Task, file_tasks, name_outputs, shard_name, shard_tasks, task_size
from mmnet.runtime.fullres.rendering import ALPHA, COMPOSITE
from mmnet.runtime.jobs.outputs import plan_outputs

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
def test_every_image_has_its_own_result_in_its_folder(names: list[str]) -> None:
    images, refused = name_outputs(sources(names), ALPHA)
    assert not refused
    assert [image.source.name for image in images] == sorted(names)
    assert len({image.output for image in images}) == len(names)
    assert all(Path(image.output).parent == Path(image.source.name).parent for image in images)


@settings(deadline=None)
@given(names=_names, kind=st.sampled_from([ALPHA, COMPOSITE]))
def test_names_are_those_of_mmnet_matte(names: list[str], kind: object) -> None:
    flat = sorted({name.rpartition("/")[2] for name in names})
    images, _ = name_outputs([Source(name) for name in flat], kind)
    jobs = plan_outputs([Path(name) for name in flat], Path("out"), kind, is_folder=True)
    assert [f"out/{image.output}" for image in images] == [job.output.as_posix() for job in jobs]


@settings(deadline=None)
@given(names=_names, more=_names)
def test_results_keep_their_names_when_images_are_added(names: list[str], more: list[str]) -> None:
    before, _ = name_outputs(sources(names), ALPHA)
    assigned = {image.source.name: image.output for image in before}
    after, _ = name_outputs(sources(list({*names, *more})), ALPHA, assigned)
    kept = {image.source.name: image.output for image in after}
    assert all(kept[name] == output for name, output in assigned.items())
    assert len(set(kept.values())) == len(kept)


def test_equal_names_from_parquet_are_told_apart() -> None:
    twice = [Source("a", "x.parquet", 0, 0), Source("a", "x.parquet", 0, 1)]
    first, second = (image.output for image in name_outputs(twice, ALPHA)[0])
    assert first != second
    assert [image.output for image in name_outputs(twice, ALPHA, {"a": second})[0]] == [first, second]


def test_names_that_leave_the_destination_are_refused() -> None:
    names = ["", "/etc/passwd", "../up.jpg", "a/../../up.jpg", "dir/", "good.jpg"]
    images, refused = name_outputs([Source(name, "x.parquet") for name in names], ALPHA)
    assert [image.source.name for image in images] == ["good.jpg"]
    assert set(refused) == set(names[:-1])


@settings(deadline=None)
@given(count=st.integers(0, 200), size=st.integers(1, 40), done=st.sets(st.integers(0, 40)))
def test_after_a_crash_exactly_the_missing_shards_remain(count: int, size: int, done: set[int]) -> None:
    images, _ = name_outputs([Source(f"{index:04}.jpg") for index in range(count)], ALPHA)
    tasks = shard_tasks(images, size)
    assert [image for task in tasks for image in task.images] == images
    assert len({task.shard for task in tasks}) == len(tasks)
    held = {image for index, task in enumerate(tasks) if index in done for image in task.images}
    again = shard_tasks([image for image in images if image not in held], size)
    assert again == [task for index, task in enumerate(tasks) if index not in done]


def test_a_shard_that_is_written_again_keeps_its_images_and_its_name() -> None:
    images, _ = name_outputs([Source(f"{index}.jpg") for index in range(9)], ALPHA)
    old, *_ = shard_tasks(images, 4)
    again = shard_tasks(images, 100, {image.output: str(old.shard) for image in old.images})
    assert again[0] == old
    assert again[1].images == tuple(images[4:])


def test_a_row_group_is_one_task() -> None:
    rows = [Source(f"{group}-{row}", "x.parquet", group, row) for group in range(3) for row in range(10)]
    tasks = file_tasks(name_outputs(rows, ALPHA)[0], 4)
    assert [len(task.images) for task in tasks] == [10, 10, 10]


@settings(deadline=None)
@given(names=_names, isolated=st.booleans())
def test_a_task_can_be_read_from_its_text(names: list[str], isolated: bool) -> None:
    images, _ = name_outputs(sources(names), ALPHA)
    task = Task(tuple(images), shard_name(images), isolated)
    assert Task.from_json(task.to_json()) == task


@settings(deadline=None)
@given(images=st.integers(0, 10**7), workers=st.integers(1, 1000))
def test_tasks_are_small_enough_to_be_spread(images: int, workers: int) -> None:
    size = task_size(images, workers)
    assert 1 <= size <= 32
    assert size == 1 or images >= 8 * workers * size
