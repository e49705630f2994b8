"""Whether every backend says what the reference says, on real crops."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import get_args

from rtme.engine.backend import Backend, Precision, Wish
from rtme.engine.backends import KINDS
from rtme.engine.bundle import Bundle
from rtme.errors import EngineError
from rtme.trial.heard import Difference, Heard, differences, listen, worst
from rtme.trial.kept import Kept, compare
from rtme.trial.tracked import Clip

PRECISIONS: tuple[Precision, ...] = get_args(Precision)

TOLERANCE: dict[Precision, float] = {"fp32": 1e-4, "fp16": 0.01, "bf16": 0.05, "int8": 0.3}
"""Largest difference of a probability from the reference that is let pass; intervals may never change.

Several times what was measured with the default engine on the demo: 2e-6 in fp32, 0.01 in bf16, 0.19 in int8.
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One backend in one precision, beside the reference.

    Attributes:
        backend: Its name.
        precision: Asked for.
        label: What it says of itself.
        tolerance: For a probability.
        apart: Differences by quantity.
        intervals: What became of the reference's.
        ms_per_crop: Median.
        ms_per_window: Median.
        failure: What it said when it failed under way; everything else is empty then.
    """

    backend: str
    precision: Precision
    label: str
    tolerance: float
    apart: dict[str, Difference] = field(default_factory=dict)
    intervals: Kept = field(default_factory=Kept)
    ms_per_crop: float | None = None
    ms_per_window: float | None = None
    failure: str | None = None

    @property
    def passed(self) -> bool:
        """No interval changed, and no probability by more than the tolerance (NaN never passes)."""
        return self.failure is None and self.intervals.exactly and worst(self.apart) <= self.tolerance


@dataclass(frozen=True, slots=True)
class Verification:
    """All of them.

    Attributes:
        reference: Label of what they are compared with.
        note: What a person should know of the reference, "" for nothing.
        heard: What the reference says.
        verdicts: Backends that run here.
        refused: Backends that do not, by name and precisions, with the reason.
    """

    reference: str
    note: str
    heard: Heard
    verdicts: list[Verdict]
    refused: dict[str, str]

    @property
    def passed(self) -> bool:
        """All that run here."""
        return all(verdict.passed for verdict in self.verdicts)


def verify(
    bundle: Bundle, clips: Sequence[Clip], wish: Wish, tell: Callable[[str], None] = lambda line: None
) -> Verification:
    """Run footage through every backend in every precision that works here.

    Args:
        bundle: The engine.
        clips: Footage, tracked for this engine.
        wish: Threads, device and batch; its backend and precision are not looked at.
        tell: Called with the name of what is run next.

    Raises:
        EngineError: The reference itself fails.
    """
    backend, note = _reference(bundle, wish)
    name, reference = backend.name, backend.label
    tell(f"{name} fp32, the reference")
    heard = listen(backend, clips)
    backend.close()
    verdicts: list[Verdict] = []
    refusals: dict[tuple[str, str], list[Precision]] = {}
    for other in KINDS:
        for precision in PRECISIONS:
            if (other, precision) == (name, "fp32"):
                continue
            found = _try(bundle, clips, _asked(wish, other, precision), heard, tell)
            if isinstance(found, Verdict):
                verdicts.append(found)
            else:
                refusals.setdefault((other, found), []).append(precision)
    refused = {f"{one} ({', '.join(each)})": reason for (one, reason), each in refusals.items()}
    return Verification(reference, note, heard, verdicts, refused)


def _reference(bundle: Bundle, wish: Wish) -> tuple[Backend, str]:
    """What all are compared with, and what is to be said of it."""
    asked = _asked(wish, "torch", "fp32")
    reason = KINDS["torch"].missing(bundle, asked)
    if reason is None:
        try:
            return KINDS["torch"].open(bundle, asked), ""
        except EngineError as error:  # an int8 engine, for one
            reason = str(error)
    plain = KINDS["onnxruntime"].open(bundle, _asked(wish, "onnxruntime", "fp32"))
    return plain, f"the reference is onnxruntime, not torch: {reason}"


def _asked(wish: Wish, backend: str, precision: Precision) -> Wish:
    return Wish(backend, precision, wish.threads, wish.device, wish.max_batch)


def _try(
    bundle: Bundle, clips: Sequence[Clip], wish: Wish, reference: Heard, tell: Callable[[str], None]
) -> Verdict | str:
    """What comes of one backend, or why it cannot be opened."""
    assert wish.precision is not None
    kind = KINDS[wish.backend]
    reason = kind.missing(bundle, wish)
    if reason is not None:
        return reason
    try:
        backend = kind.open(bundle, wish)
    except EngineError as error:
        return str(error)
    tell(f"{wish.backend} {wish.precision}")
    told = (wish.backend, wish.precision, backend.label, TOLERANCE[wish.precision])
    try:
        heard = listen(backend, clips)
    except EngineError as error:
        return Verdict(*told, failure=str(error))
    finally:
        backend.close()
    return Verdict(
        *told,
        apart=differences(reference, heard),
        intervals=compare(reference.intervals, heard.intervals),
        ms_per_crop=heard.ms_per_crop,
        ms_per_window=heard.ms_per_window,
    )
