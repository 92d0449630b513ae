"""The command `mmnet parity`, and the page that it writes."""

from __future__ import annotations

import base64
import html
import html.parser
import json
import re
import shutil
import subprocess

import cv2
import numpy as np
import pytest
import tiny_models
from hypothesis import given, settings
from hypothesis import strategies as st
from support import PATIENCE, error_line, run

from mmnet.evaluation.datasets.pairs import load_images
from mmnet.evaluation.models import open_file
from mmnet.evaluation.parity.compare import ACCURACY, ImageParity, changes, compare_candidates, judge
from mmnet.evaluation.parity.tolerances import DEFAULTS, LIMITS, tolerances
from mmnet.evaluation.resize import RESIZES
from mmnet.export.metadata import add_metadata
from mmnet.runtime import MattingModel, read_photo, to_model_input
from mmnet.runtime.tflite.metadata import ModelMetadata


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """The small network in floats and in 8 bits."""
    folder = tmp_path_factory.mktemp("parity")
    for recipe in ("float32", "uint8"):
        (folder / f"{recipe}.tflite").write_bytes(tiny_models.matting_model(recipe))
    return folder / "float32.tflite", folder / "uint8.tflite"


@pytest.fixture(scope="module")
def reported(models, portraits, tmp_path_factory):
    """One call that writes everything: its result, the JSON, the page."""
    folder = tmp_path_factory.mktemp("out")
    page, figures = folder / "parity.html", folder / "parity.json"
    done = run("mmnet", "parity", *models, "-d", portraits, "--split", "test", "--report", page, "--json", figures)
    assert done.returncode in (0, 1), done.stderr
    return done, json.loads(figures.read_text()), page


def test_the_figures_are_those_of_the_runtime(models, portraits, reported):
    _, found, _ = reported
    differences = []
    with MattingModel(models[0], 1) as ours, MattingModel(models[1], 1) as theirs:
        for path in sorted((portraits / "test" / "image").iterdir()):
            square = to_model_input(read_photo(path), ours.size)
            differences.append(np.abs(ours.run_float(square) - theirs.run_float(square)).mean())
    assert found["differences"]["MAD"]["mean"] == pytest.approx(np.mean(differences), rel=1e-5)
    assert found["checks"][1]["measured"]["value"] == pytest.approx(max(differences), rel=1e-5)
    assert [entry["limit"] for entry in found["checks"]] == [limit.name for limit in LIMITS]
    assert found["models"]["reference"]["bytes"] == models[0].stat().st_size
    assert found["layers"][0]["relative"] < 0.1


def test_accuracy_is_that_of_evaluate_and_the_change_is_paired(models, portraits, reported, tmp_path):
    _, found, _ = reported
    figures = tmp_path / "evaluate.json"
    run("mmnet", "evaluate", "-m", models[0], "-m", models[1], "-d", portraits, "--split", "test", "--json", figures)
    expected = json.loads(figures.read_text())["models"]
    for name, change in found["accuracy"].items():
        for model, role in zip(expected, ("reference", "other"), strict=True):
            assert change[role]["mean"] == pytest.approx(model["statistics"][name]["mean"])
        pairs = [[entry["images"][p][name] for entry in expected] for p in expected[0]["images"]]
        deltas = np.array([other - reference for reference, other in pairs])
        assert change["difference"]["mean"] == pytest.approx(deltas.mean(), abs=1e-9)
        assert change["difference"]["low"] <= deltas.mean() <= change["difference"]["high"]


@pytest.mark.parametrize(("limit", "code"), [("1", 0), ("0", 1)])
def test_the_exit_code_is_the_verdict(models, portraits, limit, code):
    wide = ["--max-image-mad", 1, "--max-mad-increase", 9, "--max-gauss-grad-increase", 9]
    done = run("mmnet", "parity", *models, "-d", portraits / "test", "--max-mad", limit, *wide)
    assert done.returncode == code, done.stderr
    assert ("mmnet quantize" in done.stderr and "mmnet sensitivity" in done.stderr) == (code == 1)
    assert ("measure on more images than 6" in done.stderr and "--report parity.html" in done.stderr) == (code == 1)
    assert done.stdout.splitlines()[-1].startswith("Within tolerance" if code == 0 else "Beyond tolerance: mean |Δα|")


def test_a_model_against_itself_is_within_any_tolerance(models, portraits):
    zero = [word for limit in LIMITS for word in (limit.option, 0)]
    done = run("mmnet", "parity", models[1], models[1], "-d", portraits / "test", *zero, "--strict", "--json", "-")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["verdict"]["within"] is True
    assert "Within tolerance" in done.stderr


