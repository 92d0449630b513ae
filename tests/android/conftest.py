"""The Java core, compiled once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from java_core import JavaCore, compile_core


@pytest.fixture(scope="session")
def class_path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Core and its tests, compiled."""
    return compile_core(tmp_path_factory.mktemp("classes"))


@pytest.fixture(scope="session")
def java(class_path: str) -> Iterator[JavaCore]:
    """One JVM for all requests."""
    with JavaCore(class_path) as core:
        yield core
