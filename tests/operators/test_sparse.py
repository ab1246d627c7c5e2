"""Sparse kernels and operator: the definition entry by entry, the guaranteed bound, and graphs that are no graphs."""

import math
import sys

import numpy as np
import pytest
import scipy.sparse
import torch

import definitions
import effort
from diffspec import Gaussian, InputError, MissingExtraError, TooLargeError, dse, dsmi, spectrum
from diffspec.kernels.graphs import NearestNeighbors, Thresholded
from diffspec.operators.dense import Entrywise, diffusion
from diffspec.operators.sparse import nearby, sparse_diffusion
from diffspec.solvers import Exact
from diffspec.spectra.perturbation import Perturbation, entropy_gap
from diffspec.spectra.spectrum import shannon

SEARCHES = ["scikit-learn", "faiss"]


def searched(search, **settings):
    if search == "faiss":
        pytest.importorskip("faiss", reason="faiss-cpu is an extra")
    return NearestNeighbors(search=search, **settings)


def random_case(rng):
    """Points in clusters of any size and distance, a width, an alpha and a threshold, from negligible to coarse."""
    n, d, k = rng.integers(20, 121), rng.integers(1, 9), rng.integers(1, 8)
    centres = rng.choice([1.0, 4.0, 20.0]) * rng.normal(size=(k, d))
    points = centres[rng.integers(0, k, n)] + rng.choice([0.01, 0.3, 1.0]) * rng.normal(size=(n, d))
    sigma, alpha = 10.0 ** rng.uniform(-1.5, 1.0), rng.choice([0.0, 0.25, 0.5, 1.0])
    return points, sigma, alpha, Thresholded(sigma, rng.choice([None, 1e-2, 10.0 ** rng.uniform(-7, -1)]))


def test_the_bound_is_never_violated_on_random_cases():
    rng = np.random.default_rng(3)
    for case in range(effort.seeds(1000)):
        points, sigma, alpha, kernel = random_case(rng)
        kernel = kernel.resolve(points, rng)
        whole = diffusion(Gaussian(sigma)(points), alpha)
        ours = sparse_diffusion(kernel(points), alpha, dropped=kernel.below)
        moved = np.abs(np.linalg.eigvalsh(whole.dense() - ours.dense())).sum()
        assert moved <= ours.perturbation.size + 1e-10, case
        exact, found = Exact()(whole, rng), Exact()(ours, rng)
        # Below t = 1 the eigenvalues that Exact takes for rounding weigh.
        for t, rounding in [(0.5, 1e-5), (1.0, 1e-9), (1.5, 1e-9), (2.0, 1e-9), (7.0, 1e-9), (50.0, 1e-9)]:
            gap = abs(shannon(exact, t) - shannon(found, t))
            power_sum = float((found.nodes**t).sum())
            assert ours.perturbation.entropy(t, power_sum) <= ours.perturbation.entropy(t) + 1e-12, (case, t)
            assert gap <= ours.perturbation.entropy(t, power_sum) + rounding, (case, t)


def test_the_bound_is_within_a_factor_of_what_can_happen():
    # A simplex whose edges are just within the threshold, then just beyond it: all that can be dropped is dropped.
    below = 1e-4
    points = math.sqrt(-math.log(1.001 * below)) * np.eye(20)
    kept = sparse_diffusion(Thresholded(1.0, below)(points), 0.5, dropped=below)
    assert kept.matrix.nnz == 400
    assert kept.perturbation.size == 0.0
    points *= 1.001
    kept = sparse_diffusion(Thresholded(1.0, below)(points), 0.5, dropped=below)
    whole = diffusion(Gaussian(1.0)(points), 0.5).dense()
    moved = np.abs(np.linalg.eigvalsh(whole - kept.dense())).sum()
    assert kept.matrix.nnz == 20
    assert 0.5 * kept.perturbation.size < moved <= kept.perturbation.size


