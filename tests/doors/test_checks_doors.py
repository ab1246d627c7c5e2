"""Every door takes every integer and every seed, and writes plain numbers down; drawn from tables."""

import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest

import diffspec
from diffspec import (
    AlphaDecay,
    Bins,
    Chebyshev,
    Clusters,
    InputError,
    KMeans,
    Lanczos,
    LowRank,
    Matched,
    NearestNeighbors,
    SelfTuning,
    adjusted_dsmi,
    choose,
    permutation_test,
    profile,
    released,
    shuffle_test,
    synthetic,
)
from diffspec import baselines as b
from diffspec.demo import run as demo
from diffspec.files.reading import load
from diffspec.kernels.bandwidth import LogSum, Median, Neighbors, NeighborShare, Quantile
from diffspec.runs.log import RunLog, read
from diffspec.runs.plots import spectra, training_curves
from diffspec.runs.report import write
from diffspec.spectra.times import Knee

SETTINGS = {
    (AlphaDecay, "neighbors"): 5,
    (SelfTuning, "neighbors"): 5,
    (NearestNeighbors, "k"): 5,
    (Neighbors, "k"): 5,
    (Neighbors, "most"): 100,
    (NeighborShare, "most"): 100,
    (Median, "most"): 100,
    (Quantile, "most"): 100,
    (LogSum, "most"): 100,
    (Matched, "repetitions"): 3,
    (Bins, "count"): 5,
    (Clusters, "count"): 5,
    (Clusters, "neighbors"): 5,
    (Clusters, "seed"): 5,
    (KMeans, "count"): 5,
    (KMeans, "seed"): 5,
    (Lanczos, "probes"): 5,
    (Lanczos, "deflation"): 5,
    (Lanczos, "power"): 5,
    (Lanczos, "steps"): 5,
    (Lanczos, "most"): 50,
    (LowRank, "rank"): 5,
    (Chebyshev, "moments"): 64,
    (Chebyshev, "probes"): 5,
    (Knee, "longest"): 50,
    (b.Training, "batch"): 32,
    (b.Training, "steps"): 50,
    (b.Training, "every"): 5,
    (b.Training, "patience"): 5,
    (b.Nearest, "knn"): 5,
}
IDS = [f"{kind.__name__}.{name}" for kind, name in SETTINGS]
ODD = [5.0, "5", True, None, [5], -1]


@pytest.mark.parametrize("setting", SETTINGS, ids=IDS)
@pytest.mark.parametrize("integer", [np.int64, np.uint8, np.array], ids=["int64", "uint8", "0-d"])
def test_settings_take_every_integer_and_keep_it_plain(setting, integer):
    kind, name = setting
    plain = kind(**{name: SETTINGS[setting]})
    assert repr(kind(**{name: integer(SETTINGS[setting])})) == repr(plain)
    assert type(getattr(kind(**{name: integer(SETTINGS[setting])}), name)) is int


@pytest.mark.parametrize("setting", SETTINGS, ids=IDS)
@pytest.mark.parametrize("value", ODD, ids=repr)
def test_settings_refuse_what_is_no_integer_in_one_line(setting, value):
    kind, name = setting
    if value is None and dataclasses.fields(kind)[0].default is None:
        return  # the default, which stands for a rule
    with pytest.raises(InputError, match=rf"^{name}( of \w+)? must be an integer of at least \d+, got "):
        kind(**{name: value})


X = np.random.default_rng(0).normal(size=(40, 2))
Y = X[:, 0] > 0
REAL = X[:, 1]

