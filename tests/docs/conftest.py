"""What the tests of the documents need."""

from collections.abc import Iterator

import pytest
from filelock import FileLock


@pytest.fixture
def default_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The documents name no port: what is typed as it stands there has the usual one, one at a time."""
    # With `-n` each process has a folder of its own in one that they share.
    with FileLock(tmp_path_factory.getbasetemp().parent / "default-port.lock"):
        yield
