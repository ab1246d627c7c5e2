"""Gram-matrix, adjacency, entry and joint entropies: textbook formulas, the drop-in, what they refuse."""

import math

import numpy as np
import pytest

import definitions
import definitions_baselines as textbook
from diffspec import Cosine, Estimate, Gaussian, InputError, Labels, Literal, Precomputed, SelfTuning, Thresholded
from diffspec.baselines import (
    Nearest,
    adjacency_entropy,
    adjacency_information,
    entry_entropy,
    entry_information,
    gram_entropy,
    gram_information,
    joint_information,
    vendi_score,
)
from diffspec.baselines.spectral import graphs
from diffspec.measures.entropy import dse
from diffspec.released import adjacency_spectral_entropy, diffusion_spectral_entropy

BITS = 1.0 / math.log(2.0)
WIDTH = 2.5


@pytest.fixture
def kernel(blobs):
    return definitions.gaussian(blobs[0], WIDTH)


# Gram matrices


@pytest.mark.parametrize("order", [0.5, 1, 1.01, 2, 7.5])
def test_gram_entropy_is_its_formula(blobs, kernel, order):
    found = gram_entropy(blobs[0], kernel=Gaussian(WIDTH), order=order)
    # At order 1/2 the many tiny eigenvalues weigh, whose digits are rounding.
    assert found.value == pytest.approx(textbook.gram_entropy(kernel, order) * BITS, abs=1e-9 if order >= 1 else 1e-3)
    assert found.ceiling == pytest.approx(math.log2(150))


def test_gram_entropy_near_order_one_is_that_of_order_one(blobs):
    near, at = (gram_entropy(blobs[0], order=order).value for order in (1 + 1e-6, 1))
    assert near == pytest.approx(at, abs=1e-5)


@pytest.mark.parametrize("order", [1, 2])
def test_gram_information_is_its_formula(blobs, kernel, order):
    points, labels = blobs
    same = (labels[:, None] == labels[None, :]).astype(float)
    parts = (textbook.gram_entropy(each, order) for each in (kernel, same, kernel * same))
    expected = math.fsum(sign * part for sign, part in zip((1, 1, -1), parts, strict=True)) * BITS
    found = gram_information(points, labels, kernel=Gaussian(WIDTH), order=order)
    assert found.value == pytest.approx(expected, abs=1e-9)
    assert found.ceiling == pytest.approx(math.log2(3))
    as_text = gram_information(points, labels.astype(str), kernel=Gaussian(WIDTH), order=order)
    assert as_text.value == pytest.approx(expected, abs=1e-9)


def test_gram_information_of_a_continuous_reference_is_its_formula(blobs, kernel, rng):
    points, _labels = blobs
    scalar = points[:, 0] + rng.normal(size=150)
    other = definitions.gaussian(scalar[:, None], 0.7)
    parts = (textbook.gram_entropy(each, 1) for each in (kernel, other, kernel * other))
    expected = math.fsum(sign * part for sign, part in zip((1, 1, -1), parts, strict=True)) * BITS
    found = gram_information(points, scalar, kernel=Gaussian(WIDTH), reference_kernel=Gaussian(0.7))
    assert found.value == pytest.approx(expected, abs=1e-9)
    assert "reference_kernel=Gaussian(sigma=0.7)" in found.settings.method


def test_a_kernel_is_brought_to_a_diagonal_of_ones(rng):
    matrix = np.abs(rng.normal(size=(6, 6)))
    matrix = matrix @ matrix.T
    expected = textbook.gram_entropy(matrix, 2) * BITS
    assert gram_entropy(matrix, kernel=Precomputed(), order=2).value == pytest.approx(expected, abs=1e-12)


def test_vendi_score_counts_distinct_points(rng):
    assert vendi_score(np.tile([1.0, 2.0], (9, 1))).value == pytest.approx(1.0, abs=1e-12)
    assert vendi_score(np.eye(7)).value == pytest.approx(7.0)
    assert vendi_score(np.repeat(np.eye(4), 5, axis=0), order=2).value == pytest.approx(4.0)
    assert vendi_score(1e200 * np.repeat(np.eye(4), [1, 2, 3, 4], axis=0)).unit == "count"
    assert float(vendi_score(np.arange(20.0)[:, None], kernel=Gaussian(1e-3))) == pytest.approx(20.0)


