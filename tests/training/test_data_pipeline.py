"""The input pipeline: batches, packs, and the data sets that `--data` names."""

from __future__ import annotations

import json
import threading
import zipfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from portraits import drawn_portrait, write_folders, write_image

from mmnet.runtime import PhotoError, read_photo, to_model_input
from mmnet.training.augment import Augmentation, Sample, estimate_training_foreground
from mmnet.training.data.batches import Batches, Part, SampleError
from mmnet.training.data.dataset import load_data
from mmnet.training.data.layouts import DataError, LayoutError, find_source, is_validation
from mmnet.training.data.packs import Pack, PackError, build_pack, load_pack, pack_to_file

OWN = Augmentation()
SCENES = np.stack([drawn_portrait(90 + number, 40, 40)[0] for number in range(3)])


def drawn_pack(count: int, side: int = 40, first: int = 0, foregrounds: bool = True) -> Pack:
    records = []
    for number in range(first, first + count):
        photo, matte = drawn_portrait(number, side, side)
        layers = [photo, matte] + [estimate_training_foreground(photo, matte)] * foregrounds
        records.append(np.concatenate([layer.ravel() for layer in layers]))
    names = tuple(f"p{number:03}.png" for number in range(first, first + count))
    return Pack("drawn", names, side, np.stack(records), np.ones(count, np.float32), np.zeros(count, np.bool_))


def batches(**changes: Any) -> Batches:
    parts = changes.pop("parts", [Part.whole(drawn_pack(7))])
    settings: dict[str, Any] = {
        "batch_size": 3,
        "size": 32,
        "seed": 5,
        "augmentation": OWN,
        "backgrounds": SCENES,
        "workers": 2,
    }
    return Batches(parts, **settings | changes)


def assert_same(one: tuple[Any, Any], other: tuple[Any, Any]) -> None:
    for array, same in zip(one, other, strict=True):
        np.testing.assert_array_equal(array, same)


def drawn_names(source: Batches, steps: range) -> list[str]:
    return [source.parts[part].pack.names[index] for step in steps for part, index in source.drawn(step)]


@pytest.mark.parametrize("augmentation", [OWN, "published", None])
def test_the_contents_of_a_batch(augmentation: Any) -> None:
    images, mattes = batches(augmentation=augmentation).batch(11)
    assert images.shape == (3, 32, 32, 3)
    assert mattes.shape == (3, 32, 32, 1)
    for array in (images, mattes):
        assert array.dtype == np.float32
        assert array.min() >= 0
        assert 0.5 < array.max() <= 1
    whole, same = batches(augmentation=augmentation, dtype="uint8").batch(11)
    assert whole.dtype == np.uint8
    np.testing.assert_array_equal(whole * np.float32(1 / 255), images)
    np.testing.assert_array_equal(same, mattes)


@pytest.mark.parametrize("first", [0, 1, 9])
@pytest.mark.parametrize("workers", [1, 3])
def test_a_resumed_run_sees_the_same_data(first: int, workers: int) -> None:
    whole = list(batches().stream(0, 12))
    again = list(batches(workers=workers).stream(first, 12))
    assert len(again) == 12 - first
    for one, other in zip(whole[first:], again, strict=True):
        assert_same(one, other)


def test_another_seed_is_another_sequence() -> None:
    assert not np.array_equal(batches().batch(0)[0], batches(seed=6).batch(0)[0])
    assert drawn_names(batches(), range(10)) != drawn_names(batches(seed=6), range(10))


