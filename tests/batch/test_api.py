"""`mmnet.matte_batch` and the report that it returns."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from batch_results import contents

import mmnet

pytest.importorskip("pyarrow", reason="Arrow is not installed: jobs were not tested; install mmnet[ray]")
pytest.importorskip("ray", reason="Ray is not installed: jobs were not tested; install mmnet[ray]")


@pytest.fixture(autouse=True)
def pools(monkeypatch: pytest.MonkeyPatch, serial_pool: Any) -> list[Any]:
    """The pools that are used in the place of Ray's, the first one first."""
    waiting: list[Any] = []
    monkeypatch.setattr(
        "mmnet.batch.pool.connected", lambda *_: nullcontext(waiting.pop(0) if waiting else serial_pool())
    )
    return waiting


def test_one_call_mattes_a_folder(portraits: Path, tmp_path: Path, run_here: Any) -> None:
    seen: list[int] = []
    report = mmnet.matte_batch(portraits, tmp_path / "out", listener=lambda progress: seen.append(progress.done))
    assert str(report) == "11 matted, 0 failed, 0 skipped"
    assert report.complete
    assert seen[0] == 0
    assert seen[-1] == 11
    run_here(portraits, tmp_path / "other")
    assert contents(tmp_path / "out") == contents(tmp_path / "other")
    document = json.loads(report.to_json())
    assert (document["total"], document["make"], document["left"]) == (11, "alpha", 0)


def test_failures_are_in_the_report(portraits: Path, tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (source / "p.jpg").write_bytes((portraits / "p0.jpg").read_bytes())
    (source / "empty.jpg").touch()
    report = mmnet.matte_batch(source, tmp_path / "out", background="blur")
    assert (report.done, report.failed, report.complete) == (1, 1, False)
    assert [failure.name for failure in report.failures] == ["empty.jpg"]
    assert report.failures[0].error == "empty.jpg: is empty (0 bytes)"


def test_an_interruption_carries_the_report(
    portraits: Path, tmp_path: Path, pools: list[Any], serial_pool: Any
) -> None:
    pools.append(serial_pool(interrupt=2))
    with pytest.raises(mmnet.BatchInterrupted) as caught:
        mmnet.matte_batch(portraits, tmp_path / "out")
    report = caught.value.report
    assert isinstance(caught.value, KeyboardInterrupt)
    assert (report.interrupted, report.done, report.left) == (True, 2, 9)
    assert str(report) == "interrupted: 2 matted, 0 failed, 0 skipped, 9 left; the same command continues"
    assert mmnet.matte_batch(portraits, tmp_path / "out").skipped == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [({"to": "zip"}, "unknown result format 'zip'; choose one of files, parquet"), ({"shard_size": 0}, "shard_size")],
)
def test_bad_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(mmnet.MMNetError, match=message):
        mmnet.BatchOptions(**options)
