"""Tables and numbers in Markdown."""

from collections.abc import Iterable, Mapping, Sequence

NONE = "—"
"""Stands where there is no figure."""


def table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table with these names over its columns."""
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "/") for cell in line) + " |" for line in lines)


def number(value: float | None, digits: int = 2) -> str:
    """A number with so many digits after the point."""
    return NONE if value is None else f"{value:.{digits}f}"


def percent(value: float | None) -> str:
    """A share as per cent."""
    return NONE if value is None else f"{100 * value:.0f} %"


def with_ends(value: float | None, ends: Sequence[float | None] | None, digits: int = 2) -> str:
    """A number, and behind it the ends of its interval of confidence, where there is one."""
    if value is None or ends is None or None in ends:
        return number(value, digits)
    return f"{number(value, digits)} ({number(ends[0], digits)} to {number(ends[1], digits)})"


def error(found: Mapping[str, float] | None) -> str:
    """Median and 90th percentile of an error."""
    return NONE if found is None else f"{found['median']:g} / {found['p90']:g}"