def test_the_same_image_is_augmented_anew() -> None:
    alone = batches(parts=[Part.whole(drawn_pack(1))])
    assert len({image.tobytes() for step in range(4) for image in alone.batch(step)[0]}) == 12


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 9), st.sampled_from([0.3, 0.5, 1.0, 2.0, 2.5, 3.7])), min_size=1, max_size=3),
    st.integers(1, 8),
    st.integers(0, 2**31),
)
def test_weights_and_order(sizes: list[tuple[int, float]], batch: int, seed: int) -> None:
    parts = [Part.whole(drawn_pack(count, 4, 100 * index), weight) for index, (count, weight) in enumerate(sizes)]
    source = Batches(parts, batch, 4, seed)
    steps = range(-(-3 * source.epoch_images // batch))
    drawn = [pair for step in steps for pair in source.drawn(step)]
    for epoch in range(3):
        some = drawn[epoch * source.epoch_images : (epoch + 1) * source.epoch_images]
        counts = Counter(part for part, _ in some)
        assert [counts[index] for index in range(len(sizes))] == [max(1, round(n * w)) for n, w in sizes]
    for index, (count, _) in enumerate(sizes):
        # Without replacement: at any time, no image is more than one round ahead within whole epochs.
        often = Counter(image for part, image in drawn[: 3 * source.epoch_images] if part == index)
        seen = [often[image] for image in range(count)]
        assert max(seen) - min(seen) <= 1


def test_an_epoch_holds_every_image_once_in_a_new_order() -> None:
    source = batches(batch_size=7)
    orders = [drawn_names(source, range(epoch, epoch + 1)) for epoch in range(4)]
    assert {tuple(sorted(order)) for order in orders} == {tuple(f"p{number:03}.png" for number in range(7))}
    assert len({tuple(order) for order in orders}) == 4
    assert (source.epoch_images, source.epoch_steps, batches().epoch_steps) == (7, 1, 3)


def test_an_image_that_fails_is_named() -> None:
    broken = batches(backgrounds=[np.zeros((4, 4), np.uint8)], augmentation=replace(OWN, replace=1.0, plain=0.0))
    with pytest.raises(SampleError, match=r"drawn: p00\d\.png: could not be prepared \(batch 4"):
        broken.batch(4)
    stream = broken.stream(2)
    with pytest.raises(SampleError, match=r"p00\d\.png.*batch 2"):
        next(stream)
    assert data_threads() == []


def data_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("mmnet-data")]


def test_closing_a_stream_ends_its_threads() -> None:
    stream = batches().stream()
    first = next(stream)
    assert data_threads()
    stream.close()
    assert data_threads() == []
    assert_same(first, batches().batch(0))


class _Counting(Pack):
    drawn = 0

    def sample(self, index: int) -> Sample:
        _Counting.drawn += 1
        return super().sample(index)


def test_a_stream_prepares_only_so_many_batches_ahead() -> None:
    pack = _Counting(*vars(drawn_pack(5)).values())
    stream = batches(parts=[Part.whole(pack)]).stream(ahead=2)
    for _ in range(3):
        next(stream)
    stream.close()
    assert _Counting.drawn <= 3 * (3 + 1)


def test_unusable_data_are_refused() -> None:
    with pytest.raises(DataError, match="no images"):
        batches(parts=[])
    with pytest.raises(DataError, match="at least 1"):
        batches(batch_size=0)
    with pytest.raises(PackError, match="40×40, too small for 64×64"):
        batches(size=64)
    plain = [Part.whole(drawn_pack(2, foregrounds=False))]
    with pytest.raises(PackError, match="foreground"):
        batches(parts=plain)
    assert batches(parts=plain, augmentation="published").batch(0)[0].shape == (3, 32, 32, 3)


# --- packs ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("foregrounds", [True, False])
def test_a_pack_file_holds_the_same_images(tmp_path: Path, foregrounds: bool) -> None:
    root, path = write_folders(tmp_path / "set", 5), tmp_path / "pack.npz"
    pairs = find_source(root).pairs
    built = build_pack(pairs, 40, root=root, foregrounds=foregrounds, workers=2)
    pack_to_file(pairs, 40, path, root=root, foregrounds=foregrounds, workers=1)
    built.save(tmp_path / "saved.npz")
    for loaded in (load_pack(path), load_pack(tmp_path / "saved.npz")):
        assert (loaded.names, loaded.side, loaded.has_foregrounds) == (built.names, 40, foregrounds)
        np.testing.assert_array_equal(loaded.records, built.records)
        np.testing.assert_array_equal(loaded.aspects, built.aspects)
        assert isinstance(loaded.records.base, np.memmap) or isinstance(loaded.records, np.memmap)
        assert not loaded.records.flags.writeable
    assert built.names[0] == "image/p000.png"
    assert built.stem(0) == "p000"
    np.testing.assert_allclose(built.aspects, 0.75)
    with np.load(path, allow_pickle=False) as plain:  # an ordinary .npz to NumPy
        np.testing.assert_array_equal(plain["records"], built.records)


def test_incomplete_pack_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "pack.npz"
    with pytest.raises(PackError, match="no such file"):
        load_pack(path)
    drawn_pack(3).save(path)
    whole = path.read_bytes()
    for length in (0, 10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(PackError, match=r"pack\.npz: is not a complete pack"):
            load_pack(path)
    np.savez(path, records=np.zeros(3))
    with pytest.raises(PackError, match="not a complete pack"):
        load_pack(path)
    np.savez(path, records=np.array([{}], object))
    with pytest.raises(PackError, match="not a complete pack"):
        load_pack(path)


@pytest.mark.parametrize("member", ["records.npy", "aspects.npy", "cutouts.npy", "about.json"])
def test_a_pack_with_a_wrong_member(tmp_path: Path, member: str) -> None:
    path, forged = tmp_path / "pack.npz", tmp_path / "forged.npz"
    drawn_pack(3).save(path)
    with zipfile.ZipFile(path) as good, zipfile.ZipFile(forged, "w") as bad:
        for name in good.namelist():
            bad.writestr(name, b"\x93NUMPY\x01\x00" if name == member else good.read(name))
    with pytest.raises(PackError, match="not a complete pack"):
        load_pack(forged)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"count": True}, "'count' is true"),
        ({"count": 10**40}, "number that is too large"),
        ({"count": 2}, "2 images of side 40, 3 names"),
        ({"side": -1}, "side -1"),
        ({"side": 41}, "is not a complete pack"),
        ({"names": [1, 2, 3]}, "a name is not text"),
        ({"names": None}, "'names' is null"),
        ({"format": {"deep": 1}}, "is a pack of format"),
    ],
)
def test_a_pack_whose_description_does_not_fit(tmp_path: Path, change: dict[str, object], why: str) -> None:
    path, forged = tmp_path / "pack.npz", tmp_path / "forged.npz"
    drawn_pack(3).save(path)
    with zipfile.ZipFile(path) as good, zipfile.ZipFile(forged, "w") as bad:
        for name in good.namelist():
            content = good.read(name)
            bad.writestr(name, json.dumps(json.loads(content) | change) if name == "about.json" else content)
    with pytest.raises(PackError, match=why):
        load_pack(forged)