def test_photos_alone_give_differences_alone(models, photos, tmp_path):
    done = run("mmnet", "parity", *models, "-d", photos, "--limit", 3, "--json", tmp_path / "p.json")
    found = json.loads((tmp_path / "p.json").read_text())
    assert done.returncode in (0, 1)
    assert found["accuracy"] == {}
    assert found["data"]["images"] == 3
    assert [entry["limit"] for entry in found["checks"]] == ["max_mad", "max_image_mad"]


def test_beyond_tolerance_the_report_that_was_written_is_the_next_to_open(models, photos, tmp_path):
    page = tmp_path / "mine.html"
    done = run("mmnet", "parity", *models, "-d", photos, "--limit", 1, "--max-mad", 0, "--report", page, "--no-photos")
    assert done.returncode == 1
    assert "open " in done.stderr
    assert "mine.html" in done.stderr
    assert "the same command" not in done.stderr


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda a: [*a[:1], "absent.tflite", *a[2:]], "absent.tflite"),
        (lambda a: [*a[:-1], "nowhere"], "nowhere: no such folder; name a folder of photos"),
        (lambda a: [*a[:-1], a[0]], ".tflite: is a file; name a folder of photos"),
        (lambda a: [*a, "--max-mad-increase", 0.01], "--max-mad-increase"),
        (lambda a: [*a, "--report", "absent/r.html"], "absent"),
        (lambda a: ["no-such-checkpoint", *a[1:]], "no-such-checkpoint"),
    ],
)
def test_what_cannot_be_compared_is_one_line_and_exit_code_2(models, photos, tmp_path, spoil, said):
    done = run("mmnet", "parity", *spoil([*models, "-d", photos]), cwd=tmp_path)
    assert said in error_line(done)
    assert done.returncode == 2
    assert list(tmp_path.iterdir()) == []


def test_a_bad_photo_is_named_and_nothing_is_compared(models, tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8\xff")
    done = run("mmnet", "parity", *models, "-d", tmp_path, "--json", "out.json", cwd=tmp_path)
    assert "bad.jpg" in error_line(done)
    assert done.returncode == 2
    assert [path.name for path in tmp_path.iterdir()] == ["bad.jpg"]


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from([*DEFAULTS, "int4"]), st.dictionaries(st.sampled_from([x.name for x in LIMITS]), st.floats(0, 1))
)
def test_tolerances_given_win_over_defaults(precision, given_values):
    found = tolerances(precision, {limit.name: given_values.get(limit.name) for limit in LIMITS})
    assert found == DEFAULTS.get(precision, DEFAULTS["int8"]) | given_values


def test_strict_judges_the_far_end_of_the_interval(models, portraits):
    images = load_images(portraits, "test")
    parity = compare_candidates(*(open_file(path) for path in models), images, RESIZES["runtime"])
    mad = parity.differences["MAD"]
    between = DEFAULTS["int8"] | {"max_mad": (mad.mean + mad.high) / 2}
    loose, strict = (judge(parity, between, strict=strict)[0] for strict in (False, True))
    assert (loose.passed, strict.passed, loose.sure) == (True, False, False)


@pytest.mark.parametrize(
    ("reference", "other", "increase"),
    [(0.0, 0.0, 0.0), (0.0, 1.0, np.inf), (1.0, 0.0, -1.0), (np.nan, np.nan, np.nan), (0.5, 0.75, 0.5)],
)
def test_the_increase_of_a_figure_that_may_be_nothing(reference, other, increase):
    """All images are alike, so that the interval equals the figure; it has no ends if the figure is infinite."""
    accuracy = tuple(dict.fromkeys((figure.name for figure in ACCURACY), value) for value in (reference, other))
    found = [ImageParity(f"p{index}", {}, accuracy, np.zeros(511, np.int64)) for index in range(5)]
    for change in changes(found).values():
        assert change.increase.value == pytest.approx(increase, nan_ok=True)
        if np.isfinite(increase):
            assert (change.increase.low, change.increase.high) == pytest.approx((increase, increase))


class _References(html.parser.HTMLParser):
    """Collects every attribute through which a page can load something."""

    def __init__(self):
        super().__init__()
        self.tags, self.loaded = set(), []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.loaded += [value for name, value in attrs if name in ("src", "href", "srcset", "data", "poster")]


def test_the_page_loads_nothing_and_its_images_can_be_decoded(reported):
    _, _, page = reported
    text = page.read_text()
    references = _References()
    references.feed(text)
    assert not references.tags & {"script", "link", "iframe", "object", "embed"}
    assert "url(" not in text
    assert "@import" not in text
    assert (
        len(references.loaded) == (2 + 2) * 6
    )  # the worst third of six images and the two in the middle, six panels each
    for reference in references.loaded:
        kind, data = reference.split(",", 1)
        assert kind == "data:image/webp;base64"

        assert cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR) is not None
    assert text.index("id=verdict") < text.index("<table")


