"""The diffusion matrix, diffused points, diffusion maps and potential distances against their definitions."""

import re

import numpy as np
import pytest
import torch
from scipy.sparse import issparse

import definitions
from diffspec import (
    AlphaDecay,
    Gaussian,
    InputError,
    NearestNeighbors,
    SelfTuning,
    TooLargeError,
    diffuse,
    diffusion_map,
    diffusion_matrix,
    dse,
    potential_distances,
)


@pytest.fixture
def points(rng):
    return rng.normal(size=(60, 3)) * [1.0, 2.0, 0.5]


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_matrix_is_the_definition(points, alpha):
    expected = definitions.diffusion_matrix(definitions.gaussian(points, 1.5), alpha)
    found = diffusion_matrix(points, kernel=Gaussian(1.5), alpha=alpha)
    assert found == pytest.approx(expected, abs=1e-14)
    assert diffusion_matrix(torch.tensor(points), kernel=Gaussian(1.5), alpha=alpha) == pytest.approx(found, abs=1e-14)


def test_its_eigenvalues_are_those_of_the_entropy(points):
    moduli = np.abs(np.linalg.eigvals(diffusion_matrix(points)))
    assert dse(points, t=2).value == pytest.approx(
        definitions.entropy_bits(definitions.probabilities(moduli, 2.0)), abs=1e-9
    )


@pytest.mark.parametrize("kernel", [AlphaDecay(5), NearestNeighbors(5)], ids=repr)
def test_a_sparse_graph_gives_a_sparse_matrix_and_the_same_numbers(rng, kernel, monkeypatch):
    points = rng.normal(size=(350, 4))
    monkeypatch.setattr("diffspec.solvers.storing.DENSE", 100)
    matrix = diffusion_matrix(points, kernel=kernel)
    assert issparse(matrix)
    assert matrix.sum(axis=1) == pytest.approx(np.ones(350), abs=1e-12)
    sparse = [diffuse(points, 4, kernel=kernel), np.abs(diffusion_map(points, components=3, kernel=kernel, t=1))]
    monkeypatch.setattr("diffspec.solvers.leading.SMALL", 1000)
    assert np.abs(diffusion_map(points, components=3, kernel=kernel, t=1)) == pytest.approx(sparse[1], abs=1e-9)
    assert np.linalg.matrix_power(matrix.toarray(), 4) @ points == pytest.approx(sparse[0], abs=1e-12)


@pytest.mark.parametrize("steps", [0, 1, 7])
def test_diffused_points_are_a_power_times_the_points(points, steps):
    walk = np.linalg.matrix_power(diffusion_matrix(points, kernel=Gaussian(1.0)), steps)
    assert diffuse(points, steps, kernel=Gaussian(1.0)) == pytest.approx(walk @ points, abs=1e-12)
    labels = np.eye(3)[np.arange(60) % 3]
    assert diffuse(points, steps, values=labels, kernel=Gaussian(1.0)) == pytest.approx(walk @ labels, abs=1e-12)


@pytest.mark.parametrize("t", [1.0, 3.0])
@pytest.mark.parametrize("kernel", [Gaussian(1.5), SelfTuning(7)], ids=repr)
def test_distance_in_the_whole_map_is_diffusion_distance(points, kernel, t):
    walk = diffusion_matrix(points, kernel=kernel)
    stationary = np.linalg.matrix_power(walk, 2**12)[0]
    power = np.linalg.matrix_power(walk, int(t))
    mapped = diffusion_map(points, components=59, kernel=kernel, t=t)
    assert mapped.T @ (stationary[:, None] * np.ones((60, 1))) == pytest.approx(np.zeros((59, 1)), abs=1e-9)
    for i, j in [(0, 1), (5, 40), (20, 59)]:
        expected = ((power[i] - power[j]) ** 2 / stationary).sum()
        assert ((mapped[i] - mapped[j]) ** 2).sum() == pytest.approx(expected, rel=1e-8)