@pytest.mark.parametrize("t", [1.0, 2.0, 10.0])
def test_the_bound_says_something_in_its_regime(rng, t):
    centres = rng.normal(size=(50, 5))
    points = centres[rng.integers(0, 50, 1000)] + 0.02 * rng.normal(size=(1000, 5))
    kernel = Thresholded(0.03).resolve(points, rng)
    operator = sparse_diffusion(kernel(points), 0.5, dropped=kernel.below)
    assert operator.matrix.nnz < 0.1 * 1000**2
    power_sum = float((Exact()(operator, rng).nodes ** t).sum())
    assert operator.perturbation.entropy(t, power_sum) / math.log(2) < {1.0: 0.005, 2.0: 0.01, 10.0: 0.05}[t]


def test_bound_of_powers_by_hand():
    known = Perturbation(size=0.3, n=10, trace=5.0, frobenius2=4.0)
    assert known.entropy(1.0) == pytest.approx(entropy_gap(0.06, 10))
    assert known.entropy(2.0) == pytest.approx(entropy_gap(0.6 / 4.0, 10))
    assert known.entropy(1.5) == pytest.approx(entropy_gap(0.45 / 4.0, 10))
    assert known.entropy(3.0) == pytest.approx(entropy_gap(0.9 / (4.0 * 4.0 / 5.3), 10))
    assert known.entropy(100.0) == math.log(10)
    assert known.entropy(100.0, power_sum=3000.0) == pytest.approx(entropy_gap(0.01, 10))
    assert known.entropy(1.0, power_sum=1.0) == known.entropy(1.0)
    assert known.entropy(0.5) == pytest.approx(entropy_gap(math.sqrt(10 * 0.3) / (5.0 * math.sqrt(5.0 / 4.0)), 10))


def test_the_entropy_gap_is_attained_and_grows():
    n, distance = 7, 0.2
    spread = np.array([1.0 - distance, *[distance / (n - 1)] * (n - 1)])
    assert entropy_gap(distance, n) == pytest.approx(-(spread * np.log(spread)).sum())
    gaps = [entropy_gap(d, n) for d in np.linspace(0.0, 1.2, 200)]
    assert gaps[0] == 0.0
    assert (np.diff(gaps) >= 0.0).all()
    assert gaps[-1] == math.log(n)
    assert entropy_gap(0.25, 2) == pytest.approx(-0.25 * math.log(0.25) - 0.75 * math.log(0.75))


@pytest.mark.parametrize("algorithm", ["kd_tree", "brute"])
@pytest.mark.parametrize("candidates", [300, 2**23])
def test_thresholded_is_the_gaussian_without_its_small_entries(blobs, monkeypatch, algorithm, candidates):
    monkeypatch.setattr("diffspec.points.neighbors._algorithm", lambda *_: algorithm)
    monkeypatch.setattr("diffspec.points.neighbors.CANDIDATES", candidates)
    points, _ = blobs
    points = np.concatenate([points, points[:5]])
    affinity = Thresholded(1.5, 1e-2)(points)
    whole = definitions.gaussian(points, 1.5)
    assert affinity.format == "csr"
    assert affinity.has_canonical_format
    assert affinity.toarray() == pytest.approx(np.where(whole >= 1e-2, whole, 0.0), abs=1e-13)
    assert (affinity != affinity.T).nnz == 0
    assert affinity.diagonal() == pytest.approx(np.ones(155), abs=0)


def test_what_the_rounding_of_the_search_lets_in_is_weighed(rng):
    # Far from the centre distances are rounded to several sigma, so the search must look much farther than it is told.
    group = 3.0 * rng.normal(size=(50, 2))
    affinity = Thresholded(1.0, 1e-2)(np.concatenate([group, group + 1e9]))
    assert affinity.data.min() >= 1e-2
    assert affinity[:50, :50].toarray() == pytest.approx(Thresholded(1.0, 1e-2)(group).toarray(), abs=1e-5)


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("algorithm", ["kd_tree", "brute"])
def test_nearest_neighbors_are_the_union_of_both_directions(blobs, monkeypatch, algorithm, search):
    monkeypatch.setattr("diffspec.points.neighbors._algorithm", lambda *_: algorithm)
    points, _ = blobs
    affinity = searched(search, k=4, sigma=1.5)(points)
    whole = definitions.gaussian(points, 1.5)
    ranks = np.argsort(np.argsort(-whole, axis=1), axis=1)
    joined = (ranks <= 4) | (ranks.T <= 4)
    assert affinity.toarray() == pytest.approx(np.where(joined, whole, 0.0), abs=1e-13)
    assert (affinity != affinity.T).nnz == 0


