"""Synthetic clips with micro-expressions, and everything that is mistaken for them, at known frames."""

from rtme.synth.inject import inject
from rtme.synth.portrait import Portrait
from rtme.synth.render import render
from rtme.synth.script import Script
from rtme.synth.truth import ACTION_UNITS, UNKNOWN, Span, Truth, TruthInterval

__all__ = [
    "ACTION_UNITS",
    "UNKNOWN",
    "Portrait",
    "Script",
    "Span",
    "Truth",
    "TruthInterval",
    "inject",
    "render",
]