def test_few_components_are_the_first_of_all_and_signs_are_fixed(points, monkeypatch):
    every = diffusion_map(points, components=59, kernel=Gaussian(1.5))
    monkeypatch.setattr("diffspec.solvers.leading.SMALL", 10)
    few = diffusion_map(points, components=4, kernel=Gaussian(1.5))
    assert few == pytest.approx(every[:, :4], abs=1e-9)
    assert (few[np.abs(few).argmax(axis=0), range(4)] > 0).all()


def test_clusters_that_do_not_touch_get_coordinates_of_their_own(rng):
    points = np.repeat([[0.0], [100.0], [200.0]], 20, axis=0) + rng.uniform(size=(60, 1))
    mapped = diffusion_map(points, kernel=Gaussian(1.0), t=50)
    assert np.ptp(mapped.reshape(3, 20, 2), axis=1) == pytest.approx(np.zeros((3, 2)), abs=1e-9)
    assert np.linalg.norm(mapped[0] - mapped[20]) > 1.0
    assert np.linalg.norm(mapped[20] - mapped[40]) > 1.0


def test_an_eigenvalue_that_rounds_above_one_stays_one(points, monkeypatch):
    from diffspec.measures import walk

    solved = walk.leading

    def rounded(conjugate, root, components):
        values, vectors = solved(conjugate, root, components)
        values[0] = 1.0 + 2.0**-52
        return values, vectors

    monkeypatch.setattr(walk, "leading", rounded)
    assert np.isfinite(diffusion_map(points, components=2, t=1e300)).all()


@pytest.mark.parametrize("steps", [1, 4])
def test_potential_distances_are_their_definition(points, steps):
    power = np.linalg.matrix_power(definitions.diffusion_matrix(definitions.gaussian(points, 1.0), 0.5), steps)
    potential = np.log(power + 1e-7)
    expected = [[np.sqrt(((a - b) ** 2).sum()) for b in potential] for a in potential]
    assert potential_distances(points, steps, kernel=Gaussian(1.0)) == pytest.approx(np.array(expected), abs=1e-6)


def test_what_does_not_fit_as_a_dense_array_is_refused(rng, monkeypatch):
    monkeypatch.setattr("diffspec.solvers.storing.DENSE", 100)
    monkeypatch.setattr("diffspec._arrays.free_memory", lambda like: 24.0 * 350**2 - 1.0)
    with pytest.raises(TooLargeError, match="the walk of 350 points as dense 350 x 350 arrays needs"):
        potential_distances(rng.normal(size=(350, 4)), 2, kernel=NearestNeighbors(5))


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda x: diffuse(x, -1), "steps must be an integer of at least 0, got -1"),
        (lambda x: diffuse(x, 1.5), "steps must be an integer of at least 0, got 1.5"),
        (lambda x: diffuse(x, 1, values=x[:9]), "values must have one row per point, got 9 for 60 points"),
        (lambda x: diffuse(x, 1, values=x[:, 0]), "values must have shape (n, d), got (60,)"),
        (lambda x: diffusion_map(x, components=60), "components must lie in 1 .. n - 1 = 59, got 60"),
        (lambda x: diffusion_map(x, components=0), "components must lie in 1 .. n - 1 = 59, got 0"),
        (lambda x: diffusion_map(x, components=True), "components must be an integer of at least 0, got True"),
        (lambda x: diffusion_map(x, t=-1), "t must be"),
        (lambda x: diffusion_matrix(x, alpha=2), "alpha must lie in [0, 1], got 2"),
        (lambda x: diffusion_matrix(x / 0), "points must be finite"),
        (lambda x: diffusion_matrix(x, kernel=Gaussian), "kernel must be a kernel such as"),
        (lambda x: potential_distances(x, True), "steps must be an integer of at least 0, got True"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_bad_input(points, call, text):
    with pytest.raises(InputError, match=re.escape(text)):
        call(points)
