"""The links of every Markdown file lead to files of the repository, as a browser of the sources shows them."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from support import ROOT

FOLDERS = [
    entry for entry in ROOT.iterdir() if entry.is_dir() and entry.name[0] != "." and entry.name not in ("build", "src")
]
PAGES = sorted([*ROOT.glob("*.md"), *(path for folder in FOLDERS for path in folder.rglob("*.md"))])


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links(page: Path) -> None:
    text = re.sub(r"^ *```.*?^ *```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for link in re.findall(r"\]\(([^()\s]+)\)", text):
        parts = urlsplit(link)
        if parts.scheme:
            continue
        target = page.parent / parts.path if parts.path else page
        assert target.exists(), link
        if parts.fragment:
            assert parts.fragment in anchors(target), link


def test_the_app_has_the_model_that_its_commands_name() -> None:
    """`--es model NAME` in pages and in Java: the app's assets are the models that ship."""
    sources = [*PAGES, *(ROOT / "android_demo").rglob("*.java")]
    text = "\n".join(source.read_text(encoding="utf-8") for source in sources)
    named = set(re.findall(r"--es model (\S+\.tflite)", text))
    assert named
    assert named <= {path.name for path in (ROOT / "runtime" / "models").iterdir()}


def test_the_readme_is_a_front_page() -> None:
    """At most 131 lines, with the test command that `.ci/run` runs."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme.count("\n") <= 131
    assert "\npython3 -m venv .venv && .venv/bin/pip install '.[test]' && .venv/bin/pytest\n" in readme
