"""Settings with a name: what is the default, and that the paper's are one word away."""

import inspect

import numpy as np
import pytest

import diffspec
from diffspec import (
    AlphaDecay,
    Gaussian,
    SelfTuning,
    adjusted_dsmi,
    compare,
    conventions,
    dse,
    dsmi,
    interval,
    paper,
    permutation_test,
    spectrum,
)
from diffspec.measures.asked import asked
from diffspec.released import diffusion_spectral_entropy


@pytest.mark.parametrize("function", [dse, dsmi, spectrum, adjusted_dsmi, permutation_test, interval, compare])
def test_every_measure_has_the_defaults_of_the_convention(function):
    given = inspect.signature(function).parameters
    found = {name: given[name].default for name in conventions.default}
    assert found == {**conventions.default, "t": None}
    assert asked(found["kernel"], alpha=0.5, t=None).t == conventions.default["t"]


def test_the_time_goes_with_the_kernel(blobs):
    points, labels = blobs
    for kernel, time in ((AlphaDecay(4), 3.0), (Gaussian(), 1.0), (SelfTuning(), 1.0), (paper["kernel"], 1.0)):
        assert dse(points, kernel=kernel).settings.t == time
        assert dsmi(points, labels, kernel=kernel).settings.t == time
        assert adjusted_dsmi(points, labels, kernel=kernel).settings.t == time
        assert interval(points, kernel=kernel, resamples=10).settings.t == time
    assert permutation_test(points, labels, 19, kernel=Gaussian()).settings.t == 1.0
    assert compare(points, points, kernel=Gaussian(), resamples=10).first_settings.t == 1.0


def test_the_settings_of_the_paper_and_of_its_package(blobs):
    points, _labels = blobs
    assert dse(points, **paper).value == dse(points, kernel=Gaussian(10.0), alpha=0.5, t=1.0).value
    released = dse(points, **conventions.released).value
    assert released == pytest.approx(diffusion_spectral_entropy(points), abs=1e-6)
    assert diffspec.paper is conventions.paper
    with pytest.raises(TypeError):
        paper["t"] = 2.0


def test_a_spectrum_answers_at_the_time_it_was_asked_for(blobs):
    points, _labels = blobs
    found = spectrum(points, t=2.0)
    for name in ("shannon", "count"):
        ours, named = getattr(found, name)(), getattr(found, name)(t=2.0)
        assert (ours.value, ours.settings.t) == (named.value, 2.0)
    assert found.renyi(2.0).value == found.renyi(2.0, t=2.0).value
    assert found.effective_rank() == found.effective_rank(t=2.0) != found.effective_rank(t=1.0)
    assert spectrum(points).shannon().value == dse(points).value


def test_defaults_do_not_follow_the_scale(blobs):
    points, labels = blobs
    assert dse(1000.0 * points).value == pytest.approx(dse(points).value, abs=1e-9)
    assert dsmi(points - 5.0, labels).value == pytest.approx(dsmi(points, labels).value, abs=1e-9)
    assert np.isfinite(dse(points).value)
