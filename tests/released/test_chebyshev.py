"""`chebyshev_approx=True` of the drop-in tracks the exact value, where the released package's does not."""

import numpy as np
import pytest

import definitions_released as oracle
from diffspec import InputError
from diffspec.released import diffusion_spectral_entropy, diffusion_spectral_mutual_information

STATED = 0.05  # bits, in the docstring of diffusion_spectral_entropy


def embedded(draw, features):
    """The data of the paper's Chebyshev experiment: 500 points in R^512 that fill `features` of its dimensions."""
    rng, points = np.random.default_rng(features), np.zeros((500, 512))
    points[:, :features] = getattr(rng, draw)(size=(500, features))
    return points


def tight_cluster(n):
    return 1e-3 * np.random.default_rng(0).normal(size=(n, 3))


@pytest.mark.parametrize("draw", ["uniform", "normal"])
@pytest.mark.parametrize("features", [128, 384, 512])
def test_it_tracks_the_exact_value_where_the_released_estimate_does_not(draw, features):
    points = embedded(draw, features)
    for t in (1, 2):
        exact = diffusion_spectral_entropy(points, t=t)
        assert abs(diffusion_spectral_entropy(points, t=t, chebyshev_approx=True) - exact) < STATED


def test_a_cluster_whose_entries_are_all_below_one_thousandth_is_not_lost():
    points = tight_cluster(1200)  # the released package zeroes entries under 1e-3, all of them here: 9.7 bits
    assert diffusion_spectral_entropy(points, chebyshev_approx=True) == pytest.approx(0.0, abs=STATED)


def test_over_seeds_the_error_stays_within_the_stated_one():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(10, 40))[np.arange(600) % 10] + 0.5 * rng.normal(size=(600, 40))
    exact = diffusion_spectral_entropy(points, 3.0)
    values = [diffusion_spectral_entropy(points, 3.0, chebyshev_approx=True, random_seed=k) for k in range(20)]
    assert len(set(values)) == 20  # the probes are drawn anew
    assert np.max(np.abs(np.array(values) - exact)) < STATED


def test_it_is_the_same_for_the_same_seed_and_leaves_the_global_state_alone():
    points = embedded("normal", 128)
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    values = {diffusion_spectral_entropy(points, chebyshev_approx=True, random_seed=7) for _ in range(2)}
    assert len(values) == 1
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


@pytest.mark.parametrize("n", [2, 3, 40])
@pytest.mark.parametrize("t", [0, 1, 2.5])
def test_few_points_are_solved_exactly(n, t):
    points = np.random.default_rng(0).normal(size=(n, 3))
    assert diffusion_spectral_entropy(points, 1.0, t, chebyshev_approx=True) == pytest.approx(
        oracle.dse(points, 1.0, t), abs=1e-9
    )


def test_information_tracks_the_exact_value():
    rng = np.random.default_rng(0)
    labels = np.arange(800) % 2
    points = rng.normal(size=(800, 5)) + 6.0 * labels[:, None]
    exact, groups = diffusion_spectral_mutual_information(points, labels, None, 1.0)
    value, same = diffusion_spectral_mutual_information(points, labels, None, 1.0, chebyshev_approx=True)
    assert (groups == same).all()
    assert 0 < abs(value - exact) < STATED


def test_bins_and_entries_come_before_it():
    points = embedded("normal", 128)[:60, :3]
    for option in ("classic_shannon_entropy", "matrix_entry_entropy"):
        plain = diffusion_spectral_entropy(points, **{option: True})
        assert diffusion_spectral_entropy(points, chebyshev_approx=True, **{option: True}) == plain


def test_no_file_is_read_or_written(tmp_path):
    path = tmp_path / "file.npz"
    points = embedded("normal", 128)[:60]
    diffusion_spectral_entropy(points, chebyshev_approx=True, eigval_save_path=path)
    assert not path.exists()
    with pytest.raises(InputError, match=r"ChebyshevEntropy.* reads no file of eigenvalues; give the points"):
        diffusion_spectral_entropy(None, chebyshev_approx=True, eigval_save_path=path)


def test_a_time_that_cannot_be_used():
    with pytest.raises(InputError, match="t must be a positive number, got -1"):
        diffusion_spectral_entropy(np.eye(3), t=-1, chebyshev_approx=True)
