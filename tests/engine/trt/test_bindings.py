"""Every name and argument that our code uses of TensorRT is in the real bindings of both majors.

The bindings need nine functions of TensorRT's libraries, which are gigabytes and run nowhere without a GPU; a stub has them.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rtme.engine import trt as room
from stub_driver import compile_library

ROOT = Path(__file__).parents[3]
HOME = Path(os.environ.get("RTME_TENSORRT_BINDINGS", ROOT / ".bindings"))
VERSIONS = ("10.16.1.11", "11.4.0.106")
SOURCES = sorted(Path(room.__file__).parent.glob("*.py"))
LIBRARIES = ("nvinfer", "nvinfer_plugin", "nvonnxparser")

_STUB = "\n".join(
    f"void *{name}(void) {{ return 0; }}"
    for name in (
        "createInferBuilder_INTERNAL",
        "createInferRefitter_INTERNAL",
        "createInferRuntime_INTERNAL",
        "createNvOnnxParser_INTERNAL",
        "createNvOnnxParserRefitter_INTERNAL",
        "getBuilderPluginRegistry",
        "getPluginRegistry",
        "getNvOnnxParserVersion",
        "initLibNvInferPlugins",
    )
)


@pytest.fixture(scope="module", params=VERSIONS)
def environment(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """In which ``tensorrt_bindings`` can be imported."""
    version: str = request.param
    home = HOME / version
    if not (home / "tensorrt_bindings").is_dir():
        pytest.skip(f"{home} has no bindings of TensorRT {version}: make bindings")
    if shutil.which("gcc") is None:
        pytest.skip("gcc is missing: it compiles a stub of TensorRT's libraries")
    folder = tmp_path_factory.mktemp("libraries")
    for library in LIBRARIES:
        name = f"lib{library}.so.{version.split('.')[0]}"
        compile_library(folder / name, _STUB, f"-Wl,-soname,{name}")
    return {**os.environ, "LD_LIBRARY_PATH": str(folder), "PYTHONPATH": str(home)}


def names(environment: dict[str, str], library: str, *sources: Path) -> dict[str, Any]:
    script = ROOT / "tests" / "real_names.py"
    done = subprocess.run(
        [sys.executable, str(script), library, *map(str, sources)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_all_that_is_used_exists(environment: dict[str, str]) -> None:
    sources = [path for path in SOURCES if path.name != "cuda_graph.py"]
    found = names(environment, "tensorrt_bindings", *sources)
    assert found["wrong"] == []
    assert Path(environment["PYTHONPATH"]).name == found["version"]
    # Whatever looks like a method of TensorRT's in our code was recognised as one, or it would not have been checked.
    code = "\n".join(path.read_text() for path in sources)
    written = set(
        re.findall(
            r"\b(?:context|engine|_engine|_runtime|config|builder|parser|profile|error)\.(\w+)\(", code
        )
    )
    checked = {name.rpartition(".")[2] for name in found["used"]}
    assert len(written) > 20
    assert written - {"close"} <= checked


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            "config.set_memory_pool_limit",
            "config.set_memory_limit",
            "IBuilderConfig.set_memory_limit does not exist",
        ),
        ("trt.BuilderFlag.TF32", "trt.BuilderFlag.TF23", "BuilderFlag.TF23 does not exist"),
        ("ignore_mismatch=", "ignore=", "fits none of"),
        ("shape, shape, shape)", "shape, shape)", "fits none of"),
        ("error.node_name()", "error.name()", "ParserError.name does not exist"),
    ],
)
def test_a_wrong_name_would_be_found(
    environment: dict[str, str], tmp_path: Path, old: str, new: str, fault: str
) -> None:
    code = (Path(room.__file__).parent / "builder.py").read_text()
    assert old in code
    (tmp_path / "builder.py").write_text(code.replace(old, new))
    (wrong, *_) = names(environment, "tensorrt_bindings", tmp_path / "builder.py")["wrong"]
    assert fault in wrong


def test_cuda_graphs_are_in_nvidias_bindings() -> None:
    home = HOME / "cuda"
    if not (home / "cuda").is_dir():
        pytest.skip(f"{home} has no cuda.bindings: make bindings")
    source = Path(room.__file__).parent / "cuda_graph.py"
    found = names({**os.environ, "PYTHONPATH": str(home)}, "cuda.bindings.driver", source)
    assert found["wrong"] == []
    assert set(re.findall(r"\bcu[A-Z]\w+", source.read_text())) <= set(found["used"])
