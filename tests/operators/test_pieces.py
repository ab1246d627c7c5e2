"""An operator that falls into pieces has their eigenvalues, whoever asks for them, and nothing else changes."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from diffspec import AlphaDecay, Exact, Lanczos, dse
from diffspec.operators.dense import Dense, diffusion
from diffspec.operators.pieces import SMALLEST, pieces_of, work_of
from diffspec.operators.sparse import sparse_diffusion
from diffspec.solvers import _whole


def scattered(sizes, seed=0):
    """An affinity of pieces of these sizes, its points in any order."""
    rng, n = np.random.default_rng(seed), sum(sizes)
    matrix, start = np.zeros((n, n)), 0
    for size in sizes:
        half = rng.random((size, size))
        matrix[start : start + size, start : start + size] = half + half.T + 1.0
        start += size
    order = rng.permutation(n)
    return matrix[order][:, order]


SIZES = {
    "two": [150, 100],
    "many": [40] * 10,
    "a large one and single points": [200, *[1] * 150],
    "single points": [1] * 300,
    "all sizes": [90, 70, 30, 20, 10, 5, 3, 2, 1, 1],
}


@pytest.mark.parametrize("form", [np.asarray, csr_array], ids=["array", "graph"])
@pytest.mark.parametrize("name", SIZES)
def test_pieces_are_those_that_were_put_in(name, form):
    matrix = scattered(SIZES[name])
    pieces = pieces_of(form(matrix))
    assert np.array_equal(np.sort(np.concatenate(pieces)), np.arange(len(matrix)))
    for piece in pieces:
        outside = np.setdiff1d(np.arange(len(matrix)), piece)
        assert not matrix[np.ix_(piece, outside)].any()
        assert len(piece) <= max(SMALLEST, *SIZES[name])
    # Small ones come together, as many as there is room for, and large ones alone.
    assert len(pieces) <= 1 + sum(size > SMALLEST / 2 for size in SIZES[name]) + sum(SIZES[name]) // (SMALLEST // 2)


@pytest.mark.parametrize("name", SIZES)
def test_a_graph_has_the_pieces_of_its_array_in_the_same_order(name):
    matrix = scattered(SIZES[name])
    assert all(map(np.array_equal, pieces_of(csr_array(matrix)), pieces_of(matrix)))


@pytest.mark.parametrize(
    ("matrix", "why"),
    [
        (scattered([20, 20]), "small"),
        (scattered([300]), "one piece"),
        (scattered([300, 5]), "hardly less work"),
        (np.ones((200, 200)), "no zeros"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_where_nothing_is_gained_there_are_none(matrix, why):
    assert pieces_of(matrix) is None
    assert pieces_of(csr_array(matrix)) is None


@pytest.mark.parametrize("name", SIZES)
def test_eigenvalues_are_those_of_the_whole(name, rng, monkeypatch):
    monkeypatch.setattr(_whole, "SMALL", 1e6)  # some side by side, some in turn
    matrix = scattered(SIZES[name])
    expected = np.sort(np.abs(np.linalg.eigvalsh(diffusion(matrix, 0.5).matrix)))[::-1]
    for operator in (diffusion(matrix, 0.5), sparse_diffusion(csr_array(matrix), 0.5)):
        for solver in (Exact(), Lanczos()):
            found = solver(operator, rng)
            assert found.nodes == pytest.approx(expected, abs=1e-12)
            assert found.samples is None


def test_negative_eigenvalues_of_a_piece_are_said(rng):
    found = Lanczos()(Dense(np.kron(np.eye(40), [[0.0, 1.0], [1.0, 0.0]])), rng)
    assert found.negative == pytest.approx(-1.0)


def test_lanczos_takes_probes_where_pieces_are_large(rng, monkeypatch):
    monkeypatch.setattr("diffspec.solvers.lanczos.PIECE", 20.0)
    operator = sparse_diffusion(csr_array(scattered([260, 240])), 0.5)
    assert work_of(operator.pieces()) > 20.0**2 * 500
    assert Lanczos(tol=None, probes=4, deflation=4)(operator, rng).samples is not None


@pytest.mark.parametrize(("sizes", "exact"), [([200] * 4, True), ([400, 400], False)])
def test_pieces_are_solved_exactly_where_they_cost_no_more_than_another_round(sizes, exact, monkeypatch):
    # One round ends with 60 vectors, the next with 120. Of (4 x 120)^3 operations four pieces take .29, two 1.16.
    monkeypatch.setattr("diffspec.solvers.lanczos.PIECE", 20.0)
    operator = sparse_diffusion(csr_array(scattered(sizes)), 0.5)
    solver = Lanczos(tol=1e-9, probes=4, deflation=4, power=2, steps=5, most=8)
    found = solver(operator, np.random.default_rng(0))
    assert found.negative
    assert (found.samples is None) == exact
    if exact:
        assert found.nodes == pytest.approx(Exact()(operator, np.random.default_rng(0)).nodes, abs=1e-12)


def test_memory_that_does_not_hold_a_piece_leaves_the_operator_whole(monkeypatch):
    operator = sparse_diffusion(csr_array(scattered([150, 150])), 0.5)
    assert _whole.pieces_that_fit(operator) is not None
    monkeypatch.setattr(_whole, "allowed", lambda: 1e5)
    monkeypatch.setattr(_whole, "FLOOR", 1e5)
    assert _whole.pieces_that_fit(operator) is None


def test_separated_clusters_are_exact_beyond_the_points_whose_eigenvalues_are_found_as_a_whole(rng):
    points = 50.0 * rng.normal(size=(30, 3))[np.arange(3000) % 30] + rng.normal(size=(3000, 3))
    found = dse(points)
    assert found.stderr is None
    whole = np.abs(np.linalg.eigvalsh(diffusion(AlphaDecay()(points), 0.5).matrix)) ** 3
    shares = whole / whole.sum()
    assert found.value == pytest.approx(-np.sum(shares * np.log2(shares)), abs=1e-9)
