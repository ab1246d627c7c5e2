"""Every solver is one row: what each must do on every operator."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import array_api_strict
import numpy as np
import pytest
import torch

from diffspec import Gaussian, dse, spectrum
from diffspec.errors import InputError
from diffspec.operators.dense import Dense, Operator, diffusion
from diffspec.solvers import Chebyshev, Exact, Lanczos, LowRank
from diffspec.spectra.spectrum import count, renyi, shannon, shannon_stderr, truncation

SOLVERS = {
    "exact": Exact(),
    "lanczos": Lanczos(),
    "lanczos fixed": Lanczos(tol=None, probes=8, deflation=4, power=1, steps=6),
    "lowrank": LowRank(rank=100),
    "chebyshev": Chebyshev(moments=64, probes=8),
}
STOCHASTIC = ["lanczos fixed", "chebyshev"]


@pytest.fixture(params=SOLVERS.values(), ids=SOLVERS)
def solver(request):
    return request.param


def cloud(n, d=3, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def operator_of(points, sigma=1.0):
    return Dense(diffusion(Gaussian(sigma=sigma)(points), 0.5).matrix)


def solve(solver, operator, seed=0):
    return solver(operator, np.random.default_rng(seed))


def blur(found):
    """What Chebyshev's damping may cost, which no number of probes removes and the verdict names; 0 elsewhere."""
    return 2 * truncation(found)


@dataclass(frozen=True)
class MatrixFree(Operator):
    """What an operator that stores no matrix offers."""

    inner: Dense

    n = property(lambda self: self.inner.n)
    like = property(lambda self: self.inner.like)

    def matmul(self, vectors):
        assert vectors.dtype == self.inner.matrix.dtype
        return self.inner.matmul(vectors)

    def dense(self):
        raise AssertionError("a matrix-free operator has no dense form")

    def trace(self):
        return self.inner.trace()

    def frobenius2(self):
        return self.inner.frobenius2()


def test_weights_sum_to_n_and_nodes_to_the_trace(solver):
    operator = operator_of(cloud(300))
    found = solve(solver, operator)
    assert found.n == 300
    assert float(np.sum(found.weights)) == pytest.approx(300, rel=1e-10)
    # Chebyshev nodes may lie a rounding margin outside the spectrum; the others keep the trace exactly.
    assert float(found.weights @ found.nodes) == pytest.approx(operator.trace(), rel=1e-10)
    assert np.all(np.diff(found.nodes) <= 0)
    assert np.all(found.nodes >= 0)
    if not isinstance(solver, LowRank):  # which knows nothing of what it has not resolved but its trace
        assert float(found.weights @ found.nodes**2) == pytest.approx(operator.frobenius2(), rel=1e-10)


@pytest.mark.parametrize("n", [2, 3, 5, 20])
@pytest.mark.parametrize("t", [0.5, 1.0, 3.0])
def test_small_problems_are_exact(solver, n, t):
    operator = operator_of(cloud(n))
    expected = shannon(solve(Exact(), operator), t)
    found = solve(solver, operator)
    assert shannon(found, t) == pytest.approx(expected, abs=1e-8)
    assert not shannon_stderr(found, t)


def test_exact_at_full_order():
    operator = operator_of(cloud(150))
    expected = solve(Exact(), operator).nodes
    for solver in (Lanczos(probes=200), Lanczos(tol=None, steps=500), LowRank(rank=500), Chebyshev(moments=200)):
        found = solve(solver, operator)
        nodes = np.repeat(found.nodes, np.round(found.weights).astype(int))
        np.testing.assert_allclose(nodes, expected, atol=1e-7)


def test_a_tolerance_beyond_the_probes_ends_exact_where_n_is_small():
    operator = operator_of(cloud(300))
    found = solve(Lanczos(tol=1e-12), operator)
    assert found.samples is None
    assert shannon(found) == pytest.approx(shannon(solve(Exact(), operator)), abs=1e-10)


