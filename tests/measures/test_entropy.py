"""DSE against the definition, its exact limits, the propositions of the paper, and its conventions."""

import math

import numpy as np
import pytest

import definitions
from diffspec import AlphaDecay, Cosine, Exact, Gaussian, InputError, Precomputed, SelfTuning, dse, spectrum


@pytest.mark.parametrize("alpha", [0.0, 0.3, 0.5, 1.0])
@pytest.mark.parametrize("t", [0.5, 1, 2.5, 10])
def test_agrees_with_the_definition(blobs, alpha, t):
    points, _ = blobs
    for sigma in (0.8, 3.0, 20.0):
        ours = dse(points, kernel=Gaussian(sigma), alpha=alpha, t=t)
        assert ours.value == pytest.approx(definitions.dse(points, sigma, alpha, t), abs=2e-6 if t < 1 else 1e-9)


def test_same_number_in_every_library(blobs, to_library):
    points, _ = blobs
    for kernel in (AlphaDecay(), Gaussian(2.0), Gaussian("median"), Gaussian("knn"), SelfTuning(), Cosine()):
        ours = dse(to_library(points), kernel=kernel, t=2)
        assert ours.value == pytest.approx(dse(points, kernel=kernel, t=2).value, abs=1e-10)


def test_the_median_rule_is_the_median_of_all_pairs(blobs):
    points, _ = blobs
    estimate = dse(points, kernel=Gaussian(), t=1.0)
    assert (estimate.settings.alpha, estimate.settings.t, estimate.settings.rule) == (0.5, 1.0, "median")
    assert estimate.settings.sigma == pytest.approx(definitions.median_sigma(points), rel=1e-12)
    assert estimate.value == pytest.approx(definitions.dse(points, estimate.settings.sigma), abs=1e-9)


def test_the_default_is_the_neighbour_graph_at_three(blobs):
    points, _ = blobs
    estimate = dse(points)
    settings = estimate.settings
    assert (settings.kernel, settings.sigma, settings.rule) == ("AlphaDecay(neighbors=4, decay=40.0)", None, None)
    assert (settings.alpha, settings.t) == (0.5, 3.0)
    # sqrt(150) / 3 = 4.08: the fourth neighbour, itself not counted. Weights under 1e-4 are 0, as in PHATE.
    distances = np.sqrt(((points[:, None, :] - points[None, :, :]) ** 2).sum(axis=2))
    with np.errstate(over="ignore"):
        directed = np.exp(-((distances / np.sort(distances, axis=1)[:, 4:5]) ** 40))
    directed[directed < 1e-4] = 0.0
    matrix = definitions.diffusion_matrix((directed + directed.T) / 2, 0.5)
    expected = definitions.entropy_bits(definitions.probabilities(np.linalg.eigvals(matrix), 3))
    assert estimate.value == pytest.approx(expected, abs=1e-9)
    assert estimate.unit == "bit"
    assert estimate.n == 150


def test_a_constant_cloud_is_exactly_zero():
    for value in (0.0, 0.1, -7e30):
        for kernel in (AlphaDecay(), Gaussian(), Gaussian(1.0), Gaussian("knn"), SelfTuning()):
            assert dse(np.full((60, 4), value), kernel=kernel).value == 0.0


def test_isolated_points_are_exactly_log_n():
    for n in (2, 7, 100):
        points = 1e3 * np.arange(n, dtype=float)[:, None]
        assert dse(points, kernel=Gaussian(1.0)).to("nat").value == math.log(n)


@pytest.mark.parametrize("k", [2, 3, 8])
def test_far_clusters_at_large_time_are_log_k(rng, k):
    points = np.repeat(100.0 * np.eye(k), 30, axis=0) + rng.normal(size=(30 * k, k))
    s = spectrum(points, kernel=Gaussian(1.0))
    assert s.shannon(t=1e5).value == pytest.approx(math.log2(k), abs=1e-9)
    assert s.count(t=1e5).value == k


def test_proposition_4_1_steady_state_is_zero(rng):
    points = rng.normal(size=(200, 3))
    values = [dse(points, kernel=Gaussian(2.0), t=t).value for t in (1, 10, 100, 1e4)]
    assert values == sorted(values, reverse=True)
    assert values[-1] == pytest.approx(0.0, abs=1e-12)


