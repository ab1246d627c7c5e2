"""Graph Fourier entropy against its definition, and what it refuses."""

import math
import re

import numpy as np
import pytest

import definitions
from diffspec import Estimate, Gaussian, InputError, Literal
from diffspec.baselines import fourier_entropy, fourier_information

WIDE = Gaussian(1.5)


def textbook(points, signal, alpha, top):
    """From the right eigenvectors of P itself: A = D^(1/2) P D^(-1/2) has the eigenvectors D^(1/2) psi."""
    matrix = definitions.diffusion_matrix(definitions.gaussian(points, 1.5), alpha)
    values, right = np.linalg.eig(matrix)
    stationary = np.linalg.matrix_power(matrix, 4096)[0]
    vectors = np.sqrt(stationary)[:, None] * right.real
    vectors /= np.linalg.norm(vectors, axis=0)
    order = np.argsort(-np.abs(values.real))[1 : top + 1]
    energy = ((vectors[:, order].T @ signal) ** 2).sum(axis=1)
    return definitions.entropy_bits(energy / energy.sum())


@pytest.mark.parametrize("alpha", [0.0, 0.5])
@pytest.mark.parametrize("top", [None, 1, 7])
def test_entropy_is_its_definition(rng, alpha, top):
    points, signal = rng.normal(size=(25, 2)), rng.normal(size=(25, 3))
    found = fourier_entropy(points, values=signal, top=top, kernel=WIDE, alpha=alpha)
    assert found.value == pytest.approx(textbook(points, signal, alpha, top or 24), abs=1e-6)
    assert found.ceiling == pytest.approx(math.log2(top or 24))
    own = fourier_entropy(points, top=top, kernel=WIDE, alpha=alpha)
    assert own.value == pytest.approx(textbook(points, points, alpha, top or 24), abs=1e-6)


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_the_scale_of_the_signal_does_not_matter(rng, scale):
    points, signal = rng.normal(size=(40, 2)), rng.normal(size=(40, 2))
    expected = fourier_entropy(points, values=signal).value
    assert fourier_entropy(points, values=scale * signal).value == pytest.approx(expected, abs=1e-9)


def test_smooth_signals_are_simple_and_noise_is_not(rng):
    points = rng.uniform(size=(200, 1))
    kernel = Gaussian(0.05)
    smooth = fourier_entropy(points, values=np.cos(np.pi * points), kernel=kernel)
    noise = fourier_entropy(points, values=rng.normal(size=(200, 1)), kernel=kernel)
    assert smooth.value < 1.0 < 5.0 < noise.value < noise.ceiling


def test_information_is_the_difference_of_entropies(blobs):
    points, labels = blobs
    found = fourier_information(points, labels, estimator=Literal(), kernel=WIDE, top=9)
    parts = [fourier_entropy(points[labels == k], kernel=WIDE, top=9).value for k in range(3)]
    assert found.value == pytest.approx(fourier_entropy(points, kernel=WIDE, top=9).value - np.mean(parts), abs=1e-6)
    assert fourier_information(points, labels, kernel=WIDE).stderr > 0
    assert fourier_information(points, labels, kernel=WIDE) == fourier_information(points, labels, kernel=WIDE)
    assert found.settings.method == "fourier_information(top=9)"
    assert Estimate.from_json(found.to_json()) == found


@pytest.mark.parametrize(
    ("attempt", "text"),
    [
        (lambda x: fourier_entropy(x, top=0), "top must be an integer from 1 to 29, got 0"),
        (lambda x: fourier_entropy(x, top=30), "top must be an integer from 1 to 29, got 30"),
        (lambda x: fourier_entropy(x, values=x[:9]), "values must have one row per point, got 9 for 30 points"),
        (lambda x: fourier_entropy(x, values=x * np.nan), "values must be finite"),
        (lambda x: fourier_entropy(x, values=x * 0), "the signal must vary along the 29 eigenvectors asked for"),
        (lambda x: fourier_information(x, np.arange(30) // 15, top=15), "top must be an integer from 1 to 14, got 15"),
        (lambda x: fourier_information(x, x[:, 0]), "floats may be classes or a continuous quantity"),
        (lambda x: fourier_information(x, np.zeros(30, dtype=int)), "labels must hold at least 2 classes"),
    ],
)
def test_bad_input(rng, attempt, text):
    with pytest.raises(InputError, match=re.escape(text)):
        attempt(rng.normal(size=(30, 2)))