@pytest.mark.parametrize("n", [2, 3, 40, 400])
def test_equal_points_have_no_entropy(solver, n):
    found = solve(solver, operator_of(np.ones((n, 2))))
    assert shannon(found) == pytest.approx(0.0, abs=1e-6 + blur(found))
    assert renyi(found, 2.0) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("n", [2, 3, 40, 400])
@pytest.mark.parametrize("t", [0.5, 1.0, 5.0])
def test_the_identity_has_entropy_log_n(solver, n, t):
    found = solve(solver, Dense(np.eye(n)))
    assert shannon(found, t) == pytest.approx(math.log(n), abs=1e-6)
    assert count(found, t, 0.5) == pytest.approx(n)


def test_disconnected_graph_of_equal_parts_counts_them():
    blocks = np.kron(np.eye(8), np.full((50, 50), 1 / 50))
    for solver in (Exact(), Lanczos(), LowRank(rank=100)):
        found = solve(solver, Dense(blocks))
        assert shannon(found) == pytest.approx(math.log(8), abs=1e-8)
        assert shannon(found, 4.0) == pytest.approx(math.log(8), abs=1e-8)


def test_two_groups_infinitely_far_apart(solver):
    points = np.concatenate([np.zeros((200, 2)), np.full((200, 2), 1e12)])
    found = solve(solver, operator_of(points))
    assert shannon(found) == pytest.approx(math.log(2), abs=1e-6 + blur(found))


def test_an_indefinite_operator_is_solved_and_named():
    rng = np.random.default_rng(0)
    turn = np.linalg.qr(rng.normal(size=(600, 600)))[0]
    values = np.concatenate([[1.0], rng.uniform(-0.3, 0.5, size=599)])
    operator = Dense((turn * values) @ turn.T)
    exact = shannon(solve(Exact(), operator))
    assert solve(Lanczos(tol=1e-2), operator).negative == pytest.approx(-0.3, abs=0.01)  # ends with all eigenvalues
    found = solve(Lanczos(tol=None, steps=10), operator)
    assert found.negative < -0.2
    assert abs(shannon(found) - exact) < 4 * shannon_stderr(found) + truncation(found)
    smooth = solve(Chebyshev(), operator)
    assert abs(shannon(smooth) - exact) < 4 * shannon_stderr(smooth) + truncation(smooth)
    with pytest.raises(InputError, match="not positive semi-definite"):
        solve(LowRank(), operator)


@pytest.mark.parametrize("name", STOCHASTIC)
def test_a_matrix_free_operator_gives_the_same(name):
    operator = operator_of(cloud(300))
    expected = shannon(solve(SOLVERS[name], operator))
    assert shannon(solve(SOLVERS[name], MatrixFree(operator))) == expected


def test_low_rank_needs_columns():
    with pytest.raises(InputError, match="columns"):
        solve(LowRank(), MatrixFree(operator_of(cloud(50))))


@pytest.mark.parametrize("name", ["lanczos", "lanczos fixed", "lowrank", "chebyshev"])
@pytest.mark.parametrize("convert", [torch.asarray, array_api_strict.asarray], ids=["torch", "strict"])
def test_numbers_agree_across_libraries(name, convert):
    operator = operator_of(cloud(300))
    expected = solve(SOLVERS[name], operator)
    found = solve(SOLVERS[name], Dense(convert(operator.matrix)))
    assert type(found.nodes) is type(convert(operator.matrix))
    for t in (0.5, 1.0, 2.0):
        assert shannon(found, t) == pytest.approx(shannon(expected, t), abs=1e-6)
        assert shannon_stderr(found, t) == pytest.approx(shannon_stderr(expected, t), abs=1e-6)


