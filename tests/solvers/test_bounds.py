"""Guaranteed bounds hold: never violated on 1000 random cases, and attained."""

from __future__ import annotations

import math

import numpy as np
import pytest

import effort
from diffspec import Gaussian
from diffspec.operators.dense import Dense, diffusion
from diffspec.solvers import Exact, LowRank
from diffspec.solvers._krylov import Krylov
from diffspec.spectra.extremes import Extremes
from diffspec.spectra.spectrum import count, renyi, shannon


def random_case(rng):
    """Points in a few dimensions, some of them repeated, and a width from collapsed to saturated."""
    n, d = int(rng.integers(2, 40)), int(rng.integers(1, 6))
    points = rng.normal(size=(n, d)) * np.exp(rng.normal(size=d))
    points[rng.random(n) < 0.2] = points[0]
    affinity = Gaussian(sigma=float(np.exp(rng.normal())))(points)
    return Dense(diffusion(affinity, float(rng.random())).matrix), LowRank(rank=int(rng.integers(1, n + 1)))


def functionals(rng):
    t, q, floor = float(np.exp(rng.normal())), float(np.exp(rng.normal())), float(rng.uniform(0, 0.9))
    return [
        (shannon, lambda e: e.shannon(1.0), (1.0,), 1.0),
        (shannon, lambda e: e.shannon(t), (t,), 0.9 * t),
        (renyi, lambda e: e.renyi(q, 1.0), (q, 1.0), min(1.0, q)),
        (renyi, lambda e: e.renyi(math.inf, 1.0), (math.inf, 1.0), 1.0),
        (renyi, lambda e: e.renyi(q, t), (q, t), min(t, q * t)),
        (count, lambda e: e.count(t, floor), (t, floor), 1.0),
    ]


def test_bounds_hold_on_random_cases():
    rng = np.random.default_rng(0)
    widths = []
    for _ in range(effort.seeds(1000)):
        operator, solver = random_case(rng)
        exact, found = Exact()(operator, rng), solver(operator, rng)
        for value, bounds, arguments, power in functionals(rng):
            low, high = bounds(found.extremes)
            # The reference counts eigenvalues below its floor as 0; at a small power they are not.
            unknown = 1e-9 + 2 * operator.n * exact.floor**power
            assert low - unknown <= value(exact, *arguments) <= high + unknown
            if value is shannon or arguments[-1] == 1.0:
                assert low - unknown <= value(found, *arguments) <= high + unknown
        widths.append(np.subtract(*found.extremes.shannon(1.0)[::-1]) / math.log(operator.n))
    # Bounds that said nothing would hold as well.
    assert np.median(widths) < 0.2


def entropy_sum(nodes):
    return -nodes * np.log(np.maximum(nodes, 1e-300))


def test_the_bracket_of_the_quadrature_holds_on_random_cases():
    """Gauss above and Gauss-Radau below the exact z'f(A)z, f = -x log x, for all z of the first block."""
    rng = np.random.default_rng(0)
    apart = []
    for _ in range(effort.seeds(1000)):
        operator, _solver = random_case(rng)
        size, steps = int(rng.integers(1, 1 + max(1, operator.n // 4))), int(rng.integers(1, 4))
        if size * (steps + 1) > operator.n:
            continue
        space = Krylov(operator, rng.normal(size=(operator.n, size)))
        for _ in range(steps):
            space.step()
        gauss = space.gauss()
        nodes, vectors = np.linalg.eigh(gauss)
        low_nodes, low_vectors = np.linalg.eigh(space.radau(gauss, nodes, vectors))
        upper = vectors[:size] ** 2 @ entropy_sum(np.maximum(nodes, 0.0))
        lower = low_vectors[:size] ** 2 @ entropy_sum(np.maximum(low_nodes, 0.0))
        values, turn = np.linalg.eigh(operator.matrix)
        exact = (turn.T @ space.blocks[0]).T ** 2 @ entropy_sum(np.maximum(values, 0.0))
        # The corner of the Radau rule divides by the smallest node, so rounding moves the rule by up to 1e-7.
        assert np.all(lower <= exact + 2e-7)
        assert np.all(exact <= upper + 1e-9)
        apart.append(np.max(upper - lower))
    assert len(apart) > effort.seeds(600)
    assert np.median(apart) > 1e-6


def test_bounds_are_attained():
    known = Extremes(np.array([1.0, 0.5, 0.1]), n=6, rest=0.6, largest=1.0)
    mixed, weights = known.mixed()
    assert mixed.repeat(weights.astype(int)).tolist() == pytest.approx([0.5, 1.0, 0.175, 0.175, 0.175, 0.175])
    concentrated, weights = known.concentrated()
    assert concentrated.repeat(weights.astype(int)).tolist() == pytest.approx([1.0, 1.0, 0.2, 0.0])


def test_without_a_largest_eigenvalue_the_rest_may_go_to_the_top():
    concentrated, weights = Extremes(np.array([1.0, 0.5]), n=4, rest=0.6, largest=math.inf).concentrated()
    assert concentrated.tolist() == pytest.approx([1.6, 0.5, 0.0, 0.0])
    assert np.all(np.isfinite(weights))


def test_what_is_left_beyond_full_eigenvalues_makes_new_ones():
    concentrated, weights = Extremes(np.array([0.9]), n=5, rest=2.4, largest=1.0).concentrated()
    assert concentrated.tolist() == pytest.approx([1.0, 1.0, 0.3])
    assert weights.tolist() == [1.0, 2.0, 1.0]


def test_count_bounds_lift_the_cheapest_first():
    known = Extremes(np.array([1.0, 0.4, 0.1]), n=5, rest=0.55, largest=1.0)
    assert known.count(1.0, 0.5) == (1.0, 3.0)


def test_bounds_close_as_the_rank_grows():
    operator = Dense(diffusion(Gaussian(sigma=2.0)(np.random.default_rng(0).normal(size=(200, 3))), 0.5).matrix)
    exact = shannon(Exact()(operator, None))
    widths = []
    for rank in (10, 40, 160):
        low, high = LowRank(rank=rank)(operator, np.random.default_rng(0)).extremes.shannon(1.0)
        assert low <= exact <= high
        widths.append(high - low)
    assert widths[0] > 2 * widths[1] > 4 * widths[2]
    assert widths[2] < 1e-3
