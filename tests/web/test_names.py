"""The page names results as `mmnet matte` names them."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from pathlib import Path

import pytest
from support import ROOT

from mmnet.runtime.fullres.rendering import ALPHA, CUTOUT
from mmnet.runtime.jobs.outputs import plan_outputs

PROGRAM = """
import {readFileSync} from 'node:fs';
const {resultNames} = await import(process.argv[1]);
const cases = JSON.parse(readFileSync(0, 'utf8'));
console.log(JSON.stringify(cases.map(([photos, suffix]) => resultNames(photos, {suffix, ending: 'png'}))));
"""


def _named_by_the_page(cases: list[tuple[list[str], str]]) -> list[list[str]]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("NO NODE: the names of the page's results were NOT compared; install nodejs")
    module = (ROOT / "web_demo" / "site" / "page" / "names.js").as_uri()
    command = [node, "--input-type=module", "--eval", PROGRAM, module]
    done = subprocess.run(command, input=json.dumps(cases), capture_output=True, text=True, check=True, timeout=60)
    named: list[list[str]] = json.loads(done.stdout)
    return named


def test_names_are_those_of_the_command_line() -> None:
    rng = random.Random(7)
    stems, endings = ["a", "A", "me", "holiday 1", "IMG_2.edited", ".hidden"], [".jpg", ".PNG", ".avif", "", "."]
    cases = []
    for _ in range(200):
        photos = [rng.choice(stems) + rng.choice(endings) for _ in range(rng.randint(1, 6))]
        cases.append((photos, rng.choice([ALPHA, CUTOUT])))
    named = _named_by_the_page([(photos, kind.suffix) for photos, kind in cases])
    for (photos, kind), names in zip(cases, named, strict=True):
        jobs = plan_outputs([Path(photo) for photo in photos], None, kind, is_folder=False)
        assert names == [job.output.name for job in jobs], photos


def test_no_result_has_the_name_of_a_photo() -> None:
    ((first, second),) = _named_by_the_page([(["me.jpg", "ME-cutout.png"], "cutout")])
    assert (first, second) == ("me-cutout-2.png", "ME-cutout-cutout.png")
