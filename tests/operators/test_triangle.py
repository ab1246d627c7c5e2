"""Half of a graph in float32 is the operator of the whole, whatever it is cut into, and takes a third of its place."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from diffspec.operators import triangle
from diffspec.operators.dense import diffusion
from diffspec.operators.pieces import STEADY, pieces_of
from diffspec.operators.triangle import mean_of, triangle_diffusion

N = 110


def directed(seed, apart=1):
    """Weights of one direction among N points, to those of the same of `apart` groups only; 1 on the diagonal."""
    rng = np.random.default_rng(seed)
    group = np.sort(rng.integers(0, apart, N))[rng.permutation(N)]
    weights = rng.random((N, N)).astype(np.float32) * (rng.random((N, N)) < 0.2) * (group[:, None] == group)
    np.fill_diagonal(weights, 1.0)
    return weights


def blocks(weights, sizes):
    """The rows in blocks of `sizes`, as a search finds them."""
    found = []
    for rows in np.split(weights, np.cumsum(sizes)[:-1]):
        sparse = csr_array(rows)
        found.append((np.diff(sparse.indptr), sparse.indices.astype(np.int32), sparse.data))
    return found


@pytest.fixture(params=[2**24, 400, 1], ids="strips of {}".format)
def strips(request, monkeypatch):
    monkeypatch.setattr(triangle, "WEIGHTS", request.param)


SIZES = {"one block": [N], "many": [20, 1, 30, 0, 19, 40], "single rows": [1] * N}


@pytest.mark.usefixtures("strips")
@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_half_of_a_graph_is_the_operator_of_the_whole(sizes, alpha, rng):
    weights = directed(0)
    ours = triangle_diffusion(mean_of(blocks(weights, sizes)), alpha)
    whole = diffusion((weights.astype(float) + weights.T) / 2.0, alpha).matrix
    vectors, chosen = rng.normal(size=(N, 3)), np.array([5, 0, 100])
    assert ours.dense() == pytest.approx(whole, abs=1e-7)
    assert ours.matmul(vectors) == pytest.approx(whole @ vectors, abs=1e-6)
    assert ours.columns(chosen) == pytest.approx(whole[:, chosen], abs=1e-7)
    assert ours.diagonal() == pytest.approx(np.diagonal(whole))
    assert (ours.trace(), ours.frobenius2()) == pytest.approx((np.trace(whole), np.sum(whole**2)))


@pytest.mark.usefixtures("strips")
def test_its_pieces_are_those_of_the_whole():
    weights = directed(1, apart=4)
    ours = triangle_diffusion(mean_of(blocks(weights, SIZES["many"])), 0.5)
    whole = diffusion((weights.astype(float) + weights.T) / 2.0, 0.5).matrix
    pieces = ours.pieces()
    assert all(map(np.array_equal, pieces, pieces_of(whole)))
    for piece in [*pieces, pieces[0][::-1]]:
        assert ours.piece(piece) == pytest.approx(whole[np.ix_(piece, piece)], abs=1e-7)
    assert triangle_diffusion(mean_of(blocks(directed(0), [N])), 0.5).pieces() is None


def test_a_pair_takes_eight_bytes():
    weights = directed(2)
    given = blocks(weights, SIZES["many"])
    strips = mean_of(given)
    pairs = np.count_nonzero(np.triu(weights + weights.T, 1))
    held = [part if part.base is None else part.base for _first, one in strips for part in (one.data, one.indices)]
    assert sum(part.nbytes for part in held) == 8 * pairs
    assert sum(len(columns) for _counts, columns, _weights in given) == 0  # what it was made of is let go


@pytest.mark.parametrize("apart", [1, 4, 60])
def test_vectors_that_stay_as_they_are_are_told_of_the_largest_pieces_and_of_all_others_together(apart, monkeypatch):
    monkeypatch.setattr("diffspec.operators.pieces.SMALLEST", 1)
    ours = triangle_diffusion(mean_of(blocks(directed(2, apart), SIZES["many"])), 0.5)
    pieces = ours.pieces()
    found = ours.steady(pieces)
    assert found.shape == (N, 1 if apart == 1 else min(len(pieces), STEADY + 1))
    assert found.T @ found == pytest.approx(np.eye(found.shape[1]), abs=1e-14)
    assert ours.matmul(found) == pytest.approx(found, abs=1e-14)
