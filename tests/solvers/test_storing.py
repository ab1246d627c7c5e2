"""What is stored of an operator: what each thing needs, to the byte, and what sets of points share."""

import re

import numpy as np
import pytest

from diffspec import Exact, Gaussian, Lanczos, LowRank, NearestNeighbors, SelfTuning, Thresholded, TooLargeError, choose
from diffspec.operators.build import tiles_of
from diffspec.solvers.storing import plan_for_sets, plan_in

MEMORY = 1e8


def test_the_rank_that_an_error_names_is_the_largest_that_fits():
    def refused(rank):
        try:
            choose(20_000, 30, kernel=Gaussian(), solver=LowRank(rank=rank), memory=MEMORY)
        except TooLargeError as error:
            return str(error)

    rank = int(re.search(r"use rank=(\d+) ", refused(1000))[1])
    assert not refused(rank)
    assert f"use rank={rank} " in refused(rank + 1)


def test_a_factor_takes_two_matrices_of_its_rank_and_the_points_twice():
    n, d, rank = 20_000, 30, 100
    need = 2 * 8 * n * rank + 2 * 8 * n * (d + 2)
    assert choose(n, d, kernel=Gaussian(), solver=LowRank(rank=rank), memory=need).storage == "factor"
    with pytest.raises(TooLargeError, match=rf"needs {need} bytes .* and {need - 1} bytes "):
        choose(n, d, kernel=Gaussian(), solver=LowRank(rank=rank), memory=need - 1)


def shared(kernel, sizes, *, memory=MEMORY, solver=None):
    """How what sets of these `sizes` share of 300 points is stored."""
    points = np.random.default_rng(0).normal(size=(300, 4))
    how = {"solvers": [solver or Lanczos()], "memory": memory, "widths": lambda: kernel.in_widths(points)}
    plan = plan_for_sets(points, kernel, sizes=sizes, **how)
    return None if plan is None else plan.storage


@pytest.mark.parametrize(
    ("sizes", "memory", "stored"),
    [
        ([240, 180], MEMORY, "dense"),  # as many pairs as there are of all points
        ([240, 179], MEMORY, "tiles"),
        ([300, 300], 4 * 300**2, "dense"),  # in float32
        ([300, 300], 4 * 300**2 - 1, "tiles"),
    ],
)
def test_sets_share_an_affinity_that_fits_and_has_no_more_pairs_than_they(sizes, memory, stored):
    assert shared(Gaussian(1.0), sizes, memory=memory) == stored


def test_sets_that_are_solved_exactly_share_the_float64_affinity_or_nothing():
    for memory, stored in ((8 * 300**2, "dense"), (8 * 300**2 - 1, None)):
        assert shared(Gaussian(1.0), [10], solver=Exact(), memory=memory) == stored
        assert shared(Gaussian(1e-9), [300, 300], memory=memory) == stored  # too far apart for products


@pytest.mark.parametrize(
    ("kernel", "stored"), [(SelfTuning(), "dense"), (Thresholded(1.0), "graph"), (NearestNeighbors(), None)], ids=repr
)
def test_a_kernel_without_tiles_is_shared_whole_unless_each_set_has_a_graph_of_its_own(kernel, stored):
    assert shared(kernel, [10], memory=1.0) == stored


@pytest.mark.parametrize(("precision", "bytes_each"), [("float32", 4), ("points", 8)])
def test_tiles_of_a_set_are_an_array_where_memory_holds_it(precision, bytes_each):
    tiles = tiles_of(np.random.default_rng(0).normal(size=(50, 4)), precision)
    assert plan_in(tiles, bytes_each * 50**2).storage == "dense"
    assert plan_in(tiles, bytes_each * 50**2 - 1).storage == "tiles"
