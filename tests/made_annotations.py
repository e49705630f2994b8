"""Recordings with anything marked on them."""

from hypothesis import strategies as st

from rtme.annotations import Recording, Span
from rtme.annotations.recording import KINDS

RATES = [12.5, 24, 25, 30000 / 1001, 30, 60, 100, 200, 1000, 2000]
_kinds = st.sampled_from(KINDS)


@st.composite
def spans(draw: st.DrawFn) -> Span:
    """Any, also ones that overlap others."""
    kind = draw(_kinds)
    first = draw(st.integers(0, 300) | st.integers(0, 2_000_000))
    last = first + draw(st.integers(0, 40) | st.integers(0, 5_000))
    apex = draw(st.none() | st.integers(first, last)) if kind in ("me", "mae") else None
    # Three digits are what a label says of it.
    confidence = draw(st.none() | st.integers(0, 1000).map(lambda n: n / 1000))
    return Span(kind, first, last, draw(st.integers(0, 3)), apex, confidence)


recordings = st.builds(
    Recording,
    source=st.sampled_from(["clip.mp4", "Ömers Gespräch (2) & co --> 'x'.mov", "talk"]),
    fps=st.sampled_from(RATES),
    n_frames=st.none() | st.integers(0, 100_000),
    spans=st.lists(spans(), max_size=8, unique=True).map(tuple),
    engine=st.sampled_from(["", "default 0.3.0"]),
    engine_note=st.sampled_from(["", 'learned from <synthetic> clips & "portraits"']),
)


def talk(*marked: Span, fps: float = 30.0, n_frames: int | None = 90, source: str = "talk.mp4") -> Recording:
    """A short recording; by default with one of each kind on face 1."""
    usual = (
        Span("me", 10, 15, 1, 13, 0.831),
        Span("mae", 50, 80, 1, None, 0.4),
        Span("speaking", 0, 40, 1, None, 0.7),
        Span("listening", 41, 89, 1, None, 0.7),
    )
    return Recording(source, fps, n_frames, marked or usual, "default 0.3.0", "learned from synthetic clips")
