"""Numbers to the numbers of their bins."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

__all__ = ["equal_bins"]

Values: TypeAlias = np.ndarray[Any, Any]


def equal_bins(values: Values, count: int) -> Values:
    """For every column of `values` the number, from 1 to `count`, of its equal-width bin.

    The bins span the column's minimum to its maximum, which falls into the last; so does all of a constant column.
    """
    if np.abs(values).max() > np.finfo(np.float64).max / 4.0:
        values = values / 4.0  # or a range could overflow
    low = values.min(axis=0)
    width = values.max(axis=0) - low
    share = np.where(width > 0, (values - low) / np.where(width > 0, width, 1.0), 1.0)
    # What numpy.digitize gives for the edges k / count, without an array of them: `count` may be any number.
    count = min(count, 2**53)  # no finer bins than numbers
    step = 1.0 / count
    below = np.floor(share * count)
    below += (below + 1) * step <= share
    below -= below * step > share
    bins: Values = np.minimum(below.astype(np.int64) + 1, count)
    return bins