@pytest.mark.parametrize("shape", [(30, 5), (5, 30)])
def test_vendi_score_is_its_formula_on_the_smaller_side(rng, shape):
    points = rng.normal(size=shape) + 0.5
    directions = points / np.linalg.norm(points, axis=1, keepdims=True)
    expected = math.exp(textbook.gram_entropy(directions @ directions.T, 1))
    assert vendi_score(points).value == pytest.approx(expected, rel=1e-9)
    assert vendi_score(points * 10.0 ** np.arange(shape[0])[:, None]).value == pytest.approx(expected, rel=1e-9)


# Adjacency


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"graph": Gaussian(WIDTH)}, {}),
        ({"graph": Gaussian(WIDTH), "alpha": 0.5}, {"anisotropic": True}),
        ({"graph": Nearest(10)}, {"use_knn": True, "knn": 10}),
    ],
    ids=["gaussian", "anisotropic", "nearest"],
)
def test_adjacency_entropy_is_that_of_the_drop_in(blobs, ours, theirs):
    expected = adjacency_spectral_entropy(blobs[0], gaussian_kernel_sigma=WIDTH, **theirs)
    assert adjacency_entropy(blobs[0], **ours).value == pytest.approx(expected, abs=1e-5)


def test_eigenvalues_of_a_directed_graph_are_those_of_its_parts(rng):
    parts = [rng.uniform(size=(size, size)) for size in (4, 1, 6)]
    parts = [part + part.T for part in parts]
    matrix = np.zeros((11, 11))
    for start, part in zip((0, 4, 5), parts, strict=True):
        matrix[start : start + len(part), start : start + len(part)] = part
    matrix[0, 4], matrix[4, 9], matrix[1, 7] = 1.0, 1.0, 1.0  # one way only
    order = rng.permutation(11)
    expected = np.sort(np.concatenate([np.abs(np.linalg.eigvalsh(part)) for part in parts]))
    assert np.sort(graphs._moduli(matrix[np.ix_(order, order)])) == pytest.approx(expected, abs=1e-12)


def test_adjacency_entropy_is_its_formula(blobs, kernel):
    density = kernel.sum(axis=1)
    for alpha in (0.0, 0.3):
        eigenvalues = np.linalg.eigvalsh(kernel / np.outer(density, density) ** alpha)
        expected = definitions.entropy_bits(definitions.probabilities(eigenvalues, 1))
        found = adjacency_entropy(blobs[0], graph=Gaussian(WIDTH), alpha=alpha)
        assert found.value == pytest.approx(expected, abs=1e-9)
        assert (found.settings.sigma, found.settings.alpha, found.settings.t) == (WIDTH, alpha, None)


def test_the_anisotropic_variant_is_the_plain_random_walk(blobs):
    expected = dse(blobs[0], kernel=Gaussian(), alpha=0.0, t=1.0)
    assert adjacency_entropy(blobs[0], alpha=0.5).value == pytest.approx(expected.value, abs=1e-9)


@pytest.mark.parametrize("graph", [Gaussian(), Gaussian(1.0), SelfTuning(5)], ids=repr)
def test_adjacency_information_tells_groups_from_chance(blobs, rng, graph):
    points, labels = blobs
    told, chance = (adjacency_information(points, each, graph=graph) for each in (labels, rng.permutation(labels)))
    assert told.value > 3 * abs(chance.value) + 0.1
    assert chance.value == pytest.approx(0.0, abs=max(0.1, 4 * chance.stderr))
    assert [group.n for group in told.groups] == [50, 50, 50]


def test_adjacency_information_of_nearest_neighbours_may_have_the_other_sign(blobs, rng):
    points, labels = blobs
    told, chance = (
        adjacency_information(points, each, graph=Nearest(10)).value for each in (labels, rng.permutation(labels))
    )
    assert told < -0.3  # as its docstring says
    assert chance == pytest.approx(0.0, abs=0.1)


