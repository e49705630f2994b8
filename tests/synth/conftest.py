"""The astronaut: scikit-image's public-domain portrait, so that no test here needs other material."""

import numpy as np
import pytest

from rtme.synth.portrait import Portrait


@pytest.fixture(scope="session")
def astronaut() -> Portrait:
    data = pytest.importorskip("skimage.data", reason="needs scikit-image: pip install 'rtme[demo]'")
    return Portrait.load(np.ascontiguousarray(data.astronaut()), "astronaut")