@pytest.mark.parametrize("kernel", [Thresholded(2.0, 1e-3), NearestNeighbors(k=6, sigma=2.0)], ids=repr)
@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_operator_is_the_dense_one_of_the_same_affinity(blobs, rng, kernel, alpha):
    points, _ = blobs
    dense = diffusion(kernel(points).toarray(), alpha)
    ours = sparse_diffusion(kernel(points), alpha)
    vectors = rng.normal(size=(150, 3))
    assert isinstance(ours, Entrywise)
    assert (ours.n, ours.like.dtype, ours.perturbation) == (150, np.float64, None)
    assert ours.matmul(vectors) == pytest.approx(dense.matmul(vectors), abs=1e-13)
    assert ours.dense() == pytest.approx(dense.matrix, abs=1e-14)
    assert ours.diagonal() == pytest.approx(np.diagonal(dense.matrix), abs=1e-14)
    assert ours.columns(np.array([140, 3])) == pytest.approx(dense.matrix[:, [140, 3]], abs=1e-14)
    assert ours.trace() == pytest.approx(dense.trace())
    assert ours.frobenius2() == pytest.approx(dense.frobenius2())


def test_a_solver_may_overwrite_the_dense_form(blobs, rng):
    points, _ = blobs
    operator = sparse_diffusion(Thresholded(2.0, 1e-3)(points), 0.5)
    first = Exact()(operator, rng).nodes
    assert Exact()(operator, rng).nodes == pytest.approx(first, abs=0)


def test_walk_from_points_to_entropy(blobs):
    points, _ = blobs
    found = dse(points, kernel=Thresholded("knn"), alpha=0.25, t=2)
    assert found.value == pytest.approx(definitions.dse(points, found.settings.sigma, alpha=0.25, t=2), abs=1e-4)
    assert found.settings.rule == "knn"
    assert found.settings.kernel == f"Thresholded(sigma={found.settings.sigma!r}, below={1e-4 / 150!r})"
    neighbors = spectrum(points, kernel=NearestNeighbors(k=5))
    assert neighbors.settings.kernel.startswith("NearestNeighbors(k=5, sigma=")
    assert 0 < neighbors.shannon().value < math.log2(150)


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_any_scale(blobs, scale):
    points, _ = blobs
    for kernel in (Thresholded, lambda sigma: NearestNeighbors(k=5, sigma=sigma)):
        moved = dse(scale * points, kernel=kernel(2.0 * scale))
        assert moved.value == pytest.approx(dse(points, kernel=kernel(2.0)).value, rel=1e-9)


@pytest.mark.parametrize("n", [2, 3])
def test_two_and_three_points(rng, n):
    points = rng.normal(size=(n, 2))
    expected = definitions.dse(points, 1.0)
    assert dse(points, kernel=Thresholded(1.0), t=1.0).value == pytest.approx(expected, abs=1e-3)
    # With k = n - 1 every pair is joined.
    joined = dse(points, kernel=NearestNeighbors(k=n - 1, sigma=1.0), t=1.0)
    assert joined.value == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("kernel", [Thresholded("median"), Thresholded("knn"), NearestNeighbors(k=3)], ids=repr)
def test_all_points_equal_have_no_entropy(kernel):
    found = dse(np.full((40, 3), 7.0), kernel=kernel)
    assert found.value == pytest.approx(0.0, abs=1e-9)
    assert found.verdict.startswith("collapsed: all points are equal")


@pytest.mark.parametrize("search", SEARCHES)
def test_copies_are_all_joined(rng, search):
    # More copies than neighbours: which k of them are nearest is arbitrary, so the order of the points would matter.
    points = np.repeat([[0.0, 1.0], [100.0, 0.0], [0.0, 200.0]], [30, 20, 10], axis=0)
    for order in (np.arange(60), rng.permutation(60)):
        found = dse(points[order], kernel=searched(search, k=4, sigma=1.0))
        assert found.value == pytest.approx(math.log2(3), abs=1e-9)