def test_damaged_packs_give_one_error(tmp_path: Path) -> None:
    """Flip bits, cut, repeat and overwrite parts; most of the file is images, which have no checksum that is read."""
    path, damaged = tmp_path / "pack.npz", tmp_path / "damaged.npz"
    drawn_pack(3).save(path)
    whole, random = path.read_bytes(), np.random.default_rng(0)
    behind = whole.index(b"aspects.npy") - 100
    for _ in range(400):
        data = bytearray(whole)
        for _ in range(int(random.integers(1, 4))):
            at = int(random.integers(behind, len(data))) if random.random() < 0.8 else int(random.integers(200))
            match int(random.integers(4)):
                case 0:
                    data[at] ^= 1 << int(random.integers(8))
                case 1:
                    data[at : at + 4] = b"\xff\xff\xff\xff"
                case 2:
                    del data[at : at + int(random.integers(1, 40))]
                case _:
                    data[at:at] = data[at : at + 20]
        damaged.write_bytes(data)
        try:
            pack = load_pack(damaged)
        except PackError as error:
            assert "\n" not in str(error)  # noqa: PT017
        else:
            assert pack.sample(2).photo.shape == (40, 40, 3)


def test_a_bad_image_leaves_no_pack(tmp_path: Path) -> None:
    root = write_folders(tmp_path / "set", 4)
    bad = root / "image" / "p002.png"
    bad.write_bytes(bad.read_bytes()[:200])
    with pytest.raises(PhotoError, match=r"p002\.png"):
        pack_to_file(find_source(root).pairs, 40, tmp_path / "pack.npz", root=root)
    assert [path.name for path in tmp_path.iterdir()] == ["set"]
    with pytest.raises(PhotoError, match=r"p002\.png"):
        load_data([str(root)], 32, augmentation=None)


def test_data_larger_than_memory_are_refused_with_the_way_out(tmp_path: Path) -> None:
    if not Path("/proc/meminfo").exists():
        pytest.skip("only Linux says how much memory is free")
    root = write_folders(tmp_path / "set", 1)
    with pytest.raises(PackError, match=r"GiB of memory, .* are free; write them to a file with `mmnet data pack"):
        build_pack(find_source(root).pairs, 1 << 20, root=root)