COUNTS = {
    "adjusted_dsmi repetitions": (lambda k: adjusted_dsmi(X, Y, k), 5),
    "permutation_test permutations": (lambda k: permutation_test(X, Y, k), 19),
    "shuffle_test permutations": (lambda k: shuffle_test(b.ksg, X[:, :1], REAL, k), 19),
    "interval resamples": (lambda k: diffspec.interval(X, resamples=k), 10),
    "compare resamples": (lambda k: diffspec.compare(X, X**2, resamples=k), 10),
    "profile sigmas": (lambda k: profile(X, sigmas=k), 5),
    "choose n": (lambda k: choose(k, 5), 100),
    "choose d": (lambda k: choose(100, k), 5),
    "binned_entropy bins": (lambda k: b.binned_entropy(X, bins=k), 5),
    "binned_information bins": (lambda k: b.binned_information(X, Y, bins=k), 5),
    "knn_probe folds": (lambda k: b.knn_probe(X, Y, folds=k), 5),
    "knn_probe neighbors": (lambda k: b.knn_probe(X, Y, neighbors=k), 5),
    "ksg neighbors": (lambda k: b.ksg(X, REAL, neighbors=k), 5),
    "ksg variant": (lambda k: b.ksg(X, REAL, variant=k), 2),
    "mixed_ksg neighbors": (lambda k: b.mixed_ksg(X, REAL, neighbors=k), 5),
    "ross neighbors": (lambda k: b.ross(X, Y, neighbors=k), 5),
    "kozachenko_leonenko neighbors": (lambda k: b.kozachenko_leonenko(X, neighbors=k), 5),
    "levina_bickel neighbors": (lambda k: b.levina_bickel(X, neighbors=k), 5),
    "fourier_entropy top": (lambda k: b.fourier_entropy(X, top=k), 5),
    "alpha_req first": (lambda k: b.alpha_req(np.random.default_rng(0).normal(size=(40, 20)), first=k), 5),
    "released num_bins_per_dim": (
        lambda k: released.diffusion_spectral_entropy(X, classic_shannon_entropy=True, num_bins_per_dim=k),
        5,
    ),
    "released max_N": (lambda k: released.diffusion_spectral_entropy(X, max_N=k), 30),
    "released knn": (lambda k: released.adjacency_spectral_entropy(X, use_knn=True, knn=k), 5),
    "released num_repetitions": (
        lambda k: released.diffusion_spectral_mutual_information(X, Y, num_repetitions=k)[0],
        5,
    ),
    "released n_clusters": (lambda k: released.diffusion_spectral_mutual_information(X, REAL, n_clusters=k)[0], 5),
    "cloud n": (lambda k: synthetic.cloud(k, 2).tolist(), 5),
    "cloud ambient": (lambda k: synthetic.cloud(9, 2, ambient=k).tolist(), 5),
    "tree length": (lambda k: synthetic.tree(2, k)[0].tolist(), 5),
    "blobs centres": (lambda k: synthetic.blobs(20, k)[0].tolist(), 5),
    "spd_mix n": (lambda k: synthetic.spd_mix(k, 0.5).tolist(), 5),
    "sphere n": (lambda k: synthetic.sphere(k, 2).tolist(), 5),
    "torus dimension": (lambda k: synthetic.torus(9, k).tolist(), 5),
    "swiss_roll ambient": (lambda k: synthetic.swiss_roll(9, ambient=k).tolist(), 5),
    "correlated dimension": (lambda k: synthetic.correlated(9, dimension=k).x.tolist(), 5),
    "student n": (lambda k: synthetic.student(k).x.tolist(), 5),
    "additive_noise n": (lambda k: synthetic.additive_noise(k).x.tolist(), 5),
}


@pytest.mark.parametrize("door", COUNTS)
def test_functions_take_every_integer(door):
    call, count = COUNTS[door]
    expected = call(count)
    assert call(np.int64(count)) == expected
    assert call(np.uint8(count)) == expected


@pytest.mark.parametrize("door", COUNTS)
@pytest.mark.parametrize("value", [5.0, "5", True, -1, [[5]]], ids=repr)
def test_functions_refuse_what_is_no_integer_in_one_line(door, value):
    with pytest.raises(
        InputError, match=r"must be an integer|must be a positive number|at least 2 different"
    ) as caught:
        COUNTS[door][0](value)
    assert "\n" not in str(caught.value)


