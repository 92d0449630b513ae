"""Hooks of the documentation site: MkDocs calls the `on_…` functions while it builds.

They do three things, so that the site cannot differ from the repository:

- They bring pages that lie outside `docs/` (model card, figures, README of the demos) into the site.
- They rewrite links. Every Markdown file links relative to its own place in the repository; a hook turns such a link
  into one that is valid on the site. A link to a file that does not exist stops the build.
- They replace markers: `<!-- commands -->` by the command reference, `<!-- layers -->` and `<!-- rules -->` by the
  import contracts of pyproject.toml, `<!-- api MODULE -->` by the public names of a module.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

sys.path.insert(0, str(Path(__file__).parent))

from site_api import public_names
from site_commands import command_reference
from site_contracts import layers, rules

ROOT = Path(__file__).resolve().parents[2]

# Pages that lie elsewhere in the repository: path in the repository -> path on the site.
INCLUDED = {
    "BUILD.md": "building.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "android_demo/README.md": "guides/android-app.md",
    "checkpoints/mmnet-1.0/README.md": "model-card.md",
    "evaluation/results/README.md": "figures/portraits.md",
    "evaluation/results/video.md": "figures/videos.md",
    "tests/benchmark/recordings/README.md": "figures/recordings.md",
    "web_demo/README.md": "guides/web-page.md",
    "web_demo/litert/README.md": "guides/litert-js.md",
}
# Where a link leads on the site: the front page of the repository is there as the first page, in other words.
PLACES = INCLUDED | {"README.md": "index.md"}
# Linked files of these kinds are copied to the site. Any other linked file is named without a link.
COPIED = {".csv", ".ipynb", ".jpg", ".json", ".png", ".svg"}

_FENCE = re.compile(r"^(```|~~~).*?^\1[^\n]*$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?P<image>!?)\[(?P<text>(?:[^\[\]]|\[[^\[\]]*\])*)\]\((?P<target>[^()\s]+)\)")
# a[row][column]: Markdown would take it for a link by reference. The pages have none.
_INDEXED = re.compile(r"(?<!\\)\[([^\[\]]*)\]\[([^\[\]]*)\]")
_MARKER = re.compile(r"^<!-- (?P<name>commands|layers|rules|api) ?(?P<argument>\S*) -->$", re.MULTILINE)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages and the files that lie outside docs/."""
    for source, uri in INCLUDED.items():
        files.append(File.generated(config, uri, abs_src_path=str(ROOT / source)))
    for path in sorted(_linked_files(files)):
        files.append(File.generated(config, f"files/{path}", abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Rewrite the links of a page and replace its markers."""
    source = _repository_path(page.file)
    text = _outside_code(markdown, lambda piece: _rewritten(piece, source, page.file.src_uri))
    return _MARKER.sub(lambda match: _generated(match["name"], match["argument"]), text)


def _generated(name: str, argument: str) -> str:
    match name:
        case "commands":
            return command_reference()
        case "layers":
            return layers(ROOT)
        case "rules":
            return rules(ROOT)
        case _:
            return public_names(argument)


def _linked_files(files: Files) -> set[str]:
    """Paths in the repository of all files outside docs/ that a page links and that the site copies."""
    found = set()
    for file in files.documentation_pages():
        source = _repository_path(file)
        for match in _LINK.finditer(_outside_code(file.content_string, str, fences=False)):
            path = _resolve(match["target"], source)
            if path and not path.startswith("docs/") and Path(path).suffix in COPIED:
                found.add(path)
    return found


def _repository_path(file: File) -> str:
    """The path in the repository of a page of the site."""
    outside = {uri: source for source, uri in INCLUDED.items()}
    return outside.get(file.src_uri, f"docs/{file.src_uri}")


def _resolve(target: str, source: str) -> str | None:
    """The path in the repository of the target of a link in the file `source`; None for an address or an anchor."""
    parts = urlsplit(target)
    if parts.scheme or parts.netloc or not parts.path:
        return None
    path = os.path.normpath(os.path.join(os.path.dirname(source), parts.path))  # noqa: PTH118, PTH120
    if path.startswith(".."):
        raise PluginError(f"{source}: the link {target} leads out of the repository")
    if not (ROOT / path).exists():
        raise PluginError(f"{source}: the link {target} leads to {path}, which does not exist")
    return path


def _on_site(match: re.Match[str], source: str, uri: str) -> str:
    """A link of a Markdown file of the repository, as it has to be on the page `uri` of the site."""
    path = _resolve(match["target"], source)
    if path is None:
        return match[0]
    fragment = urlsplit(match["target"]).fragment
    if path.startswith("docs/"):
        there = path.removeprefix("docs/")
    elif (place := PLACES.get(path) or PLACES.get(f"{path}/README.md")) is not None:
        there = place
    elif Path(path).suffix in COPIED:
        there = f"files/{path}"
    else:
        return f"{match['text']} (`{path}`)" if path not in match["text"] else f"`{path}`"
    relative = os.path.relpath(there, os.path.dirname(uri) or ".")  # noqa: PTH120
    return f"{match['image']}[{match['text']}]({relative}{'#' + fragment if fragment else ''})"


def _rewritten(piece: str, source: str, uri: str) -> str:
    linked = _LINK.sub(lambda match: _on_site(match, source, uri), piece)
    return _INDEXED.sub(r"\\[\1\\]\\[\2\\]", linked)


def _outside_code(markdown: str, replace: Callable[[str], str], *, fences: bool = True) -> str:
    """Replace the parts of a Markdown text that are not fenced code; `fences` says whether to keep the code."""
    pieces, end = [], 0
    for fence in _FENCE.finditer(markdown):
        pieces += [replace(markdown[end : fence.start()]), fence[0] if fences else ""]
        end = fence.end()
    return "".join([*pieces, replace(markdown[end:])])