def test_adjacency_information_is_the_difference_of_entropies(blobs):
    points, labels = blobs
    graph = Gaussian(WIDTH)
    inside = [adjacency_entropy(points[labels == k], graph=graph).value for k in range(3)]
    expected = adjacency_entropy(points, graph=graph).value - np.mean(inside)
    found = adjacency_information(points, labels, graph=graph, estimator=Literal())
    assert found.value == pytest.approx(expected, abs=1e-9)
    assert [group.conditional for group in found.groups] == pytest.approx(inside, abs=1e-9)


# Entries of the diffusion matrix


def test_entry_entropy_is_its_formula(blobs, kernel):
    for alpha in (0.0, 0.5):
        entries = definitions.diffusion_matrix(kernel, alpha).ravel() / 150
        found = entry_entropy(blobs[0], kernel=Gaussian(WIDTH), alpha=alpha)
        assert found.value == pytest.approx(definitions.entropy_bits(entries), abs=1e-9)
    released = diffusion_spectral_entropy(blobs[0], gaussian_kernel_sigma=WIDTH, matrix_entry_entropy=True)
    assert entry_entropy(blobs[0], kernel=Gaussian(WIDTH)).value == pytest.approx(released, abs=1e-6)


def test_entry_entropy_lies_between_log_n_and_twice_that(blobs):
    assert entry_entropy(blobs[0], kernel=Gaussian(1e-3)).normalized == pytest.approx(0.5)
    assert entry_entropy(blobs[0], kernel=Gaussian(1e9)).normalized == pytest.approx(1.0)


def test_entry_information_is_the_difference_of_entropies(blobs):
    points, labels = blobs
    inside = [entry_entropy(points[labels == k], kernel=Gaussian(WIDTH)).value for k in range(3)]
    found = entry_information(points, labels, kernel=Gaussian(WIDTH), estimator=Literal())
    assert found.value == pytest.approx(entry_entropy(points, kernel=Gaussian(WIDTH)).value - np.mean(inside), abs=1e-9)
    matched = entry_information(points, labels, kernel=Gaussian(WIDTH))
    assert matched.value < -0.5  # as its docstring says


# Labels appended


@pytest.mark.parametrize("separation", [0.8, 10.0])
def test_joint_information_is_that_of_appended_labels(blobs, separation):
    points, labels = blobs
    one_hot = separation * WIDTH * np.eye(3)[labels]
    parts = (definitions.dse(each, WIDTH, t=2.0) for each in (points, one_hot, np.hstack([points, one_hot])))
    expected = math.fsum(sign * part for sign, part in zip((1, 1, -1), parts, strict=True))
    found = joint_information(points, labels, kernel=Gaussian(WIDTH), separation=separation, t=2.0)
    assert found.value == pytest.approx(expected, abs=1e-9)
    assert found.settings.method == f"joint_information(separation={separation})"


def test_joint_information_of_separated_groups_is_their_number(blobs):
    points, labels = blobs
    found = joint_information(points * 100.0, labels, kernel=Gaussian(5.0))
    assert found.value == pytest.approx(math.log2(3), abs=1e-6)
    assert found.normalized == pytest.approx(1.0, abs=1e-6)


# What all have in common

POINTS = np.random.default_rng(0).normal(size=(40, 3))
TWO = np.repeat([0, 1], 20)

ENTROPIES = {"gram": gram_entropy, "vendi": vendi_score, "adjacency": adjacency_entropy, "entry": entry_entropy}
INFORMATIONS = {
    "gram": gram_information,
    "adjacency": adjacency_information,
    "entry": entry_information,
    "joint": joint_information,
}


@pytest.mark.parametrize("measure", ENTROPIES.values(), ids=ENTROPIES)
def test_entropies_of_any_scale_and_library(measure, to_library):
    expected = measure(POINTS).value
    for scale in (1e-300, 1.0, 1e300):
        found = measure(to_library(POINTS * scale))
        assert found.value == pytest.approx(expected, rel=1e-9)
        assert Estimate.from_json(found.to_json()) == found
        assert found.settings.method.startswith(measure.__name__)