SEEDED = {
    "entry_information": lambda rng: b.entry_information(X, Y, rng=rng),
    "adjacency_entropy": lambda rng: b.adjacency_entropy(X, rng=rng),
    "adjacency_information": lambda rng: b.adjacency_information(X, Y, rng=rng),
    "fourier_information": lambda rng: b.fourier_information(X, Y, rng=rng),
    "gram_entropy": lambda rng: b.gram_entropy(X, rng=rng),
    "binned_information": lambda rng: b.binned_information(X, Y, estimator=Matched(), rng=rng),
    "shuffle_test": lambda rng: shuffle_test(b.ksg, X[:, :1], REAL, 19, rng=rng),
    "scale_and_shape": lambda rng: diffspec.scale_and_shape(X, X**2, sigma="median", rng=rng),
    "diffusion_matrix": lambda rng: diffspec.diffusion_matrix(X, kernel=SelfTuning(), rng=rng).tolist(),
    "released": lambda rng: released.diffusion_spectral_mutual_information(X, Y, random_seed=rng)[0],
    "released, part": lambda rng: released.diffusion_spectral_entropy(X, max_N=20, random_seed=rng),
    "released, Chebyshev": lambda rng: released.diffusion_spectral_entropy(X, chebyshev_approx=True, random_seed=rng),
    "cloud": lambda rng: synthetic.cloud(9, 2, rng=rng).tolist(),
    "tree": lambda rng: synthetic.tree(2, 5, rng=rng)[0].tolist(),
    "blobs": lambda rng: synthetic.blobs(9, 2, rng=rng)[0].tolist(),
    "corrupt": lambda rng: synthetic.corrupt(np.arange(20), 0.5, rng=rng).tolist(),
    "spd_mix": lambda rng: synthetic.spd_mix(5, 0.5, rng=rng).tolist(),
    "sphere": lambda rng: synthetic.sphere(9, 2, rng=rng).tolist(),
    "correlated": lambda rng: synthetic.correlated(9, rng=rng).x.tolist(),
}
SEEDS = {
    "int64": lambda: np.int64(3),
    "2**40": lambda: 2**40,
    "SeedSequence": lambda: np.random.SeedSequence(3),
    "Generator": lambda: np.random.default_rng(3),
    "RandomState": lambda: np.random.RandomState(3),
}


@pytest.mark.parametrize("door", SEEDED)
def test_seeds_of_every_kind_work_everywhere(door):
    SEEDED[door](None)
    for make in SEEDS.values():
        assert SEEDED[door](make()) == SEEDED[door](make())
    assert SEEDED[door](np.int64(3)) == SEEDED[door](3)


@pytest.mark.parametrize("door", SEEDED)
@pytest.mark.parametrize("seed", [1.5, "x", -1, True, [1]], ids=repr)
def test_seeds_that_are_none_are_refused_in_one_line_everywhere(door, seed):
    with pytest.raises(InputError, match=r"^(rng|random_seed) must be a seed"):
        SEEDED[door](seed)


@pytest.mark.parametrize("seed", [1.5, "x", -1, True], ids=repr)
def test_the_loss_refuses_what_is_no_seed(seed):
    pytest.importorskip("torch")
    from diffspec.training import DSMILoss

    DSMILoss(seed=np.random.RandomState(0))
    with pytest.raises(InputError, match=r"^seed must be a seed"):
        DSMILoss(seed=seed)


def log():
    """A run log of one number, in the current folder."""
    if not Path("run.jsonl").exists():
        fields = {"run": "a", "step": 0, "layer": "z", "name": "DSE(Z)", "value": 1.0, "unit": "bit"}
        RunLog("run.jsonl").write("number", **fields)
    return "run.jsonl"


PATHS = {
    "RunLog": RunLog,
    "afresh": RunLog.afresh,
    "read": read,
    "read, further": lambda path: read(log(), path),
    "load": load,
    "report of": lambda path: write(path, "report.html"),
    "report to": lambda path: write(log(), path),
    "curves": lambda path: training_curves(path, layer="z"),
    "spectra": lambda path: spectra(path, layer="z"),
    "demo": demo,
    "released": lambda path: released.diffusion_spectral_entropy(X, eigval_save_path=path),
}
NO_PATHS = [5, 1.5, True, b"run.jsonl", "a\0b", object(), io.StringIO(), [5], [None], {"a": 1}]


@pytest.mark.parametrize("door", PATHS)
@pytest.mark.parametrize("value", NO_PATHS, ids=lambda value: f"{value!r:.20}")
def test_what_is_no_path_is_refused_in_one_line_everywhere(tmp_path, monkeypatch, door, value):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as caught:
        PATHS[door](value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("door", ["read", "load", "report of", "report to", "curves", "released"])
def test_a_name_that_is_too_long_is_one_line(tmp_path, monkeypatch, door):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="File name too long"):
        PATHS[door]("n" * 300)