def test_some_copies_among_other_points(rng):
    points = rng.normal(size=(60, 2))
    points[10:14] = points[3]
    affinity = NearestNeighbors(k=4, sigma=1.0)(points).toarray()
    copies = [3, 10, 11, 12, 13]
    assert (affinity[np.ix_(copies, copies)] == 1.0).all()
    assert affinity == pytest.approx(affinity.T, abs=0)
    assert ((affinity > 0).sum(axis=1) >= 5).all()


@pytest.mark.parametrize("kernel", [Thresholded(1.0), NearestNeighbors(k=3, sigma=1.0)], ids=repr)
def test_two_groups_infinitely_far_apart(rng, kernel):
    group = rng.normal(size=(30, 2))
    one, both = dse(group, kernel=kernel), dse(np.concatenate([group, group + 1e9]), kernel=kernel)
    # Each group keeps its entropy, and which group it is adds one bit. (1e9 costs the differences 7 digits.)
    assert both.value == pytest.approx(one.value + 1.0, abs=1e-5)


@pytest.mark.parametrize("search", SEARCHES)
def test_neighbors_nearer_than_the_search_can_tell(rng, search):
    # Tight clusters far from the centre: products of coordinates lose all digits of the distances inside.
    size = {"scikit-learn": 1e-8, "faiss": 1e-4}[search]
    inside = size * rng.normal(size=(40, 2))
    points = np.concatenate([inside, 1.0 + inside[::-1], [[5.0, 5.0], [6.0, 6.0], [7.0, 5.0], [8.0, 5.0]]])
    affinity = searched(search, k=3, sigma=size)(points)
    expected = NearestNeighbors(k=3, sigma=size)(inside).toarray()
    assert (expected > 0).sum() < 40 * 7
    assert affinity[:40, :40].toarray() == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("kernel", [Thresholded(1e-3), NearestNeighbors(k=3, sigma=1e-3)], ids=repr)
def test_a_kernel_that_underflows_to_the_identity(rng, kernel):
    found = dse(100.0 * rng.normal(size=(50, 3)), kernel=kernel)
    assert found.value == pytest.approx(math.log2(50), abs=1e-9)
    assert found.verdict.startswith("saturated")


def test_a_disconnected_graph_counts_its_parts(rng):
    centres = 100.0 * np.arange(5)[:, None]
    points = np.repeat(centres, 20, axis=0) + 0.1 * rng.normal(size=(100, 1))
    for kernel in (Thresholded(1.0), NearestNeighbors(k=19, sigma=1.0)):
        assert dse(points, kernel=kernel, t=200.0).value == pytest.approx(math.log2(5), abs=1e-6)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Thresholded(0.0), r"sigma must be a positive number, got 0.0"),
        (lambda: Thresholded(1.0, 1.0), r"below must lie between 0 and 1, got 1.0; None stands for 1e-4 / n"),
        (lambda: Thresholded(1.0, float("nan")), r"below must lie between 0 and 1, got nan"),
        (lambda: NearestNeighbors(k=0), r"k must be an integer of at least 1, got 0"),
        (lambda: NearestNeighbors(k=2.5), r"k must be an integer of at least 1, got 2.5"),
        (lambda: NearestNeighbors(search="annoy"), r"search must be one of scikit-learn, faiss, got 'annoy'"),
        (lambda: NearestNeighbors(sigma="wide"), r"one of knn, knn-share, lafon, .*, sqrt-d, got 'wide'"),
    ],
)
def test_settings_that_cannot_be(make, text):
    with pytest.raises(InputError, match=text):
        make()


def test_as_many_neighbors_as_points(rng):
    with pytest.raises(
        InputError, match=r"NearestNeighbors\(k=20, .*\) needs more than k = 20 points, got 20; lower k"
    ):
        dse(rng.normal(size=(20, 2)), kernel=NearestNeighbors(k=20))


@pytest.mark.parametrize("kernel", [Thresholded(1.0), NearestNeighbors(k=3, sigma=1.0)], ids=repr)
def test_other_array_libraries_are_told_so(rng, kernel):
    points = torch.asarray(rng.normal(size=(20, 2)))
    with pytest.raises(InputError, match=r"works on NumPy arrays .*, got torch.Tensor; convert the points first"):
        dse(points, kernel=kernel)


