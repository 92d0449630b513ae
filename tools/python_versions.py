"""Renew the table of Python versions and extras in docs/reference/python-versions.md.

Each extra is resolved for each version of Python on Linux (x86-64), from wheels alone, as an installation would be;
nothing is installed. It needs uv and a package index, and takes some minutes:
  pip install uv && python tools/python_versions.py [--check]

--check compares the table with the page, and changes nothing; the exit code is 1 if they differ.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "reference" / "python-versions.md"
BEGIN, END = "<!-- begin of the table -->", "<!-- end of the table -->"
VERSIONS = ("3.11", "3.12", "3.13", "3.14")
# What the table calls a system -> uv's name of it.
SYSTEMS = {"Linux": "x86_64-manylinux_2_28"}
_AT_ONCE = 8
PLAIN = ""  # the installation without an extra

# (extra, version of Python, system) -> "" if it resolves, else the package that is to blame
Resolver = Callable[[str, str, str], str]


def extras() -> list[str]:
    """Return the plain installation and every extra of pyproject.toml, in its order."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [PLAIN, *project["optional-dependencies"]]


def resolve(extra: str, version: str, system: str) -> str:
    """Resolve an extra with uv: "" if it resolves, else the name of the package that is to blame.

    Raises:
        RuntimeError: uv failed for another reason than a package.
    """
    command = ["uv", "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--only-binary", ":all:"]
    command += ["--python-version", version, "--python-platform", SYSTEMS[system], "pyproject.toml"]
    command += ["--extra", extra] if extra else []
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if not done.returncode:
        return ""
    text = " ".join(done.stderr.split())
    if "No solution found" not in text:
        raise RuntimeError(f"uv: {text}")
    found = re.search(r"only found wheels for `([^`]+)`", text) or re.search(r"Because (?:only )?([\w.-]+)", text)
    return found[1].partition("==")[0] if found else "?"


def table(names: Sequence[str], resolver: Resolver, versions: Sequence[str] = VERSIONS) -> str:
    """Return the table in Markdown: a row per extra, a column per version of Python."""
    lines = [f"| extra | {' | '.join(versions)} |", f"|{'---|' * (len(versions) + 1)}"]
    wanted = [(extra, version, system) for extra in names for version in versions for system in SYSTEMS]
    with ThreadPoolExecutor(_AT_ONCE) as pool:  # most of the time is spent on waiting for the index
        found = dict(zip(wanted, pool.map(lambda one: resolver(*one), wanted), strict=True))
    for extra in names:
        cells = [cell({system: found[extra, version, system] for system in SYSTEMS}) for version in versions]
        lines.append(f"| {f'`{extra}`' if extra else '(none)'} | {' | '.join(cells)} |")
    return "\n".join(lines)


def cell(blame: Mapping[str, str]) -> str:
    """Return what a cell says: "yes", or where the extra does not resolve, and because of which packages.

    Args:
        blame: system -> "" if it resolves, else the package that is to blame.
    """
    failing = {system: package for system, package in blame.items() if package}
    if not failing:
        return "yes"
    packages = ", ".join(sorted(set(failing.values())))
    where = "" if len(failing) == len(blame) else f" on {', '.join(failing)}"
    return f"not{where}: {packages}" if where else f"no: {packages}"


def renewed(page: str, new: str) -> str:
    """Return the page with another table.

    Raises:
        ValueError: the page has not both marks of the table.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE}: lacks the marks {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{new}\n\n{END}{after}"


def main() -> int:
    """Resolve everything, and renew or check the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare, and change nothing")
    given = parser.parse_args()
    page = PAGE.read_text()
    new = renewed(page, table(extras(), resolve))
    if not given.check:
        PAGE.write_text(new)
    elif new != page:
        print(f"{PAGE}: the table has changed; run this script without --check", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