@pytest.mark.parametrize("measure", INFORMATIONS.values(), ids=INFORMATIONS)
def test_informations_of_any_scale_and_kind_of_label(measure):
    expected = measure(POINTS, TWO).value
    assert measure(POINTS * 1e300, np.array(["one", "two"])[TWO]).value == pytest.approx(expected, abs=1e-9)
    found = measure(POINTS, TWO.astype(float), groups=Labels())
    assert found.value == pytest.approx(expected, abs=1e-12)
    assert found.settings.method.startswith(measure.__name__)
    assert found.settings.partition == "Labels()"


REFUSED = {
    "gram, nan": (lambda: gram_entropy(POINTS * np.nan), "points must be finite"),
    "gram, order": (lambda: gram_entropy(POINTS, order=0), "order must be a positive number, got 0"),
    "gram, order as text": (lambda: vendi_score(POINTS, order="two"), "order must be a positive number, got 'two'"),
    "gram, class": (lambda: gram_entropy(POINTS, kernel=Gaussian), "kernel must be a kernel such as"),
    "gram, sparse": (lambda: gram_entropy(POINTS, kernel=Thresholded(0.1)), "kernel must give a dense matrix, got"),
    "gram, hollow": (
        lambda: gram_entropy(np.ones((4, 4)) - np.eye(4), kernel=Precomputed()),
        "kernel must have a positive diagonal, got a minimum of 0",
    ),
    "gram, one class": (lambda: gram_information(POINTS, TWO * 0), "labels must hold at least 2 classes"),
    "gram, lengths": (lambda: gram_information(POINTS, TWO[:7]), "one entry per point, got 7 for 40"),
    "gram, scalar lengths": (lambda: gram_information(POINTS, POINTS[:7, 0]), "one entry per point, got 7 for 40"),
    "vendi, zero": (
        lambda: vendi_score(POINTS * (TWO[:, None] > 0)),
        "got 20 zero vectors",
    ),
    "vendi, one": (lambda: vendi_score(POINTS[:1]), "points must hold at least 2 points"),
    "adjacency, alpha": (lambda: adjacency_entropy(POINTS, alpha=2), r"alpha must lie in \[0, 1\]"),
    "adjacency, both": (lambda: adjacency_entropy(POINTS, graph=Nearest(3), alpha=0.5), "alpha must be 0 with Nearest"),
    "adjacency, few": (lambda: adjacency_entropy(POINTS, graph=Nearest(41)), r"knn must lie in 1..40 for 40 points"),
    "adjacency, small group": (
        lambda: adjacency_information(POINTS, TWO, graph=Nearest(21)),
        r"knn must lie in 1..20 for 20 points, got 21; lower knn or merge small groups",
    ),
    "adjacency, sparse": (lambda: adjacency_entropy(POINTS, graph=Thresholded(0.1)), "must give a dense matrix"),
    "adjacency, floats": (lambda: adjacency_information(POINTS, POINTS[:, 0]), "floats may be classes or a continuous"),
    "entry, vectors": (lambda: entry_information(POINTS, POINTS), "has no classes of its own"),
    "entry, kernel": (lambda: entry_entropy(POINTS, kernel="gaussian"), "kernel must be a kernel such as"),
    "entry, cosine": (lambda: entry_entropy(POINTS * 0, kernel=Cosine()), "got 40 zero vectors"),
    "joint, t": (lambda: joint_information(POINTS, TWO, t=0), "t must be a positive number, got 0"),
    "joint, apart": (
        lambda: joint_information(POINTS, TWO, separation=0),
        "separation must be a positive number, got 0",
    ),
    "joint, one class": (lambda: joint_information(POINTS, TWO * 0), "labels must hold at least 2 classes"),
}


@pytest.mark.parametrize(("attempt", "text"), REFUSED.values(), ids=REFUSED)
def test_what_lies_outside_the_domain_is_refused(attempt, text):
    with pytest.raises(InputError, match=text) as caught:
        attempt()
    assert "\n" not in str(caught.value)