def test_a_threshold_that_is_still_a_rule(rng):
    with pytest.raises(InputError, match=r"has no threshold yet; call kernel.resolve\(points, rng\) first"):
        Thresholded(1.0)(rng.normal(size=(20, 2)))


def test_faiss_missing(rng, monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(MissingExtraError, match=r"NearestNeighbors\(search='faiss'\) needs .* 'diffspec\[faiss\]'"):
        dse(rng.normal(size=(40, 2)), kernel=NearestNeighbors(search="faiss"))


def test_a_graph_that_would_not_be_sparse(rng, monkeypatch):
    monkeypatch.setattr("diffspec.kernels.graphs.SMALL", 1e4)
    points = rng.normal(size=(300, 2))
    with pytest.raises(TooLargeError, match=r"would keep 100% of all pairs .* use a smaller sigma, a larger threshold"):
        dse(points, kernel=Thresholded(10.0))
    assert dse(points, kernel=Thresholded(0.05)).value > 0


@pytest.mark.parametrize(
    ("kernel", "points", "text"),
    [
        (Thresholded(10.0), np.random.default_rng(0).normal(size=(300, 2)), r"need \d+ bytes .* are free or allowed"),
        (NearestNeighbors(k=3), np.zeros((300, 2)), r"joining every point to all its copies needs .* are free"),
    ],
    ids=["thresholded", "copies"],
)
def test_memory_too_small(monkeypatch, kernel, points, text):
    for module in ("_arrays", "kernels.graphs"):
        monkeypatch.setattr(f"diffspec.{module}.free_memory", lambda like: 1e5)
    with pytest.raises(TooLargeError, match=text):
        dse(points, kernel=kernel)


def test_dense_form_too_large():
    identity = scipy.sparse.eye_array(1_000_000, format="csr")
    with pytest.raises(TooLargeError, match=r"the sparse operator as a dense 1000000 x 1000000 array needs"):
        sparse_diffusion(identity, 0.5).dense()


def test_reordering_leaves_the_spectrum_and_brings_neighbours_together(monkeypatch):
    points = np.random.default_rng(0).random((400, 2))
    affinity = Thresholded(0.05, below=1e-3)(points)
    assert nearby(affinity) is None  # small: left as it is
    monkeypatch.setattr("diffspec.operators.sparse.LARGE", 10)
    order = nearby(affinity)
    moved = affinity[order, :][:, order]
    before, after = (np.abs(np.subtract(*matrix.nonzero())).mean() for matrix in (affinity, moved))
    assert after < before / 3
    values = [np.linalg.eigvalsh(matrix.toarray()) for matrix in (affinity, moved)]
    np.testing.assert_allclose(*values, atol=1e-12)


@pytest.mark.parametrize("large", [10, 2**20])
def test_vectors_that_stay_as_they_are_follow_the_order_of_the_points(large, monkeypatch):
    monkeypatch.setattr("diffspec.operators.sparse.LARGE", large)
    points = np.random.default_rng(0).random((300, 2)) + 9.0 * (np.arange(300) % 3)[:, None]
    operator = sparse_diffusion(Thresholded(0.3, below=1e-3)(points), 0.5, dropped=1e-3).ready()
    assert (operator.matrix.nnz > large) == (large == 10)
    found = operator.steady(operator.pieces())
    assert found.shape == (300, 3)
    assert found.T @ found == pytest.approx(np.eye(3), abs=1e-14)
    assert operator.matmul(found) == pytest.approx(found, abs=1e-14)


class TestInformation:
    def test_every_set_has_the_graph_of_its_own_points(self):
        points, labels = np.random.default_rng(0).normal(size=(300, 3)), np.arange(300) % 3
        kernel = NearestNeighbors(k=5).resolve(points, np.random.default_rng(0))
        ours = dsmi(points, labels, kernel=kernel)
        for number, group in enumerate(ours.groups):
            assert group.conditional == pytest.approx(dse(points[labels == number], kernel=kernel).value, abs=1e-9)

    def test_a_group_of_too_few_points(self):
        with pytest.raises(InputError, match="needs more than k = 15 points, got 10; lower k or merge small groups"):
            dsmi(np.random.default_rng(0).normal(size=(30, 3)), np.arange(30) % 3, kernel=NearestNeighbors(k=15))
