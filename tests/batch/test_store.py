"""Stores: folders, URIs and object stores."""

from __future__ import annotations

import os
import pickle
import stat
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

pytest.importorskip("pyarrow", reason="Arrow is not installed: stores were not tested; install mmnet[ray]")

from mmnet.batch.errors import NameRefusedError, StoreError
from mmnet.batch.store import Store, StoredFile, is_within, open_store


@pytest.fixture(params=["path", "file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty store."""
    places = {"path": str(tmp_path / "x"), "file": f"file://{tmp_path}/x", "memory": f"memory://{uuid.uuid4().hex}/x"}
    return open_store(places[request.param])


def test_what_is_written_is_listed_and_read(store: Store) -> None:
    assert store.files() == []
    store.write("b/c.png", b"12")
    store.write("a.png", b"")
    store.write("b/c.png", b"123")
    assert store.files() == [StoredFile("a.png", 0), StoredFile("b/c.png", 3)]
    assert store.files("b") == [StoredFile("b/c.png", 3)]
    assert store.read("b/c.png") == b"123"
    assert (store.has("b/c.png"), store.has("a.png"), store.has("z.png")) == (True, False, False)
    store.delete("a.png")
    store.delete("a.png")
    assert [file.name for file in store.files()] == ["b/c.png"]


def test_a_store_can_be_sent(store: Store) -> None:
    store.write("a", b"1")
    copy = pickle.loads(pickle.dumps(store))
    assert (copy, copy.uri, copy.read("a")) == (store, store.uri, b"1")


def test_a_missing_file_gives_one_line(store: Store) -> None:
    with pytest.raises(StoreError, match=r"x/gone\.jpg: cannot be read: no such file$"):
        store.read("gone.jpg")


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(str(tmp_path))
    store.write("a.png", b"old")

    class Breaks:
        def __init__(self) -> None:
            self.parts = iter([b"half"])

        def read(self, _: int) -> bytes:
            part = next(self.parts, None)
            if part is None:
                raise OSError(28, "No space left on device")
            return part

    with pytest.raises(StoreError, match=r"a\.png: cannot be written: No space left on device"):
        store.copy_in("a.png", Breaks())
    assert store.read("a.png") == b"old"
    assert [file.name for file in store.files()] == ["a.png"]


def test_files_of_killed_writers_are_removed(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / ".mmnet-0123abcd.png").write_bytes(b"half")
    (tmp_path / "deep" / "a.png").write_bytes(b"whole")
    assert store.files() == [StoredFile("deep/a.png", 5)], "they are no files of the store"
    store.sweep()
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["a.png"]
    other = open_store(f"memory://{uuid.uuid4().hex}")
    other.write("_mmnet/tmp/half", b"half")
    other.sweep()
    assert other.files() == []


def test_names_may_hold_any_bytes_on_this_machine_alone(tmp_path: Path) -> None:
    name = os.fsdecode(b"d\xff/caf\xe9.parquet")
    local, other = open_store(str(tmp_path)), open_store(f"memory://{uuid.uuid4().hex}")
    local.write(name, b"PAR1")
    assert local.files() == [StoredFile(name, 4)]
    assert local.has(name)
    with local.open(name) as opened:
        assert opened.read() == b"PAR1"
    local.delete(name)
    assert not local.has(name)
    assert (local.takes_any_bytes, other.takes_any_bytes) == (True, False)
    with pytest.raises(NameRefusedError, match="its name is not UTF-8; rename it"):
        other.write(name, b"")


def test_names_that_a_folder_cannot_have_are_told_from_a_folder_that_takes_nothing(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "x"))
    (tmp_path / "x" / "folder").mkdir(parents=True)
    store.write("file", b"1")
    for name in ("n" * 256, "d/" * 3000 + "n", "folder", "file/below", "a\0b"):
        with pytest.raises(NameRefusedError):
            store.write(name, b"")
        with pytest.raises(NameRefusedError):
            store.write_item(name, b"")
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be written"):
        open_store(str(tmp_path / "file")).write_item("a", b"")


def test_links_are_followed_without_end(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    for name in ("l1", "l2"):
        (tmp_path / name).symlink_to(".")
    assert open_store(str(tmp_path)).files() == [StoredFile("a", 1)]


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_folder_gives_one_line(tmp_path: Path) -> None:
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(StoreError, match="cannot be written"):
        open_store(str(tmp_path)).write("a/b", b"")


@pytest.mark.parametrize("uri", ["nosuch://bucket/x", "s3:///", "file://relative/x", "hdfs://"])
def test_a_uri_that_cannot_be_opened(uri: str) -> None:
    with pytest.raises(StoreError, match="cannot be opened"):
        open_store(uri)


def test_within(tmp_path: Path) -> None:
    outer, inner = open_store(str(tmp_path)), open_store(f"file://{tmp_path}/in")
    assert is_within(inner, outer)
    assert is_within(outer, outer)
    assert not is_within(outer, inner)
    assert not is_within(open_store(f"{tmp_path}2"), outer)
    assert not is_within(open_store("memory://in"), outer)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URI of a bucket in a stand-in for S3."""
    moto = pytest.importorskip("moto.server", reason="moto is not installed: object stores were not tested")
    for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(key, "testing")
    server = moto.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        settings = f"region=us-east-1&scheme=http&endpoint_override={host}:{port}&allow_bucket_creation=true"
        open_store(f"s3://photos?{settings}").system.filesystem.create_dir("photos")
        yield f"s3://photos/{{}}?{settings}"
    finally:
        server.stop()


def test_s3(bucket: str) -> None:
    store = open_store(bucket.format("a/b"))
    assert store.uri == "s3://photos/a/b"
    assert store.files() == []
    store.write("c/d.png", b"123")
    store.write("c/d.png", b"1234")
    assert store.files() == [StoredFile("c/d.png", 4)]
    assert open_store(bucket.format("a")).files() == [StoredFile("b/c/d.png", 4)]
    assert store.read("c/d.png") == b"1234"
    assert (store.has("c/d.png"), store.has("c/e.png")) == (True, False)
    store.sweep()
    store.delete("c/d.png")
    assert store.files() == []
    with pytest.raises(StoreError, match=r"s3://photos/a/b/gone: cannot be read"):
        store.read("gone")


@pytest.mark.parametrize("prefix", ["my photos/2026 05", "100% done", "a+b & c", "#1", "ü/ö"])
def test_s3_keys_may_hold_anything(prefix: str, bucket: str, portraits: Path, run_here: object) -> None:
    """A prefix as a shell gets it is taken as it stands, or percent-encoded as in a browser: both are the same."""
    place, settings = bucket.format(prefix).split("?")
    store = open_store(f"{place}?{settings}")
    assert store.uri == place
    for name in ("a b.jpg", "50%.jpg", "c+d.jpg"):
        store.write(name, (portraits / "p0.jpg").read_bytes())
    assert [file.name for file in store.files()] == ["50%.jpg", "a b.jpg", "c+d.jpg"]
    encoded = open_store(bucket.format(quote(prefix)))
    assert encoded.files() == store.files()
    state = run_here(f"{place}?{settings}", bucket.format(f"{prefix} out"))
    assert (state.done, state.failed) == (3, 0)
    written = [file.name for file in open_store(bucket.format(f"{prefix} out")).files() if file.name[0] != "_"]
    assert written == ["50%-alpha.png", "a b-alpha.png", "c+d-alpha.png"]


def test_a_whole_job_on_s3(bucket: str, portraits: Path, tmp_path: Path, run_here: object) -> None:
    source, local = open_store(bucket.format("in")), tmp_path / "local"
    for path in portraits.rglob("p[0-3].*"):
        source.write(path.relative_to(portraits).as_posix(), path.read_bytes())
    state = run_here(bucket.format("in"), bucket.format("out"))
    assert (state.done, state.failed) == (5, 0)
    run_here(portraits, local)
    results = open_store(bucket.format("out"))
    written = [file.name for file in results.files() if not file.name.startswith("_mmnet/")]
    assert len(written) == 5
    assert all(results.read(name) == (local / name).read_bytes() for name in written)
    assert run_here(bucket.format("in"), bucket.format("out")).skipped == 5
    assert run_here(bucket.format("in"), bucket.format("shards"), to="parquet").done == 5
    assert run_here(bucket.format("in"), bucket.format("shards"), to="parquet").skipped == 5