def test_a_name_cannot_bring_markup_into_the_page(models, photos, tmp_path):
    odd = tmp_path / "<img src=x>&.tflite"
    odd.write_bytes(models[1].read_bytes())
    page = tmp_path / "p.html"
    run("mmnet", "parity", models[0], odd, "-d", photos, "--limit", 1, "--report", page, "--no-photos")
    assert "<img" not in page.read_text()
    assert "&lt;img src=x&gt;&amp;" in page.read_text()


@pytest.fixture(scope="session")
def chromium():
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no chromium: the report was NOT looked at in a browser; install Debian's package chromium")
    return found


@pytest.mark.parametrize("width", [390, 1280])
def test_in_a_browser_nothing_scrolls_sideways_and_the_verdict_is_in_sight(reported, chromium, tmp_path, width):
    """The page in a frame of that width measures itself (a headless window cannot be narrower than 500 pixels)."""
    frame = tmp_path / "frame.html"
    shutil.copy(reported[2], tmp_path / "report.html")
    frame.write_text(
        f"<iframe id=f src=report.html style='border:0;width:{width}px;height:800px'></iframe><script>"
        "document.getElementById('f').onload = () => { const page = f.contentDocument, root = page.documentElement;"
        "const box = page.getElementById('verdict').getBoundingClientRect();"
        "const wide = [...page.querySelectorAll('main *')].filter(e => !e.closest('svg, details, .scroll') &&"
        " e.getBoundingClientRect().right > f.clientWidth).length;"
        "document.body.dataset.found = JSON.stringify({scroll: root.scrollWidth, client: root.clientWidth, wide,"
        " top: box.top, bottom: box.bottom, images: [...page.images].every(i => i.naturalWidth > 0)}) }</script>"
    )
    shown = subprocess.run(
        [chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files",
         f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1400,900", "--virtual-time-budget=20000",
         "--dump-dom", frame.as_uri()],
        capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    match = re.search(r'data-found="([^"]*)"', shown.stdout)
    assert match, shown.stderr[-2000:]
    found = json.loads(html.unescape(match[1]))
    assert found["scroll"] == found["client"] <= width
    assert found["wide"] == 0
    assert 0 <= found["top"] < found["bottom"] <= 800
    assert found["images"]


def with_recipe(model, precision, sha256, name="mine"):
    recipe = {"checkpoint": {"name": name, "sha256": sha256, "step": 7}, "precision": precision}
    return add_metadata(model, ModelMetadata("m", "d", "1", "a", "l", recipe))


@pytest.fixture(scope="module")
def recorded(models, tmp_path_factory):
    """The small network with recipes: float32 and int8 of one checkpoint, int8 of another."""
    folder = tmp_path_factory.mktemp("recorded")
    exact, coarse = (path.read_bytes() for path in models)
    for name, content in {
        "float": with_recipe(exact, "float32", "a" * 64),
        "int8": with_recipe(coarse, "int8", "a" * 64),
        "other": with_recipe(coarse, "int8", "b" * 64, "another"),
    }.items():
        (folder / f"{name}.tflite").write_bytes(content)
    return folder


def test_models_of_different_checkpoints_are_compared_and_that_is_said(recorded, portraits, tmp_path):
    for name, warned in (("int8", False), ("other", True)):
        page = tmp_path / f"{name}.html"
        done = run(
            "mmnet", "parity", recorded / "float.tflite", recorded / f"{name}.tflite",
            "-d", portraits, "--split", "test", "--limit", 2, "--report", page, "--json", "-",
        )  # fmt: skip
        note = json.loads(done.stdout)["verdict"]["note"]
        assert (note is not None) is warned
        assert (
            "different checkpoints, mine (step 7, aaaaaaaa) and another (step 7, bbbbbbbb)" in done.stderr
        ) is warned
        assert ("different checkpoints" in page.read_text()) is warned


def test_swapped_models_are_recognised(recorded, portraits):
    exact, coarse = recorded / "float.tflite", recorded / "int8.tflite"
    refused = run("mmnet", "parity", coarse, exact, "-d", portraits)
    assert refused.returncode == 2
    assert f"swap them: mmnet parity {exact} {coarse}" in error_line(refused)
    refused = run("mmnet", "parity", coarse, "mmnet-1.0", "-d", portraits)
    assert "mmnet-1.0 is float32" in error_line(refused)


def test_a_checkpoint_that_does_not_exist_shows_before_the_images_are_read(recorded, tmp_path):
    refused = run("mmnet", "parity", "absent", recorded / "int8.tflite", "-d", tmp_path / "no")
    assert "absent: no such checkpoint" in error_line(refused)
