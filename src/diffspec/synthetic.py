"""Data whose truth is known: dimension, groups or mutual information. For tests, recipes and comparisons.

Everything is float64 NumPy and decided by `rng`, a seed or a generator; no global random state is read or written. The
generators of clouds, trees, blobs, corruption and mixes follow the simulated experiments of the paper.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np
from scipy.special import digamma, gammaln
from scipy.stats import norm

from diffspec._arrays import as_points, to_numpy
from diffspec._checks import Seed, generator_of, integer, is_word, legacy_seed, positive, real, shown
from diffspec.errors import InputError
from diffspec.points.labels import host, named_codes

__all__ = [
    "Pair",
    "additive_noise",
    "blobs",
    "cloud",
    "correlated",
    "corrupt",
    "half_cube",
    "spd_mix",
    "sphere",
    "spiral",
    "student",
    "swiss_roll",
    "torus",
    "tree",
    "wiggly",
]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Labels: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]

Law: TypeAlias = Literal["uniform", "gaussian"]


def cloud(
    n: int,
    dimension: int,
    *,
    ambient: int | None = None,
    law: Law = "uniform",
    noise_percent: float = 0.0,
    rng: Seed = 0,
) -> Floats:
    """`n` points of intrinsic dimension `dimension` in `ambient` dimensions, shape (n, ambient).

    The first `dimension` coordinates are U[-1, 1] or N(0, 1); all others are one common constant, drawn from N(0, 1).
    Then noise_percent / 100 x U[-1, 1] is added to every coordinate. Clouds of one seed that differ in the noise alone
    are the same points before it, and the noise differs by its factor only.
    """
    shape = (integer(n, "n", least=1), integer(dimension, "dimension", least=1))
    hint = f"the points have dimension {dimension}"
    ambient = integer(dimension if ambient is None else ambient, "ambient", least=dimension, hint=hint)
    if not is_word(law, ("uniform", "gaussian")):
        raise InputError(f"law must be 'uniform' or 'gaussian', got {shown(law)}")
    inner, rest, noise = generator_of(rng).spawn(3)
    points = np.full((n, ambient), rest.normal())
    points[:, :dimension] = inner.uniform(-1.0, 1.0, shape) if law == "uniform" else inner.normal(size=shape)
    return _noisy(points, noise_percent, noise)


def tree(
    branches: int, length: int, *, dimension: int = 20, noise_percent: float = 0.0, rng: Seed = 0
) -> tuple[Floats, Labels]:
    """Random-walk branches: points (branches x length, dimension) and the branch of each point, 0 .. branches - 1.

    The first branch is the running sum of `length` steps U[-1, 1]^dimension; every other one is a new walk that starts
    at a random point of the first. Then noise_percent / 100 x U[-1, 1] is added to every coordinate.
    """
    counts = {"branches": branches, "length": length, "dimension": dimension}
    branches, length, dimension = shape = tuple(integer(count, name, least=1) for name, count in counts.items())
    walk, noise = generator_of(rng).spawn(2)
    steps = walk.uniform(-1.0, 1.0, shape)
    walks = np.cumsum(steps, axis=1)
    walks[1:] += walks[0][walk.integers(length, size=branches - 1)][:, None, :]
    points = walks.reshape(branches * length, dimension)
    return _noisy(points, noise_percent, noise), np.repeat(np.arange(branches), length)


def blobs(
    n: int,
    centres: int,
    *,
    dimension: int = 2,
    std: float = 1.0,
    box: tuple[float, float] = (-10.0, 10.0),
    noise_percent: float = 0.0,
    rng: Seed = 0,
) -> tuple[Floats, Labels]:
    """Gaussian blobs of equal size about centres uniform in a cube: points (n, dimension) and the blob of each point.

    An integer `rng` gives what ``sklearn.datasets.make_blobs(random_state=rng)`` gives, before the noise.
    """
    from sklearn.datasets import make_blobs  # slow to import, needed here only

    points, labels = make_blobs(
        n_samples=integer(n, "n", least=1),
        n_features=integer(dimension, "dimension", least=1),
        centers=integer(centres, "centres", least=1),
        cluster_std=positive(std, "std"),
        center_box=_box(box),
        random_state=legacy_seed(rng),
    )
    return _noisy(points, noise_percent, generator_of(rng).spawn(1)[0]), labels.astype(np.int64)


def corrupt(labels: Any, share: float, *, rng: Seed = 0) -> np.ndarray[Any, Any]:
    """A copy of `labels`, shape (n,), where floor(share n) random entries are permuted among themselves.

    ``share = 1`` leaves no relation to the points; the sizes of the classes never change.
    """
    if not 0.0 <= real(share) <= 1.0:
        raise InputError(f"share must lie in [0, 1], got {shown(share)}")
    named_codes(labels)  # which refuses what is missing
    mixed = np.array(host(labels, "labels"))
    if mixed.ndim != 1:
        raise InputError(f"labels must have shape (n,), got {mixed.shape}; give one label per point")
    generator = generator_of(rng)
    chosen = generator.choice(len(mixed), size=math.floor(share * len(mixed)), replace=False)
    mixed[chosen] = mixed[generator.permutation(chosen)]
    return mixed


def spd_mix(n: int, identity: float, *, rng: Seed = 0) -> Floats:
    """A mix, identity x I + (1 - identity) x S with S a random symmetric positive definite matrix, shape (n, n).

    An integer `rng` gives S as ``sklearn.datasets.make_spd_matrix(n, random_state=rng)``. O(n^3).
    """
    from sklearn.datasets import make_spd_matrix  # slow to import, needed here only

    if not 0.0 <= real(identity) <= 1.0:
        raise InputError(f"identity must lie in [0, 1], got {shown(identity)}")
    n, identity = integer(n, "n", least=1), real(identity)
    mixed: Floats = (1.0 - identity) * make_spd_matrix(n, random_state=legacy_seed(rng))
    mixed[np.diag_indices(n)] += identity
    return mixed


def sphere(n: int, dimension: int, *, ambient: int | None = None, rng: Seed = 0) -> Floats:
    """Uniform points of the unit sphere of intrinsic dimension `dimension`, turned at random into `ambient` dimensions.

    Needs ambient >= dimension + 1, which is the default.
    """
    points, turn = generator_of(rng).spawn(2)
    raw = points.normal(size=(integer(n, "n", least=1), integer(dimension, "dimension", least=1) + 1))
    return _turned(raw / np.linalg.norm(raw, axis=1, keepdims=True), ambient, turn)


def torus(n: int, dimension: int, *, ambient: int | None = None, rng: Seed = 0) -> Floats:
    """Uniform points of a flat torus, the product of `dimension` unit circles, turned into `ambient` dimensions.

    Needs ambient >= 2 x dimension, which is the default.
    """
    points, turn = generator_of(rng).spawn(2)
    angles = points.uniform(0.0, 2.0 * math.pi, (integer(n, "n", least=1), integer(dimension, "dimension", least=1)))
    return _turned(np.concatenate([np.cos(angles), np.sin(angles)], axis=1), ambient, turn)


def swiss_roll(n: int, *, ambient: int | None = None, rng: Seed = 0) -> Floats:
    """Points of a rolled-up sheet of intrinsic dimension 2, turned at random into `ambient` dimensions (default 3).

    (a cos a, h, a sin a) with a in [1.5 pi, 4.5 pi] and h in [0, 21], uniform in a and h.
    """
    points, turn = generator_of(rng).spawn(2)
    angle = points.uniform(1.5 * math.pi, 4.5 * math.pi, integer(n, "n", least=1))
    height = points.uniform(0.0, 21.0, n)
    return _turned(np.stack([angle * np.cos(angle), height, angle * np.sin(angle)], axis=1), ambient, turn)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pair:
    """Draws of two variables whose mutual information is known."""

    x: Floats
    """Shape (n, d)."""
    y: Floats
    """Shape (n, m)."""
    bits: float
    """I(X; Y)."""

    def mapped(self, x: Callable[[Floats], Floats] | None = None, y: Callable[[Floats], Floats] | None = None) -> Pair:
        """The pair seen through one-to-one maps such as `half_cube`, which leave the information as it is."""
        return replace(self, x=self.x if x is None else x(self.x), y=self.y if y is None else y(self.y))


def correlated(n: int, *, dimension: int = 1, correlation: float = 0.8, rng: Seed = 0) -> Pair:
    """Two standard Gaussians of `dimension` coordinates each, x_i and y_i correlated, all else independent.

    I = -(dimension / 2) log2(1 - correlation^2).
    """
    generator = generator_of(rng)
    n, dimension = integer(n, "n", least=1), integer(dimension, "dimension", least=1)
    x, other = generator.normal(size=(2, n, dimension))
    correlation = _correlation(correlation)
    y = correlation * x + math.sqrt(1.0 - correlation**2) * other
    return Pair(x=x, y=y, bits=-dimension / 2.0 * math.log2(1.0 - correlation**2))


def student(n: int, *, dimension: int = 1, correlation: float = 0.8, degrees: float = 3.0, rng: Seed = 0) -> Pair:
    """`correlated` divided by one common chi variable: a multivariate Student t with `degrees` of freedom.

    I = I(Gaussian) + f(v) + f(v + 2 d) - 2 f(v + d) nats with v the degrees and f(a) = log Gamma(a/2) - (a/2) psi(a/2):
    the common factor makes the two dependent even at correlation 0 (Arellano-Valle, Contreras-Reyes and Genton, 2013).
    """
    # Below, a chi-squared variable is 0 in float64; above, the information is lost in differences of large numbers.
    if not 0.05 <= real(degrees) <= 1e6:
        raise InputError(f"degrees must lie in [0.05, 1e6], got {shown(degrees)}; use correlated for more")
    degrees, n, dimension = float(degrees), integer(n, "n", least=1), integer(dimension, "dimension", least=1)
    normal, chi = generator_of(rng).spawn(2)
    pair = correlated(n, dimension=dimension, correlation=correlation, rng=normal)
    scale = np.sqrt(degrees / chi.chisquare(degrees, size=(n, 1)))
    excess = _f(degrees) + _f(degrees + 2 * dimension) - 2.0 * _f(degrees + dimension)
    return Pair(x=pair.x * scale, y=pair.y * scale, bits=pair.bits + excess / math.log(2.0))


def additive_noise(n: int, *, width: float = 0.3, rng: Seed = 0) -> Pair:
    """X uniform on [0, 1] and Y = X + U[-width, width], both of shape (n, 1).

    I = width - log(2 width) nats up to a width of 1/2, 1 / (4 width) beyond.
    """
    width = positive(width, "width")
    if width > 1e300:
        raise InputError(f"width must be at most 1e300, got {width!r}: float64 ends there")
    generator = generator_of(rng)
    x = generator.uniform(0.0, 1.0, (integer(n, "n", least=1), 1))
    nats = width - math.log(2.0 * width) if width <= 0.5 else 0.25 / width
    return Pair(x=x, y=x + generator.uniform(-width, width, x.shape), bits=nats / math.log(2.0))


def half_cube(values: Floats) -> Floats:
    """The values x |x|^(1/2) of every entry: one-to-one, heavier tails; leaves mutual information as it is."""
    values = _entries(values)
    return values * np.sqrt(np.abs(values))


def wiggly(values: Floats) -> Floats:
    """The values x + 0.4 sin x + 0.2 sin(1.7 x + 1) + 0.03 sin(3.3 x - 2.5) of every entry: increasing everywhere."""
    values = _entries(values)
    return values + 0.4 * np.sin(values) + 0.2 * np.sin(1.7 * values + 1.0) + 0.03 * np.sin(3.3 * values - 2.5)


def spiral(values: Floats) -> Floats:
    """Each standard normal coordinate rolled up in a plane: (n, d) to (n, 2 d), one-to-one.

    With u = Phi(x) and a = 1.5 pi (1 + 2 u): (a cos a, a sin a) / 21.
    """
    angle = 1.5 * math.pi * (1.0 + 2.0 * norm.cdf(_entries(values)))
    return np.asarray(np.concatenate([angle * np.cos(angle), angle * np.sin(angle)], axis=1) / 21.0)


def _f(a: float) -> float:
    return float(gammaln(a / 2.0) - a / 2.0 * digamma(a / 2.0))


def _entries(values: Any) -> Floats:
    if np.abs(found := to_numpy(as_points(values, name="values"))).max() > 1e200:
        raise InputError("values must be at most 1e200 in size; divide them first")
    return found


def _box(box: Any) -> tuple[float, float]:
    """The sides of a cube, `box` checked."""
    sides = tuple(real(side) for side in box) if isinstance(box, list | tuple | np.ndarray) else ()
    if len(sides) != 2 or not -1e300 < sides[0] <= sides[1] < 1e300:
        raise InputError(f"box must be two numbers, the smaller one first, got {shown(box)}; default (-10.0, 10.0)")
    return sides


def _noisy(points: Floats, percent: float, rng: np.random.Generator) -> Floats:
    if not 0.0 <= real(percent) < math.inf:
        raise InputError(f"noise_percent must be at least 0, got {shown(percent)}; 50 adds U[-0.5, 0.5]")
    percent = float(percent)
    return points + percent / 100.0 * rng.uniform(-1.0, 1.0, points.shape) if percent else points


def _turned(points: Floats, ambient: int | None, rng: np.random.Generator) -> Floats:
    """`points` (n, d) by a random isometry in `ambient` dimensions; as they are without one."""
    d = points.shape[1]
    if ambient is None:
        return points
    ambient = integer(ambient, "ambient", least=d, hint="this surface needs as many")
    frame, _upper = np.linalg.qr(rng.normal(size=(ambient, d)))
    return np.asarray(points @ frame.T)


def _correlation(value: float) -> float:
    if not -1.0 < real(value) < 1.0:
        raise InputError(f"correlation must lie between -1 and 1, both excluded, got {shown(value)}")
    return float(value)
