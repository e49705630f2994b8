"""What stands in a cell, in one form for all datasets."""

import re
from typing import Literal

from rtme.data.manifest import Type

_UNIT = re.compile(r"(?:AU)?\s*([LR]?)\s*(\d{1,2})([A-E]?)(\(K\))?", re.IGNORECASE)
_SPELLINGS = {"happyiness": "happiness", "other": "others"}


def action_units(cell: str) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Take a cell of FACS units apart.

    ``AU4B + R12`` gives ``4B`` and ``R12``; ``12A or 14`` and ``12A/14`` give ``12A/14``, one unit of which the coder
    left two possible; ``AU7(k)`` is a static unit (4DME), one that does not move in the clip.

    Returns:
        (moving units, static units, words that are no units).
    """
    text = re.sub(r"\s*(?:/|\bor\b)\s*", "/", cell.replace("，", ","), flags=re.IGNORECASE)
    moving: list[str] = []
    static: list[str] = []
    unknown: list[str] = []
    for word in re.split(r"[+,;、&]|(?<=[\dA-E)])\s+(?=(?:AU|[LR])?\s*\d)", text):
        if not word.strip():
            continue
        parts = [_UNIT.fullmatch(part.strip()) for part in word.split("/")]
        known = [part for part in parts if part]
        if len(known) < len(parts):
            unknown.append(word.strip())
            continue
        unit = "/".join(f"{part[1]}{part[2]}{part[3]}".upper() for part in known)
        (static if any(part[4] for part in known) else moving).append(unit)
    return tuple(moving), tuple(static), tuple(unknown)


def emotion(cell: str) -> str | None:
    """The emotion in lower case and one spelling."""
    text = " ".join(cell.casefold().split())
    return _SPELLINGS.get(text, text) or None


def misspelt(cell: str) -> bool:
    """Whether :func:`emotion` changes more than case."""
    return " ".join(cell.casefold().split()) in _SPELLINGS


def expression_type(cell: str) -> Type | None:
    """``Micro - 1/2``, ``micro-expression`` and ``me`` are "me", ``Macro`` and ``MaE`` are "mae"; None otherwise."""
    text = cell.casefold().strip()
    kinds: dict[str, Literal["me", "mae"]] = {"micro": "me", "macro": "mae", "mae": "mae", "me": "me"}
    return next((kind for start, kind in kinds.items() if text.startswith(start)), None)


def padded(cell: str, width: int) -> str:
    """A subject's number with its zeros: ``6`` is ``006`` in SAMM's folders."""
    return cell.zfill(width) if cell.isdigit() else cell