def test_cutouts_in_a_pack(tmp_path: Path) -> None:
    photo, matte = drawn_portrait(1, 40, 40)
    hidden = np.where(matte[..., None] == 0, 77, photo).astype(np.uint8)  # transparent
    write_image(tmp_path / "one.png", np.dstack([hidden, matte]))
    pack = build_pack(find_source(tmp_path).pairs, 40, root=tmp_path)
    one = pack.sample(0)
    assert one.is_cutout
    np.testing.assert_array_equal(one.photo, read_photo(tmp_path / "one.png"))
    assert one.foreground is not None
    np.testing.assert_array_equal(one.foreground[matte > 0], photo[matte > 0])
    images, mattes = Batches([Part.whole(pack)], 4, 32, augmentation=OWN, dtype="uint8").batch(0)
    background = images[mattes[..., 0] == 0]
    assert (background.min(axis=1) < 250).mean() > 0.9  # not the white of the photo


# --- what --data names --------------------------------------------------------------------------------------------


def test_data_are_read_divided_and_weighted(tmp_path: Path) -> None:
    one = write_folders(tmp_path / "one", 24, height=60, width=50)
    two = write_folders(tmp_path / "two", 10, first=40)
    scene = write_image(tmp_path / "scenes" / "a.jpg", drawn_portrait(3)[0])
    seen: list[tuple[int, int]] = []
    data = load_data(
        [str(one), f"{two}=2.5"],
        32,
        augmentation=OWN,
        validation=0.25,
        backgrounds=scene.parent,
        progress=lambda done, total: seen.append((done, total)),
    )
    stems = {part.pack.stem(index) for part in data.training for index in part.indices}
    assert data.validation is not None
    held = {data.validation.stem(index) for index in range(len(data.validation))}
    assert stems | held == {f"p{number:03}" for number in (*range(24), *range(40, 50))}
    assert held == {stem for stem in stems | held if is_validation(stem, 0.25)}
    assert [part.weight for part in data.training] == [1.0, 2.5]
    assert [part.pack.side for part in data.training] == [40, 40]
    assert data.backgrounds.shape == (1, 40, 40, 3)
    assert any(done == total for done, total in seen)
    for index, name in enumerate(data.validation.names):
        root = one if (one / name).exists() else two
        sample = data.validation.sample(index)
        np.testing.assert_array_equal(sample.photo, to_model_input(read_photo(root / name), 32))
        matte = to_model_input(read_photo(root / name.replace("image", "mask")), 32)
        np.testing.assert_array_equal(sample.matte, matte[..., 0])
    images, _ = Batches(data.training, 4, 32, augmentation=OWN, backgrounds=data.backgrounds).batch(0)
    assert images.shape == (4, 32, 32, 3)


def test_a_pack_gives_the_same_batches_as_its_folder(tmp_path: Path) -> None:
    root, path = write_folders(tmp_path / "set", 12), tmp_path / "pack.npz"
    pack_to_file(find_source(root).pairs, 40, path, root=root)
    folder = load_data([str(root)], 32, augmentation=OWN, validation=0.3)
    packed = load_data([f"{path}=1"], 32, augmentation=OWN, validation=0.3)
    assert folder.validation is not None
    assert packed.validation is not None
    assert folder.validation.names == packed.validation.names
    one, other = (Batches(data.training, 5, 32, 1, OWN) for data in (folder, packed))
    assert_same(one.batch(3), other.batch(3))
    with pytest.raises(PackError, match="too small for 64×64"):
        load_data([str(path)], 64, augmentation=OWN, validation=0.3)


def test_empty_sides_are_refused(tmp_path: Path) -> None:
    root = write_folders(tmp_path / "set", 2)
    with pytest.raises(DataError, match="no image is left to train on"):
        load_data([str(root)], 32, augmentation=None, validation=1.0)
    with pytest.raises(
        DataError, match=r"no image validates with a fraction of 1e-09; validation=0.\d+ holds one back"
    ):
        load_data([str(root)], 32, augmentation=None, validation=1e-9)
    with pytest.raises(LayoutError, match="no such folder"):
        load_data([str(tmp_path / "nowhere")], 32, augmentation=None)
    assert load_data([str(root)], 32, augmentation=None, validation=0.0).validation is None


def test_keras_fits_on_it() -> None:
    keras = pytest.importorskip("keras")
    source = batches()
    model = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Conv2D(1, 1, activation="sigmoid")])
    model.compile("sgd", "mae", run_eagerly=True)
    train_step, seen = model.train_step, []

    def watching(data: Any) -> Any:
        seen.append(np.asarray(data[0]).tobytes())
        return train_step(data)

    model.train_step = watching
    model.fit(source.stream(20), steps_per_epoch=4, epochs=3, shuffle=False, verbose=0)
    assert seen == [source.batch(step)[0].tobytes() for step in range(20, 32)]
