import pytest

from tiny_engine import make_tiny_bundle


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An engine that needs no training and answers to any motion."""
    return str(make_tiny_bundle(tmp_path_factory.mktemp("engine") / "tiny").path)