def test_proposition_4_2_three_clusters():
    # definitions.md section 2: three clusters of 100 in the plane fall to log2 3 under both conventions.
    rng = np.random.default_rng(0)
    points = np.concatenate([centre + rng.normal(size=(100, 2)) for centre in ([0, 0], [30, 0], [0, 30])])
    for alpha in (0.0, 0.5):
        s = spectrum(points, kernel=Gaussian(1.0), alpha=alpha)
        assert s.shannon(t=1000).value == pytest.approx(math.log2(3), abs=1e-6)
        assert s.shannon(t=1).value > 4.5


# n, d, sigma_paper, bound, mean DSE of K (alpha 0), mean DSE of P (alpha 1/2): the table of Proposition 4.3, in nats.
PROPOSITION_4_3 = [
    (200, 2, 1, 4.719, 3.062, 3.097),
    (200, 2, 20, 1.327, 0.656, 0.674),
    (500, 10, 10, 5.530, 4.544, 4.605),
    (500, 50, 100, 4.537, 4.001, 4.015),
    (500, 50, 20, 6.202, 6.130, 6.084),
    (500, 512, 200, 6.209, 6.202, 6.196),
    (1000, 20, 40, 4.907, 3.701, 3.749),
]


@pytest.mark.parametrize(("n", "d", "sigma_paper", "bound", "released", "paper"), PROPOSITION_4_3)
def test_proposition_4_3_bound_and_means(n, d, sigma_paper, bound, released, paper):
    assert definitions.bound_4_3(n, d, sigma_paper) == pytest.approx(bound, abs=6e-4)
    kernel = Gaussian(math.sqrt(sigma_paper / 2.0))
    clouds = [np.random.default_rng(seed).normal(size=(n, d)) for seed in range(3)]
    for alpha, mean in ((0.0, released), (0.5, paper)):
        values = [dse(cloud, kernel=kernel, alpha=alpha, t=1.0).to("nat").value for cloud in clouds]
        assert np.mean(values) == pytest.approx(mean, abs=0.03)
        assert max(values) <= bound + 1e-3


