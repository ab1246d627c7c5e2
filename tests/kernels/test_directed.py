"""Weights that come block by block are the array of all."""

import numpy as np
import pytest

from diffspec.kernels.directed import kept, of_blocks


@pytest.mark.parametrize("size", [1, 3, 7, 20])
def test_blocks_of_weights_are_the_array_of_all(rng, size):
    whole = np.where(rng.random((20, 20)) < 0.3, rng.random((20, 20)), 0.0)
    blocks = [whole[start : start + size] for start in range(0, 20, size)]
    # Every pair is offered, those without a weight too.
    pairs = [(*map(np.ravel, np.indices(block.shape)), block.ravel(), len(block)) for block in blocks]
    found = of_blocks(kept(*each) for each in pairs)
    assert found.nnz == np.count_nonzero(whole)
    assert found.indices.dtype == found.indptr.dtype == np.int32
    np.testing.assert_array_equal(found.toarray(), whole)