def test_another_device_is_kept():
    device = array_api_strict.Device("device1")
    operator = operator_of(cloud(300))
    moved = Dense(array_api_strict.asarray(operator.matrix, device=device))
    for name in ("lanczos fixed", "lowrank", "chebyshev"):
        found = solve(SOLVERS[name], moved)
        assert found.nodes.device == device
        assert shannon(found) == pytest.approx(shannon(solve(SOLVERS[name], operator)), abs=1e-6)


@pytest.mark.parametrize("name", ["lanczos", "lanczos fixed", "chebyshev", "lowrank"])
def test_float32_operators(name):
    operator = operator_of(cloud(300))
    found = solve(SOLVERS[name], Dense(operator.matrix.astype(np.float32)))
    # A low rank draws other columns where rounding decides; its bounds hold all the same.
    expected, close = (solve(Exact(), operator), 2e-2) if name == "lowrank" else (solve(SOLVERS[name], operator), 1e-3)
    assert shannon(found) == pytest.approx(shannon(expected), abs=close)


def test_the_same_seed_gives_the_same_number(solver):
    operator = operator_of(cloud(300))
    state = np.random.get_state()[1].copy()  # noqa: NPY002 - that it does not move is the point
    assert shannon(solve(solver, operator, 3)) == shannon(solve(solver, operator, 3))
    assert np.array_equal(state, np.random.get_state()[1])  # noqa: NPY002


def test_estimates_carry_stderr_bounds_and_words():
    points = cloud(700, d=10)
    exact = dse(points, kernel=Gaussian(), t=1.0)
    kept: dict[str, Any] = {"kernel": Gaussian(sigma=exact.settings.sigma), "t": 1.0}
    missed = dse(points, solver=Lanczos(tol=1e-6, most=16, steps=6), **kept)
    assert missed.stderr > 1e-6
    assert "tolerance not reached" in missed.verdict
    reached = dse(points, solver=Lanczos(tol=5e-2), **kept)
    assert 0 < reached.stderr < 5e-2
    assert reached.verdict == exact.verdict == "informative"
    assert abs(reached.value - exact.value) < 4 * reached.stderr
    low, high = dse(points, solver=LowRank(rank=200), **kept).bounds
    assert low < exact.value < high
    blurred = dse(points, solver=Chebyshev(moments=16), **kept)
    assert "few steps or moments" in blurred.verdict


def test_every_functional_of_an_estimate_has_its_error():
    points = cloud(700, d=10)
    whole, found = spectrum(points), spectrum(points, solver=Lanczos(tol=None, steps=10))
    for q, t in ((0.5, 1.0), (2.0, 2.0), (math.inf, 1.0)):
        assert abs(found.renyi(q, t).value - whole.renyi(q, t).value) < 5 * found.renyi(q, t).stderr + 1e-6
    high = found.count(t=1, floor=0.5)
    assert high.value == pytest.approx(whole.count(t=1, floor=0.5).value, abs=5 * high.stderr + 1e-6)
    coarse = spectrum(points, solver=Lanczos(tol=None, steps=3))
    assert "single node at the floor" in coarse.count(t=1, floor=float(np.median(whole.nodes))).verdict


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Lanczos(tol=0.0), "tol must be a positive number"),
        (lambda: Lanczos(probes=1), "probes must be an integer of at least 2, got 1"),
        (lambda: Lanczos(steps=0), "steps must be"),
        (lambda: Lanczos(times=(0.0,)), "t must be a positive number"),
        (lambda: LowRank(rank=0), "rank must be an integer of at least 1"),
        (lambda: LowRank(largest=-1.0), "largest must be a positive number"),
        (lambda: Chebyshev(moments=4), "moments must be an integer of at least 8"),
        (lambda: Chebyshev(probes=1), "probes must be an integer of at least 2"),
        (lambda: solve(LowRank(), Dense(2 * np.eye(5))), "above largest = 1"),
    ],
)
def test_settings_that_cannot_be_used(make, text):
    with pytest.raises(InputError, match=text):
        make()
