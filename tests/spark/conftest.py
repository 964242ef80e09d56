"""Spark for tests: Sail in this process, started once, or the address that LIVEFIRE_TEST_SPARK names."""

from __future__ import annotations

import os
import sys

import pytest

from livefire.engines.spark import Spark

# pyspark takes a main module without a file, as the workers of pytest have it, for a doctest of its own.
if not hasattr(sys.modules["__main__"], "__file__"):
    sys.modules["__main__"].__file__ = __file__

ADDRESS = os.environ.get("LIVEFIRE_TEST_SPARK", "sail")


@pytest.fixture(scope="session")
def spark() -> Spark:
    return Spark(ADDRESS)


@pytest.fixture(scope="session")
def plain() -> Spark:
    """A Spark on whose nodes nothing but its own SQL runs."""
    return Spark(ADDRESS, carry=False)
