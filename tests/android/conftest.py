"""Fixtures that compile the Java code for the JVM once, and run it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from java_core import JavaCore, compile_java


@pytest.fixture(scope="session")
def class_path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the class path of the compiled Java core, library and their tests."""
    return compile_java(tmp_path_factory.mktemp("classes"))


@pytest.fixture(scope="session")
def java(class_path: str) -> Iterator[JavaCore]:
    """Start one JVM for all requests of the tests."""
    with JavaCore(class_path) as core:
        yield core
