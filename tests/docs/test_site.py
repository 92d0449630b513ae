"""The documentation: the site builds without a warning, loads nothing from elsewhere, and names what exists."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from support import PATIENCE, ROOT

import mmnet


def build(folder: Path, config: Path = ROOT / "mkdocs.yml") -> subprocess.CompletedProcess[str]:
    """Build the site strictly into a folder."""
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file", config, "--site-dir", folder],
        cwd=config.parent,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site."""
    folder = tmp_path_factory.mktemp("site")
    done = build(folder)
    assert done.returncode == 0, done.stderr
    return folder


class Loaded(HTMLParser):
    """The addresses that a page loads by itself, and those that it links."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.linked: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.loaded += [value for name in ("src", "srcset") if (value := values.get(name))]
        if (value := values.get("href")) is not None:
            (self.loaded if tag == "link" else self.linked).append(value)


@pytest.mark.slow
def test_the_site_is_complete_and_loads_nothing_from_elsewhere(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 25
    for page in pages:
        addresses = Loaded(page.read_text(encoding="utf-8"))
        assert not [one for one in addresses.loaded if urlsplit(one).netloc], page
        for one in [*addresses.loaded, *addresses.linked]:
            parts = urlsplit(one)
            if page.name != "404.html" and parts.path and not parts.scheme and not parts.netloc:
                assert (page.parent / parts.path).exists(), f"{page.relative_to(site)}: {one}"


@pytest.mark.slow
def test_the_references_are_complete(site: Path) -> None:
    api = (site / "reference" / "api.html").read_text(encoding="utf-8")
    for name in mmnet.__all__:
        assert f'id="mmnet.{name}"' in api, name
    commands = (site / "reference" / "commands.html").read_text(encoding="utf-8")
    for anchor in ("mmnet-matte", "mmnet-data-check", "mmnet-benchmark-plot"):
        assert f'id="{anchor}"' in commands
    assert "--calibration-photos" in commands
    assert not re.search(r'title="mmnet\.[\w.]+,"', api), "an entry of several names was not split"
    architecture = (site / "internals" / "architecture.html").read_text(encoding="utf-8")
    assert "<code>mmnet.evaluation</code>" in architecture
    assert "Permitted all the same: <code>mmnet.batch.pool -&gt; ray</code>" in architecture
    assert not re.search("&lt;!-- (commands|layers|rules|api)", commands + api + architecture)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[gone](guides/gone.md)", "guides/gone.md"),
        ("[gone](guides/photos.md#gone)", "does not contain an anchor '#gone'"),
        ("[gone](../evaluation/results/gone.md)", "evaluation/results/gone.md, which does not exist"),
        ("[absolute](/guides/photos.md)", "/guides/photos.md"),
        ("::: mmnet.gone", "mmnet.gone"),
    ],
)
def test_a_planted_fault_stops_the_build(tmp_path: Path, text: str, complaint: str) -> None:
    """A link to a page, an anchor or a file that does not exist, or to the root of a server; an unknown name."""
    for entry in ROOT.iterdir():
        if entry.name not in ("docs", "mkdocs.yml", "build"):
            (tmp_path / entry.name).symlink_to(entry)
    copy_tree(ROOT / "docs", tmp_path / "docs")
    (tmp_path / "mkdocs.yml").write_text((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), encoding="utf-8")
    index = tmp_path / "docs" / "index.md"
    index.write_text(index.read_text(encoding="utf-8") + f"\n{text}\n", encoding="utf-8")
    done = build(tmp_path / "site", tmp_path / "mkdocs.yml")
    assert done.returncode != 0
    assert complaint in done.stderr


def copy_tree(source: Path, target: Path) -> None:
    """Copy a folder's text files."""
    for path in source.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            copied = target / path.relative_to(source)
            copied.parent.mkdir(parents=True, exist_ok=True)
            copied.write_bytes(path.read_bytes())
