"""Plans on disk: found where they fit, refused where they do not."""

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from rtme.engine.trt import plans
from rtme.engine.trt.plans import Machine, PlanFacts, PlanStore, plans_folder
from rtme.errors import EngineError

HERE = Machine("11.4.0.106", "NVIDIA H100 80GB HBM3", "9.0", 132)
GRAPH = "ab" * 32
FACTS = PlanFacts(GRAPH, "fp16", HERE, (1, 2, 4))

machines = some.builds(
    Machine,
    some.sampled_from(["10.16.1.11", "11.4.0.106"]),
    some.text(min_size=1, max_size=20),
    some.sampled_from(["8.0", "9.0"]),
    some.integers(1, 200),
)
facts = some.builds(
    PlanFacts,
    some.text("0123456789abcdef", min_size=64, max_size=64),
    some.sampled_from(["fp32", "fp16", "bf16"]),
    machines,
    some.sampled_from([(1,), (1, 2), (1, 2, 4, 8)]),
    some.integers(1, 3),
)


@pytest.fixture
def store(tmp_path: Path) -> PlanStore:
    return PlanStore(tmp_path / "plans")


@given(facts, facts)
def test_keys_are_equal_where_facts_are(one: PlanFacts, other: PlanFacts) -> None:
    assert (one.key == other.key) == (one == other)
    assert (one.name == other.name) == (one == other)
    assert Path(one.name).name == one.name


@pytest.mark.parametrize("field", [field.name for field in fields(Machine)])
def test_every_fact_of_a_machine_counts(field: str) -> None:
    other = replace(HERE, **{field: 1 if field == "multiprocessors" else "other"})
    assert replace(FACTS, machine=other).key != FACTS.key


def test_what_was_saved_is_found_and_read(store: PlanStore) -> None:
    store.save(FACTS, b"plan", {"seconds": 3})
    found = store.find(GRAPH, "fp16", HERE)
    assert not isinstance(found, str)
    assert (found.facts, found.read()) == (FACTS, b"plan")
    assert not list(store.folder.glob("*.partial"))
    assert json.loads(found.path.with_suffix(".json").read_text())["told"] == {"seconds": 3}


def test_of_several_the_largest_batches_are_found(store: PlanStore) -> None:
    for sizes in ((1, 2), (1, 2, 4, 8, 16), (1,)):
        store.save(replace(FACTS, sizes=sizes), b"plan", {})
    found = store.find(GRAPH, "fp16", HERE)
    assert not isinstance(found, str)
    assert found.facts.sizes == (1, 2, 4, 8, 16)


@pytest.mark.parametrize(
    ("built", "reason"),
    [
        (
            replace(FACTS, machine=replace(HERE, tensorrt="10.16.1.11")),
            r"was built for TensorRT 10\.16\.1\.11 on",
        ),
        (
            replace(FACTS, machine=replace(HERE, gpu="NVIDIA L4")),
            r"on NVIDIA L4 \(9\.0, .*, and this is .*H100",
        ),
        (
            replace(FACTS, machine=replace(HERE, multiprocessors=114)),
            "114 multiprocessors.* 132 multiprocessors",
        ),
        (replace(FACTS, recipe=0), "was built by another version of rtme"),
        (replace(FACTS, precision="bf16"), "it has no plan in fp16 for this GPU in "),
        (replace(FACTS, graph="cd" * 32), "it has no plan in fp16 for this GPU in "),
        (replace(FACTS, graph=GRAPH[:20] + "0" * 44), "it has no plan in fp16 for this GPU in "),
    ],
)
def test_a_foreign_plan_is_refused_with_the_reason(store: PlanStore, built: PlanFacts, reason: str) -> None:
    import re

    store.save(built, b"plan", {})
    found = store.find(GRAPH, "fp16", HERE)
    assert isinstance(found, str)
    assert re.search(reason, found)


def test_a_damaged_plan_is_not_read(store: PlanStore) -> None:
    saved = store.save(FACTS, b"plan", {})
    saved.path.write_bytes(b"plam")
    with pytest.raises(EngineError, match=r"\.plan is damaged .*: build it again"):
        saved.read()
    saved.path.unlink()
    with pytest.raises(EngineError, match=r"cannot be read \(No such file or directory\): build it again"):
        saved.read()


@pytest.mark.parametrize(
    "words",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"facts": {}, "sha256": ""}',
        b'{"facts": {"machine": {"x": 1}, "sizes": []}}',
    ],
)
def test_a_torn_description_is_no_plan(store: PlanStore, words: bytes) -> None:
    saved = store.save(FACTS, b"plan", {})
    saved.path.with_suffix(".json").write_bytes(words)
    assert isinstance(store.find(GRAPH, "fp16", HERE), str)


def test_a_description_with_other_facts_than_its_name_is_no_plan(store: PlanStore) -> None:
    path = store.save(FACTS, b"plan", {}).path.with_suffix(".json")
    words: dict[str, Any] = json.loads(path.read_text())
    words["facts"]["machine"]["gpu"] = "NVIDIA L4"
    path.write_text(json.dumps(words))
    assert isinstance(store.find(GRAPH, "fp16", replace(HERE, gpu="NVIDIA L4")), str)


def test_a_plan_whose_writing_broke_off_is_none(store: PlanStore, monkeypatch: pytest.MonkeyPatch) -> None:
    write = store._write

    def breaks(path: Path, data: bytes) -> None:
        if path.suffix == ".json":
            raise KeyboardInterrupt
        write(path, data)

    monkeypatch.setattr(store, "_write", breaks)
    with pytest.raises(KeyboardInterrupt):
        store.save(FACTS, b"plan", {})
    assert isinstance(store.find(GRAPH, "fp16", HERE), str)


def test_timings_are_of_a_machine(store: PlanStore) -> None:
    assert store.timings(HERE) == b""
    store.save_timings(HERE, b"measured")
    assert store.timings(HERE) == b"measured"
    assert store.timings(replace(HERE, tensorrt="10.16.1.11")) == b""


def test_a_folder_that_cannot_be_written_is_said_first(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EngineError, match=r"plans cannot be written to .*file/plans .*: give another folder"):
        PlanStore(tmp_path / "file" / "plans").check_writable()


def test_where_plans_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(plans.HOME, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache/mine")
    assert plans_folder() == Path("/var/cache/mine/rtme/plans")
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert plans_folder() == Path.home() / ".cache" / "rtme" / "plans"
    monkeypatch.setenv(plans.HOME, "/srv/plans")
    assert plans_folder() == Path("/srv/plans")
