"""onnxruntime on a GPU: why it cannot run, and, on the CPU, the way that batches take through it."""

import numpy as np
import onnxruntime
import pytest

from rtme.engine import ort_cuda
from rtme.engine.backend import Wish
from rtme.engine.backends import open_backend
from rtme.engine.bundle import Bundle, load_bundle
from rtme.engine.ort_cuda import OrtCudaBackend
from rtme.errors import EngineError
from tiny_engine import make_tiny_bundle

_NO_GPU = ort_cuda.missing(load_bundle("default"), Wish("onnxruntime-cuda"))


class OnCpu(OrtCudaBackend):
    """The same code with the provider that every machine has."""

    def _providers(self, device: int) -> list[tuple[str, dict[str, int]]]:
        return [("CPUExecutionProvider", {})]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return make_tiny_bundle(tmp_path_factory.mktemp("tiny"))


@pytest.mark.parametrize("count", [0, 1, 6, 11])
def test_whole_batches_say_what_single_crops_say(count: int) -> None:
    bundle = load_bundle("default")
    crops = np.random.default_rng(0).integers(0, 256, (count, 112, 112, 3), np.uint8)
    found = OnCpu(bundle, Wish(max_batch=6)).encode(crops)
    expected = open_backend(bundle, "onnxruntime").encode(crops)
    np.testing.assert_allclose(found.frame, expected.frame, rtol=0, atol=1e-5)
    np.testing.assert_allclose(found.regions, expected.regions, rtol=0, atol=1e-5)


def test_without_its_provider_it_says_what_to_install(tiny: Bundle) -> None:
    reason = ort_cuda.missing(tiny, Wish("onnxruntime-cuda"))
    if ort_cuda.CUDA in onnxruntime.get_available_providers():
        pytest.skip("this onnxruntime has CUDA")
    assert (
        reason == "this onnxruntime has no CUDAExecutionProvider: put onnxruntime-gpu in place of onnxruntime"
    )


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_a_provider_that_falls_back_is_refused(tiny: Bundle) -> None:
    # Asked for CUDA where there is none, onnxruntime warns and takes the CPU.
    if _NO_GPU is None:
        pytest.skip("this machine has what it takes")
    with pytest.raises(EngineError, match="onnxruntime found no CUDA and cuDNN that fit it"):
        OrtCudaBackend(tiny, Wish("onnxruntime-cuda"))


@pytest.mark.gpu
@pytest.mark.skipif(_NO_GPU is not None, reason=str(_NO_GPU))
def test_on_a_gpu_it_says_what_the_cpu_says() -> None:
    bundle = load_bundle("default")
    crops = np.random.default_rng(0).integers(0, 256, (19, 112, 112, 3), np.uint8)
    found = OrtCudaBackend(bundle, Wish("onnxruntime-cuda")).encode(crops)
    expected = open_backend(bundle, "onnxruntime").encode(crops)
    np.testing.assert_allclose(found.frame, expected.frame, rtol=0, atol=1e-4)
