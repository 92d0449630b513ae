"""The report at the end of `mmnet matte`, for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console

from mmnet.cli.process.streams import echo_json, echo_path
from mmnet.runtime.imaging.fit import Fit
from mmnet.runtime.jobs.results import MatteResult
from mmnet.text import json_text


def report(console: Console, results: Sequence[MatteResult], fit: Fit, *, several: bool, as_json: bool) -> None:
    """Print the output of a single source, or how many of several sources were matted.

    Args:
        console: for the count.
        results: one per job.
        fit: how they were brought into the model's square.
        several: whether there were several sources.
        as_json: print one JSON document on standard output, instead of the output's path.
    """
    matted = sum(result.ok for result in results)
    if as_json:
        document = {
            "matted": matted,
            "failed": len(results) - matted,
            "fit": str(fit),
            "results": [_as_dict(result) for result in results],
        }
        echo_json(json_text(document, indent=2))
    elif not several:
        for result in results:
            if result.ok:
                echo_path(result.output)
    if several:
        console.print(f"{matted} matted, {len(results) - matted} failed")


def _as_dict(result: MatteResult) -> dict[str, Any]:
    named: dict[str, Any] = {result.kind: result.source}
    if result.error is not None:
        return named | {"error": result.error}
    width, height = result.size
    named |= {"output": str(result.output), "width": width, "height": height}
    video, seen = result.video, result.seen
    if seen is not None:
        named["seen"] = asdict(seen)
    if video is None:
        return named
    named |= {
        "frames": video.frames,
        "seconds": round(video.seconds, 3),
        "frames_per_second": round(video.frames / video.seconds, 2),
        "audio": [{"codec": track.codec, "copied": track.copied} for track in video.tracks],
        "interrupted": video.interrupted,
    }
    if result.kind == "camera":
        named["dropped"] = video.dropped
    if video.damage is not None:
        named["warning"] = video.damage
    return named
