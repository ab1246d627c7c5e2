"""The block Krylov space behind Lanczos and the two quadrature rules read off it."""

from __future__ import annotations

import numpy as np
import pytest

from diffspec.operators.dense import Dense
from diffspec.solvers._krylov import Krylov, gaussian

N = 120


def operator_with(values, seed=0):
    turn = np.linalg.qr(np.random.default_rng(seed).normal(size=(N, N)))[0]
    return Dense((turn * values) @ turn.T)


SPECTRA = {
    "decaying": np.exp(-np.arange(N) / 5.0),
    "identity": np.ones(N),
    "rank one": np.eye(1, N)[0],
    "repeated": np.repeat([1.0, 0.5, 0.25], N // 3),
}


def grown(values, steps=4, width=5, join=3):
    rng = np.random.default_rng(1)
    operator = operator_with(values)
    space = Krylov(operator, gaussian(operator, width, rng))
    space.step()
    space.step(join=gaussian(operator, join, rng))
    for _ in range(steps):
        space.step()
    return operator, space


@pytest.mark.parametrize("name", SPECTRA)
def test_the_basis_is_orthonormal_also_where_directions_are_exhausted(name):
    _operator, space = grown(SPECTRA[name])
    basis = np.concatenate(space.blocks, axis=1)
    np.testing.assert_allclose(basis.T @ basis, np.eye(space.width), atol=1e-10)


@pytest.mark.parametrize("name", SPECTRA)
def test_the_small_matrix_is_the_operator_in_the_basis(name):
    operator, space = grown(SPECTRA[name])
    basis = np.concatenate(space.blocks[:-1], axis=1)
    np.testing.assert_allclose(space.gauss(), basis.T @ operator.matrix @ basis, atol=1e-10)


def test_what_joins_comes_first_in_its_block():
    rng = np.random.default_rng(1)
    operator = operator_with(SPECTRA["decaying"])
    space = Krylov(operator, gaussian(operator, 4, rng))
    probes = gaussian(operator, 3, rng)
    space.step(join=probes)
    outside = probes - space.blocks[0] @ (space.blocks[0].T @ probes)
    mine = space.blocks[1][:, :3]
    np.testing.assert_allclose(mine @ (mine.T @ outside), outside, atol=1e-10)


@pytest.mark.parametrize("name", ["decaying", "repeated"])
@pytest.mark.parametrize("steps", [1, 2, 3])
def test_gauss_lies_above_and_radau_below_every_quadratic_form(name, steps):
    def entropy(x):
        return -x * np.log(np.maximum(x, 1e-300))

    operator, space = grown(SPECTRA[name], steps=steps)
    values, turn = np.linalg.eigh(operator.matrix)
    start = np.concatenate(space.blocks[:3], axis=1)
    exact = (turn.T @ start).T ** 2 @ entropy(np.maximum(values, 0.0))
    gauss = space.gauss()
    nodes, vectors = np.linalg.eigh(gauss)
    upper = vectors[: start.shape[1]] ** 2 @ entropy(np.maximum(nodes, 0.0))
    low_nodes, low_vectors = np.linalg.eigh(space.radau(gauss, nodes, vectors))
    lower = low_vectors[: start.shape[1]] ** 2 @ entropy(np.maximum(low_nodes, 0.0))
    assert np.all(lower <= exact + 1e-9)
    assert np.all(exact <= upper + 1e-9)
    if name == "decaying":
        assert np.max(upper - lower) > 1e-6


def _radau(space):
    gauss = space.gauss()
    return space.radau(gauss, *np.linalg.eigh(gauss))


@pytest.mark.parametrize("name", ["decaying", "repeated"])
def test_the_radau_rule_is_singular_and_has_as_many_nodes_at_zero_as_the_block_is_wide(name):
    _operator, space = grown(SPECTRA[name], steps=2)
    nodes = np.linalg.eigvalsh(_radau(space))
    wide = space.blocks[-1].shape[1]
    assert len(nodes) == space.width
    assert np.abs(nodes[:wide]).max() < 1e-12
    assert nodes[wide:].min() > -1e-12


def uneven(seed=3):
    """Eigenvalues of both signs that no rule with few nodes resolves."""
    return np.random.default_rng(seed).normal(size=N) * 0.2 + 0.05


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_interlaced_rules_are_as_exact_for_polynomials_as_the_gauss_rule(steps):
    operator, space = grown(uneven(), steps=steps)
    first, power = space.blocks[0], np.eye(N)
    rules = [np.linalg.eigh(small) for small in space.interlaced(space.steps)]
    for degree in range(2 * space.steps):
        exact = first.T @ power @ first
        forms = [(vectors[:5] * nodes**degree) @ vectors[:5].T for nodes, vectors in rules]
        for pair in (forms[:2], forms[2:]):
            np.testing.assert_allclose(sum(pair) / 2.0, exact, atol=1e-12)
        power = power @ operator.matrix
    assert max(np.abs(form - first.T @ power @ first).max() for form in forms) > 1e-9


@pytest.mark.parametrize("join", [1, 4])
def test_the_nodes_of_each_pair_lie_between_one_another(join):
    _operator, space = grown(uneven(), steps=8, width=1, join=join)
    shorter, anti, above, below = map(np.linalg.eigvalsh, space.interlaced(space.steps))
    assert np.all(np.searchsorted(anti, shorter) >= np.arange(1, len(shorter) + 1))
    assert np.all(np.searchsorted(shorter, anti) <= np.arange(len(anti)))
    assert np.all(above > below)
    assert anti[0] < shorter[0]
    assert anti[-1] > shorter[-1]


@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_the_rules_of_a_multiple_are_multiples_of_the_rules(scale):
    once, often = (grown(factor * SPECTRA["decaying"], steps=2)[1] for factor in (1.0, scale))
    assert often.gauss() == pytest.approx(scale * once.gauss(), rel=1e-9, abs=1e-9 * scale)
    assert _radau(often) == pytest.approx(scale * _radau(once), rel=1e-9, abs=1e-9 * scale)
    assert often.residual() == pytest.approx(scale * once.residual(), rel=1e-6)


@pytest.mark.parametrize("steps", [0, 2])
def test_the_residual_is_what_the_operator_moves_the_basis_out_of_itself(steps):
    operator, space = grown(SPECTRA["decaying"] + 0.1, steps=steps)
    basis = np.concatenate(space.blocks[:-1], axis=1)
    moved = operator.matrix @ basis
    assert space.residual() == pytest.approx(np.linalg.norm(moved - basis @ (basis.T @ moved), 2), rel=1e-8)
    ritz, true = np.linalg.eigvalsh(space.gauss()), np.linalg.eigvalsh(operator.matrix)
    assert true[-1] <= ritz[-1] + space.residual()
    assert true[0] >= ritz[0] - space.residual()


def test_a_space_counts_its_vectors_and_its_steps():
    operator, space = grown(SPECTRA["decaying"], steps=2, width=5, join=3)
    assert space.steps == 4
    assert [block.shape[1] for block in space.blocks] == [5, 5, 8, 8, 8]
    assert space.width == 34
    assert space.gauss().shape == (26, 26)
    assert gaussian(operator, 3, np.random.default_rng(0)).shape == (N, 3)


@pytest.mark.parametrize("narrow", [False, True])
def test_vectors_are_narrow_in_products_only_where_told(narrow):
    seen = []

    class Typed(Dense):
        def matmul(self, vectors):
            seen.append(vectors.dtype.name)
            return Dense.matmul(self, vectors)

    operator = Typed(operator_with(SPECTRA["decaying"]).matrix.astype(np.float32))
    start = gaussian(operator, 4, np.random.default_rng(0))
    space = Krylov(operator, start, in_float32=True) if narrow else Krylov(operator, start)
    space.step()
    assert seen == ["float32" if narrow else "float64"]
    assert {block.dtype.name for block in space.blocks} == {"float64"}


def test_low_precision_products_leave_an_orthonormal_float64_basis():
    operator = operator_with(SPECTRA["decaying"])
    low = Dense(operator.matrix.astype(np.float32))
    space = Krylov(low, gaussian(low, 5, np.random.default_rng(0)))
    for _ in range(5):
        space.step()
    basis = np.concatenate(space.blocks, axis=1)
    assert basis.dtype == np.float64
    np.testing.assert_allclose(basis.T @ basis, np.eye(space.width), atol=1e-10)