@pytest.mark.parametrize(
    ("beta", "k", "gain", "bound"), [(0.1, 10, 0.2146, 0.2303), (0.5, 10, 1.138, 1.151), (0.9, 2, 0.6234, 0.6238)]
)
def test_proposition_4_4_gain_of_clusters(beta, k, gain, bound):
    n = 2000
    single = np.full((n, n), beta)
    np.fill_diagonal(single, 1.0)
    blocks = single * (np.arange(n)[:, None] * k // n == np.arange(n)[None, :] * k // n)
    found = [dse(affinity, kernel=Precomputed(), t=1.0).to("nat").value for affinity in (single, blocks)]
    assert found[1] - found[0] == pytest.approx(gain, abs=6e-4)
    assert found[1] - found[0] <= bound + 1e-4
    assert beta * math.log(k) == pytest.approx(bound, abs=6e-4)


def test_one_decomposition_answers_every_question(blobs):
    points, _ = blobs
    s = spectrum(points, kernel=Gaussian(2.0))
    eigenvalues = np.linalg.eigvals(definitions.diffusion_matrix(definitions.gaussian(points, 2.0), 0.5)).real
    for t in (1, 3):
        p = definitions.probabilities(eigenvalues, t)
        assert s.shannon(t=t).value == pytest.approx(definitions.entropy_bits(p), abs=1e-9)
        assert s.renyi(q=2, t=t).value == pytest.approx(-math.log2((p**2).sum()), abs=1e-9)
        assert s.renyi(q=math.inf, t=t).value == pytest.approx(-math.log2(p.max()), abs=1e-9)
        assert s.renyi(q=1, t=t).value == s.shannon(t=t).value
        assert s.count(t=t, floor=0.01).value == (np.abs(eigenvalues) ** t > 0.01).sum()
    assert s.shannon(t=3).settings.t == 3
    assert s.shannon().value == dse(points, kernel=Gaussian(2.0)).value


def test_joint_scaling_over_the_whole_range_of_float64(blobs):
    points, _ = blobs
    expected = dse(points, kernel=Gaussian(2.0)).value
    for scale in (2.0**-600, 1e-200, 1e-3, 1e200):
        assert dse(points * scale, kernel=Gaussian(2.0 * scale)).value == pytest.approx(expected, abs=1e-9)
        for kernel in (AlphaDecay(), Gaussian()):
            scale_free = dse(points, kernel=kernel).value
            assert dse(points * scale, kernel=kernel).value == pytest.approx(scale_free, abs=1e-9)


def test_fixed_width_at_extreme_scales_is_a_limit(blobs):
    points, _ = blobs
    assert dse(points * 1e200, kernel=Gaussian(10.0)).to("nat").value == math.log(150)
    assert dse(points * 1e-200, kernel=Gaussian(10.0)).value == 0.0


def test_near_duplicates_far_from_the_origin_keep_their_digits(rng):
    # Two clusters 1e7 widths apart: the product form of the distance alone is off by 0.03 within a cluster.
    points = rng.normal(size=(80, 3)) + 1e7 * np.repeat([[0.0], [1.0]], 40, axis=0)
    assert dse(points, kernel=Gaussian(1.0), t=1.0).value == pytest.approx(definitions.dse(points, 1.0), abs=1e-7)


def test_duplicated_points_do_not_change_a_plain_walk(blobs):
    # With alpha = 0 and every point twice, P has the same non-zero spectrum.
    points, _ = blobs
    once = dse(points, kernel=Gaussian(2.0), alpha=0.0)
    twice = dse(np.repeat(points, 2, axis=0), kernel=Gaussian(2.0), alpha=0.0)
    assert twice.value == pytest.approx(once.value, abs=1e-8)


def test_more_than_half_duplicates_have_the_limit_kernel():
    points = np.zeros((20, 2))
    points[0] = 1.0
    estimate = dse(points, kernel=Gaussian(), t=1.0)
    assert estimate.value == pytest.approx(1.0, abs=1e-12)  # two distinct points: log2 2
    assert estimate.settings.sigma == pytest.approx(2.2e-308, rel=0.02)


def test_precomputed_affinities_and_distances(blobs):
    points, _ = blobs
    difference = points[:, None, :] - points[None, :, :]
    distances = np.sqrt((difference**2).sum(axis=2))
    direct = dse(points, kernel=Gaussian(2.0)).value
    assert dse(definitions.gaussian(points, 2.0), kernel=Precomputed()).value == pytest.approx(direct, abs=1e-9)
    assert dse(distances, kernel=Precomputed(of="distances", sigma=2.0)).value == pytest.approx(direct, abs=1e-9)
    by_rule, expected = dse(distances, kernel=Precomputed(of="distances")), dse(points, kernel=Gaussian())
    assert by_rule.value == pytest.approx(expected.value, abs=1e-9)
    assert by_rule.settings.sigma == pytest.approx(expected.settings.sigma, rel=1e-12)


def test_self_tuning_is_its_formula(blobs):
    points, _ = blobs
    distances = np.sqrt(((points[:, None, :] - points[None, :, :]) ** 2).sum(axis=2))
    width = np.sort(distances, axis=1)[:, 7]
    affinity = np.exp(-(distances**2) / np.outer(width, width))
    expected = dse(affinity, kernel=Precomputed()).value
    assert dse(points, kernel=SelfTuning(7)).value == pytest.approx(expected, abs=1e-9)


def test_self_tuning_joins_copies_only(rng):
    points = np.repeat(rng.normal(size=(5, 2)), 10, axis=0)
    assert dse(points, kernel=SelfTuning(7)).value == pytest.approx(math.log2(5), abs=1e-9)


def test_cosine_is_the_gaussian_of_directions_and_ignores_length(blobs, rng):
    points, _ = blobs
    directions = points / np.linalg.norm(points, axis=1, keepdims=True)
    expected = dse(directions, kernel=Gaussian(0.5)).value
    stretched = points * rng.uniform(0.1, 1e3, size=(150, 1))
    assert dse(stretched, kernel=Cosine(0.5)).value == pytest.approx(expected, abs=1e-9)


def test_the_neighbour_rule_is_the_mean_tenth_distance(blobs):
    points, _ = blobs
    distances = np.sqrt(((points[:, None, :] - points[None, :, :]) ** 2).sum(axis=2))
    expected = np.sort(distances, axis=1)[:, 10].mean()
    assert dse(points, kernel=Gaussian("knn")).settings.sigma == pytest.approx(expected, rel=1e-12)


def test_the_median_of_a_large_set_comes_from_a_seeded_subset(rng):
    points = rng.normal(size=(6000, 3))
    sigmas = [Gaussian("median").resolve(points, np.random.default_rng(seed)).sigma for seed in (0, 0, 1)]
    from scipy.spatial.distance import pdist

    exact = math.sqrt(np.median(pdist(points, "sqeuclidean")) / 2)
    assert sigmas[0] == sigmas[1] != sigmas[2]
    assert sigmas[0] == pytest.approx(exact, rel=0.01)


class TestVerdict:
    @pytest.mark.parametrize("kernel", [AlphaDecay(), Gaussian()], ids=repr)
    def test_informative(self, blobs, kernel):
        assert dse(blobs[0], kernel=kernel).verdict == "informative"

    @pytest.mark.parametrize(("sigma", "word"), [(1e-3, "saturated"), (1e4, "collapsed")])
    def test_says_so_with_the_range_that_would_do(self, blobs, sigma, word):
        verdict = dse(blobs[0], kernel=Gaussian(sigma)).verdict
        assert verdict.startswith(word)
        low, high = (float(number) for number in verdict.rsplit("between about ", 1)[1].split(" and "))
        assert low < high
        for inside in (low * 1.2, high / 1.2):
            assert dse(blobs[0], kernel=Gaussian(inside)).verdict == "informative"
        for outside in (low / 1.2, high * 1.2):
            assert dse(blobs[0], kernel=Gaussian(outside)).verdict != "informative"

    def test_writes_the_range_as_people_do(self, blobs):
        assert "e+" not in dse(100.0 * blobs[0], kernel=Gaussian(1e-3)).verdict  # 420, not 4.2e+02

    @pytest.mark.parametrize("scale", [1e-318, 1e-323])
    def test_says_so_where_the_widths_that_would_do_end_with_the_numbers(self, blobs, scale):
        found = dse(blobs[0] * scale, kernel=Gaussian(10.0))
        assert found.value == 0.0
        low, high = (float(number) for number in found.verdict.rsplit("between about ", 1)[1].split(" and "))
        assert 0.0 < low < high < 1e3 * scale

    def test_is_about_the_time_of_the_value(self, rng):
        for kernel in (AlphaDecay(), Gaussian()):
            verdict = dse(rng.normal(size=(100, 3)), kernel=kernel, t=1e6).verdict
            assert verdict.startswith("collapsed: all points are one cluster (entropy at t = 1e+06 is 0.0% of log n)")
            assert verdict.endswith("; take a smaller t")

    def test_equal_points(self):
        assert dse(np.ones((12, 2))).verdict == "collapsed: all points are equal, so the entropy is 0 for every kernel"

    def test_a_kernel_without_width_gets_other_advice(self, rng):
        affinity = np.eye(30)
        verdict = dse(affinity, kernel=Precomputed()).verdict
        assert verdict.startswith("saturated")
        assert verdict.endswith("measure with Gaussian(), whose sigma can be chosen")


INPUTS = {
    "float16": lambda x: x.astype(np.float16),
    "float32": lambda x: x.astype(np.float32),
    "non-contiguous": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
    "Fortran": np.asfortranarray,
    "list": lambda x: x.tolist(),
}


@pytest.mark.parametrize("convert", INPUTS.values(), ids=INPUTS)
def test_inputs_that_work(rng, convert):
    points = rng.integers(-8, 9, size=(40, 3)).astype(float)  # exact in float16
    assert dse(convert(points), kernel=Gaussian(2.0)).value == pytest.approx(
        dse(points, kernel=Gaussian(2.0)).value, abs=1e-12
    )


def test_integers_pandas_memmap_and_half_precision_tensors_work(rng, tmp_path):
    import pandas
    import torch

    points = rng.integers(-8, 9, size=(40, 3))
    expected = dse(points.astype(float)).value
    np.save(tmp_path / "points.npy", points)
    mapped = np.load(tmp_path / "points.npy", mmap_mode="r")
    for given in (points, points.astype(np.int8), pandas.DataFrame(points), mapped, torch.tensor(points).bfloat16()):
        assert dse(given).value == pytest.approx(expected, abs=1e-12)


def test_input_is_never_changed(blobs):
    points, _ = blobs
    before = points.copy()
    affinity = definitions.gaussian(points, 2.0)
    kept = affinity.copy()
    dse(points)
    dse(points, kernel=Gaussian())
    dse(affinity, kernel=Precomputed())
    assert np.array_equal(points, before)
    assert np.array_equal(affinity, kept)


BAD = [
    (np.zeros(5), r"points must have shape \(n, d\), got \(5,\); for n points of one feature use points\[:, None\]"),
    (np.zeros((3, 2, 2)), r"points must have shape \(n, d\), got \(3, 2, 2\); flatten or pool the trailing axes first"),
    (np.zeros((1, 3)), r"at least 2 points with at least 1 feature, got shape \(1, 3\)"),
    (np.zeros((0, 3)), r"at least 2 points .* got shape \(0, 3\)"),
    (np.zeros((4, 0)), r"got shape \(4, 0\)"),
    (np.array([[1.0], [np.nan], [np.inf]]), r"finite, got 1 NaN and 1 infinite values in 2 of 3 rows"),
    (np.zeros((3, 2), dtype=complex), r"real numbers \(float, integer or bool\), got dtype complex128"),
    (np.array([[1, "a"], [2, "b"]], dtype=object), r"got 'a' at \[0, 1\]; convert or remove it"),
    ([[1.0, 2.0], [3.0]], r"rectangular array of numbers"),
    (None, r"got None; load or convert it first"),
]


@pytest.mark.parametrize(("points", "text"), BAD)
def test_bad_points(points, text):
    with pytest.raises(InputError, match=text) as caught:
        dse(points)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("sigma", [0, -1.0, math.nan, math.inf, None, "meridian"])
def test_bad_sigma(sigma):
    with pytest.raises(InputError, match=r"sigma must be a positive number.*got"):
        Gaussian(sigma)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"t": 0}, r"t must be a positive number, got 0; t = 1 is one step"),
        ({"t": math.nan}, r"t must be a positive number, got nan"),
        ({"t": "x"}, r"t must be a positive number, got 'x'"),
        ({"alpha": 1.5}, r"alpha must lie in \[0, 1\], got 1.5; the paper uses 0.5"),
        ({"alpha": -0.1}, r"alpha must lie in \[0, 1\], got -0.1"),
        ({"alpha": None}, r"alpha must lie in \[0, 1\], got None"),
        ({"kernel": Gaussian}, r"kernel must be a kernel such as Gaussian\(sigma=10.0\), got <class"),
        ({"kernel": "gaussian"}, r"kernel must be a kernel such as"),
        ({"solver": Exact}, r"solver must be a solver such as Exact\(\), got <class"),
        ({"kernel": Cosine()}, r"Cosine needs a direction for every point, got 1 zero vectors"),
        ({"kernel": AlphaDecay(50)}, r"AlphaDecay\(neighbors=50, decay=40.0\) needs more than 50 points, got 5; lower"),
        ({"kernel": SelfTuning(50)}, r"SelfTuning\(neighbors=50\) needs more than 50 points, got 5; lower neighbors"),
        ({"kernel": Gaussian("knn")}, r"the rule 'knn' needs more than k = 10 points, got 5"),
        ({"kernel": Precomputed()}, r"Precomputed affinities must be a square \(n, n\) matrix, got shape \(5, 2\)"),
    ],
)
def test_bad_settings(settings, text):
    points = np.arange(10.0).reshape(5, 2)
    points[0] = 0.0
    with pytest.raises(InputError, match=text):
        dse(points, **settings)


