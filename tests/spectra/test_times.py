"""Rules for t: each against its definition on spectra that are known."""

import math

import numpy as np
import pytest

from diffspec import AlphaDecay, Gaussian, InputError, Lanczos, choose_time, spectrum
from diffspec.spectra.spectrum import Spectrum, count, shannon
from diffspec.spectra.times import FixedTime, Knee, ShareAbove


def known(nodes, weights=None):
    nodes = np.asarray(nodes, dtype=float)
    weights = np.ones_like(nodes) if weights is None else np.asarray(weights, dtype=float)
    return Spectrum(nodes=nodes, weights=weights, n=int(weights.sum()))


def brute_force_knee(entropies):
    """The breakpoint of the best pair of straight lines, by NumPy's polynomial fit."""

    def misfit(times, values):
        return np.sum((np.polyval(np.polyfit(times, values, 1), times) - values) ** 2)

    times = np.arange(1, len(entropies) + 1)
    costs = {
        at: misfit(times[:at], entropies[:at]) + misfit(times[at - 1 :], entropies[at - 1 :])
        for at in range(2, len(entropies))
    }
    return min(costs, key=costs.get)


def test_knee_is_the_best_pair_of_lines(blobs):
    s = spectrum(blobs[0], kernel=AlphaDecay())
    for longest in (5, 20, 60):
        curve = np.array([shannon(s, t) for t in range(1, longest + 1)])
        assert Knee(longest)(s) == brute_force_knee(curve)


def test_knee_separates_noise_from_clusters():
    """Of 3 eigenvalues of 1 and 97 of 0.3 only the 3 are left after some steps: the curve is flat from there."""
    t = choose_time(known([1.0] * 3 + [0.3] * 97), "knee")
    assert 3 <= t <= 8
    assert shannon(known([1.0] * 3 + [0.3] * 97), t) == pytest.approx(math.log(3), abs=0.25)


def test_share_is_the_smallest_time_that_does(blobs):
    s = spectrum(blobs[0], kernel=AlphaDecay(neighbors=10))
    for rule in (ShareAbove(share=0.1), ShareAbove(share=0.05, floor=0.2)):
        t = rule(s)
        allowed = rule.share * s.n
        assert count(s, t * 1.0001, rule.floor) <= allowed
        assert count(s, t * 0.999, rule.floor) > allowed


def test_share_of_weighted_nodes():
    """The first of 200 eigenvalues may stay; the next, of which there are 99, has to fall to 0.01."""
    t = ShareAbove()(known([1.0, 0.9, 0.5, 0.1], [1, 1, 99, 99]))
    assert t == pytest.approx(math.log(0.01) / math.log(0.5))


def test_share_of_a_spectrum_that_has_fallen_already():
    assert ShareAbove()(known([1.0] + [0.0] * 199)) == 1.0


def test_of_a_stochastic_spectrum(rng):
    points = rng.normal(size=(400, 2))
    exact, found = (spectrum(points, kernel=Gaussian(0.5), solver=solver) for solver in (None, Lanczos()))
    assert choose_time(found, "knee") == choose_time(exact, "knee")


def test_numbers_and_rules():
    s = known([1.0, 0.5])
    assert choose_time(s, 2.5) == choose_time(s, FixedTime(2.5)) == 2.5
    assert choose_time(s, Knee(10)) == Knee(10)(s)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: choose_time(known([1.0]), "elbow"), "t must be a positive number or one of knee, share, got 'elbow'"),
        (lambda: choose_time(known([1.0]), 0.0), "t must be a positive number, got 0.0"),
        (lambda: FixedTime(-1.0), "t must be a positive number, got -1.0"),
        (lambda: Knee(2), "longest must be an integer of at least 3, got 2"),
        (lambda: ShareAbove(share=1.0), "share must lie between 0 and 1, got 1.0"),
        (lambda: ShareAbove(floor=0.0), "floor must lie between 0 and 1, got 0.0"),
        (
            lambda: ShareAbove()(known([1.0] * 200)),
            r"more than 1% of the eigenvalues are 1 .* so no t brings them below the floor; use a wider kernel",
        ),
    ],
)
def test_what_cannot_be_used(call, text):
    with pytest.raises(InputError, match=text):
        call()
