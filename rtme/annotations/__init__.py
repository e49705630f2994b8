"""Files of annotations: intervals and turns, as rtme and as people with ELAN, Praat or a spreadsheet write them."""

from rtme.annotations.forms import FORMS, Reading, check_writable, read, write
from rtme.annotations.recording import NoFrameRateError, Recording, Span
from rtme.annotations.tiers import Choice, parse_choice

__all__ = [
    "FORMS",
    "Choice",
    "NoFrameRateError",
    "Reading",
    "Recording",
    "Span",
    "check_writable",
    "parse_choice",
    "read",
    "write",
]
