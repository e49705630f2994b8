"""Built plans on disk: each fits one graph, one TensorRT and one model of GPU, and says so in a file beside it.

A plan is code for the GPU: only what this store wrote is loaded, and only when its SHA-256 is the one that was written down.
"""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from rtme.errors import EngineError

RECIPE = 1
"""Of turning a bundle's graph into a plan (types, profiles, flags). Raise it with any change: older plans are not used."""

HOME = "RTME_PLANS"
"""Environment variable that names another folder for plans."""


def plans_folder() -> Path:
    """``$RTME_PLANS``, or ``rtme/plans`` in the user's cache: the package's own folder may not be theirs to write."""
    if named := os.environ.get(HOME):
        return Path(named).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "rtme" / "plans"


@dataclass(frozen=True, slots=True)
class Machine:
    """What a plan is built with and for.

    Attributes:
        tensorrt: Its full version: plans fit no other.
        gpu: The GPU's name.
        capability: Its compute capability.
        multiprocessors: How many; cards of one name may differ.
    """

    tensorrt: str
    gpu: str
    capability: str
    multiprocessors: int

    def __str__(self) -> str:
        return f"TensorRT {self.tensorrt} on {self.gpu} ({self.capability}, {self.multiprocessors} multiprocessors)"


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """What a plan is.

    Attributes:
        graph: SHA-256 of the bundle's graph that it was made of.
        precision: ``fp32``, ``fp16`` or ``bf16``.
        machine: Where it runs.
        sizes: Of its batches, rising.
        recipe: How it was made.
    """

    graph: str
    precision: str
    machine: Machine
    sizes: tuple[int, ...]
    recipe: int = RECIPE

    @property
    def key(self) -> str:
        """Differs whenever any fact does."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    @property
    def name(self) -> str:
        """Of the file, without its ending: what it is made of comes first, so that kin stand together."""
        return f"{_kin(self.graph, self.precision)}{self.key[:16]}"


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan in a store, not read yet.

    Attributes:
        path: The file.
        facts: What it is.
        sha256: Of the file.
    """

    path: Path
    facts: PlanFacts
    sha256: str

    def read(self) -> bytes:
        """The plan itself.

        Raises:
            EngineError: It is not what was written.
        """
        try:
            plan = self.path.read_bytes()
        except OSError as error:
            raise EngineError(
                f"plan {self.path} cannot be read ({error.strerror}): build it again"
            ) from error
        if hashlib.sha256(plan).hexdigest() != self.sha256:
            raise EngineError(f"plan {self.path} is damaged (its SHA-256 is another): build it again")
        return plan


class PlanStore:
    """A folder of plans.

    Args:
        folder: Made when something is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, facts: PlanFacts, plan: bytes, told: dict[str, Any]) -> Plan:
        """Keep a plan, in place of an equal one.

        Args:
            facts: What it is.
            plan: Itself.
            told: Whatever else its reader may want to know.

        Raises:
            EngineError: The folder cannot be written.
        """
        kept = Plan(self.folder / f"{facts.name}.plan", facts, hashlib.sha256(plan).hexdigest())
        words = {"sha256": kept.sha256, "facts": asdict(facts), "told": told}
        # What describes it comes last: a plan without it does not exist.
        self._write(kept.path, plan)
        self._write(kept.path.with_suffix(".json"), json.dumps(words, indent=2).encode() + b"\n")
        return kept

    def find(self, graph: str, precision: str, machine: Machine) -> Plan | str:
        """The plan with the largest batches that fits, or why there is none.

        Args:
            graph: SHA-256 of the bundle's graph.
            precision: Wanted.
            machine: That it must run on.
        """
        kin = [
            plan
            for path in sorted(self.folder.glob(f"{_kin(graph, precision)}*.json"))
            if (plan := _described(path)) is not None and plan.facts.graph == graph
        ]
        fitting = [p for p in kin if p.facts.machine == machine and p.facts.recipe == RECIPE]
        if fitting:
            return max(fitting, key=lambda plan: plan.facts.sizes[-1])
        others = sorted({str(plan.facts.machine) for plan in kin if plan.facts.machine != machine})
        if others:
            return f"its plan in {precision} was built for {' and '.join(others)}, and this is {machine}"
        if kin:
            return f"its plan in {precision} was built by another version of rtme"
        return f"it has no plan in {precision} for this GPU in {self.folder}"

    def timings(self, machine: Machine) -> bytes:
        """What earlier builds measured on such a machine; empty at first. TensorRT checks it itself."""
        try:
            return self._timings(machine).read_bytes()
        except OSError:
            return b""

    def save_timings(self, machine: Machine, timings: bytes) -> None:
        """Keep what a build measured: the next one is quicker.

        Raises:
            EngineError: The folder cannot be written.
        """
        self._write(self._timings(machine), timings)

    def check_writable(self) -> None:
        """Before minutes are spent on a plan.

        Raises:
            EngineError: The folder cannot be written.
        """
        probe = self.folder / ".writable"
        self._write(probe, b"")
        probe.unlink(missing_ok=True)

    def _timings(self, machine: Machine) -> Path:
        key = hashlib.sha256(json.dumps(asdict(machine), sort_keys=True).encode()).hexdigest()
        return self.folder / f"{key[:16]}.timings"

    def _write(self, path: Path, data: bytes) -> None:
        """Whole or not at all; two builds at once do not mix."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with NamedTemporaryFile(
                dir=self.folder, prefix=path.name, suffix=".partial", delete=False
            ) as file:
                partial = Path(file.name)
                try:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                    partial.replace(path)
                except BaseException:
                    partial.unlink(missing_ok=True)
                    raise
        except OSError as error:
            raise EngineError(
                f"plans cannot be written to {self.folder} ({error.strerror}): give another folder with --plans"
            ) from error


def _kin(graph: str, precision: str) -> str:
    return f"{graph[:12]}-{precision}-"


def _described(path: Path) -> Plan | None:
    """What a file says of the plan beside it; None where it says nothing that can be used."""
    try:
        words = json.loads(path.read_bytes())
        found = words["facts"]
        facts = PlanFacts(
            **{**found, "machine": Machine(**found["machine"]), "sizes": tuple(map(int, found["sizes"]))}
        )
        plan = Plan(path.with_suffix(".plan"), facts, str(words["sha256"]))
        whole = facts.name == path.stem and facts.sizes[0] == 1 and plan.path.is_file()
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None
    return plan if whole else None