@pytest.mark.parametrize(
    ("matrix", "kernel", "text"),
    [
        ([[1.0, 0.5], [0.4, 1.0]], Precomputed(), "must be symmetric, got entries that differ by 0.1"),
        ([[1.0, -0.5], [-0.5, 1.0]], Precomputed(), "must be non-negative, got a minimum of -0.5"),
        ([[0.0, 0.0], [0.0, 1.0]], Precomputed(), "positive sum in every row"),
        ([[1.0, 2.0], [2.0, 0.0]], Precomputed(of="distances"), "zero diagonal"),
    ],
)
def test_bad_precomputed(matrix, kernel, text):
    with pytest.raises(InputError, match=text):
        dse(np.array(matrix), kernel=kernel)


def test_too_many_points_say_how_much_memory_they_need(monkeypatch):
    points = np.arange(10_000_000, dtype=np.float32)[:, None]
    from diffspec import TooLargeError

    with pytest.raises(
        TooLargeError,
        match=r"the 10000000 x 10000000 affinity array needs 800000000000000 bytes \(745058.1 GiB\) and \d+ bytes \(",
    ):
        dse(points, kernel=Gaussian(1.0))


def test_counts_and_orders_out_of_range(blobs):
    s = spectrum(blobs[0], kernel=Gaussian())
    with pytest.raises(InputError, match="q must be at least 0, got -1"):
        s.renyi(q=-1)
    with pytest.raises(InputError, match=r"floor must lie in \[0, 1\), got 1"):
        s.count(floor=1)
    with pytest.raises(InputError, match="has no entropy unit"):
        s.count().to("nat").effective_rank  # noqa: B018
