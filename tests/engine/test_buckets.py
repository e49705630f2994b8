"""Sizes of batches, and how a call is parted into them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from rtme.engine.buckets import buckets, split
from rtme.engine.trt.tensors import fill


@pytest.mark.parametrize(
    ("max_batch", "sizes"),
    [
        (1, (1,)),
        (2, (1, 2)),
        (3, (1, 2, 3)),
        (8, (1, 2, 4, 8)),
        (12, (1, 2, 4, 8, 12)),
        (16, (1, 2, 4, 8, 16)),
    ],
)
def test_sizes(max_batch: int, sizes: tuple[int, ...]) -> None:
    assert buckets(max_batch) == sizes


def test_a_batch_of_nothing() -> None:
    with pytest.raises(ValueError, match="a batch of 0 holds nothing"):
        buckets(0)


@given(some.integers(1, 200), some.integers(0, 1000))
def test_every_item_is_run_once_in_the_least_padding(max_batch: int, count: int) -> None:
    sizes = buckets(max_batch)
    parts = list(split(count, sizes))
    items = [item for part in parts for item in range(part.start, part.start + part.count)]
    assert items == list(range(count))
    assert all(part.bucket in sizes and part.count <= part.bucket for part in parts)
    # Only the last batch is padded, and no smaller one would hold it.
    assert all(part.count == part.bucket == max_batch for part in parts[:-1])
    for part in parts[-1:]:
        assert part.bucket == min(size for size in sizes if size >= part.count)


@given(some.integers(1, 8), some.data())
def test_padding_is_zero_whatever_was_there(size: int, data: some.DataObject) -> None:
    count = data.draw(some.integers(0, size))
    staged = np.full((size, 2), 7, np.float32)
    items = np.arange(2 * count, dtype=np.float32).reshape(count, 2) + 1
    fill(staged, items)
    np.testing.assert_array_equal(staged[:count], items)
    assert not staged[count:].any()
