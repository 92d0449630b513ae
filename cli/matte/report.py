"""The report at the end of `mmnet matte`, for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from mmnet.cli.matte.progress import MatteProgress
from mmnet.cli.process.streams import echo_json, echo_path
from mmnet.runtime.imaging.fit import Fit
from mmnet.runtime.jobs.planning import MattePlan
from mmnet.runtime.jobs.results import MatteResult
from mmnet.text import json_text


def report(
    progress: MatteProgress, results: Sequence[MatteResult], fit: Fit, plan: MattePlan, *, as_json: bool
) -> None:
    """Print the output of a single source, or how many of several sources were matted.

    Args:
        progress: its console shows the count; it knows which sources are damaged.
        results: one per job.
        fit: how they were brought into the model's square.
        plan: what was planned.
        as_json: print one JSON document on standard output, instead of the output's path.
    """
    failed = sum(not result.ok for result in results)
    skipped = sum(result.skipped for result in results)
    matted = len(results) - failed - skipped
    if as_json:
        document = {
            "matted": matted,
            "skipped": skipped,
            "failed": failed,
            "left_out": plan.left_out.document(),
            "fit": str(fit),
            "results": [_as_dict(result, progress.repaired.get(str(result.output))) for result in results],
        }
        echo_json(json_text(document, indent=2))
    elif not plan.several:
        for result in results:
            if result.ok:
                echo_path(result.output)
    if plan.several:
        damaged = f" ({len(progress.repaired)} from damaged files)" if progress.repaired else ""
        progress.console.print(f"{matted} matted{damaged}, {f'{skipped} skipped, ' if skipped else ''}{failed} failed")


def _as_dict(result: MatteResult, repaired: str | None) -> dict[str, Any]:
    named: dict[str, Any] = {result.kind: result.source}
    if result.error is not None:
        return named | {"error": result.error}
    if result.skipped:
        return named | {"output": str(result.output), "skipped": True}
    width, height = result.size
    named |= {"output": str(result.output), "width": width, "height": height}
    if repaired is not None:
        named["warning"] = repaired
    video, seen = result.video, result.seen
    if seen:
        named["seen"] = [asdict(rectangle) for rectangle in seen]
    if result.presence is not None:
        presence = result.presence
        named |= {
            "coverage": round(presence.coverage, 4),
            "confidence": round(presence.confidence, 4),
            "nobody": presence.nobody,
        }
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
