"""Batches of fixed sizes: a plan is fastest where every shape is known when it is built."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """Items ``start`` to ``start + count`` of a call, run in a batch of ``bucket`` of which the rest is padding."""

    start: int
    count: int
    bucket: int


def buckets(max_batch: int) -> tuple[int, ...]:
    """The sizes for batches of up to ``max_batch``: powers of two, and ``max_batch`` itself.

    Raises:
        ValueError: ``max_batch`` is below 1.
    """
    if max_batch < 1:
        raise ValueError(f"a batch of {max_batch} holds nothing")
    sizes = [1]
    while sizes[-1] * 2 < max_batch:
        sizes.append(sizes[-1] * 2)
    return tuple(sizes) if max_batch == 1 else (*sizes, max_batch)


def split(count: int, sizes: Sequence[int]) -> Iterator[Part]:
    """Part a call into batches: full ones of the largest size, then the smallest that holds the rest.

    Args:
        count: Items, 0 or more.
        sizes: Of batches, rising.
    """
    start = 0
    while start < count:
        size = next((size for size in sizes if size >= count - start), sizes[-1])
        part = Part(start, min(size, count - start), size)
        yield part
        start += part.count
