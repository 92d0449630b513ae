"""The Java that runs on the JVM, compiled once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from java_core import JavaCore, compile_java


@pytest.fixture(scope="session")
def class_path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Core, the adapter to LiteRT and their tests, compiled."""
    return compile_java(tmp_path_factory.mktemp("classes"))


@pytest.fixture(scope="session")
def java(class_path: str) -> Iterator[JavaCore]:
    """One JVM for all requests."""
    with JavaCore(class_path) as core:
        yield core
