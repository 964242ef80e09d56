"""One query worker for all tests here: it may read below the folder that all of them write to."""

import pytest

from livefire.engines.worker import shared_worker


@pytest.fixture(scope="session", autouse=True)
def worker(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Let the worker see every test's folder from the start, so that it is not replaced for each."""
    shared_worker([tmp_path_factory.getbasetemp()])
