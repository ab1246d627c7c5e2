"""What all public doors of a walk share: the same defaults, the same refusals, every seed passed on."""

import inspect

import numpy as np
import pytest

from diffspec import Exact, Gaussian, InputError, Lanczos, Literal, dse, dsmi, permutation_test, spectrum
from diffspec.measures.adjusted import adjusted_dsmi

DOORS = {
    "dse": lambda points, labels, **rest: dse(points, **rest),
    "spectrum": lambda points, labels, **rest: spectrum(points, **rest),
    "dsmi": dsmi,
    "literal": lambda points, labels, **rest: dsmi(points, labels, estimator=Literal(), **rest),
    "permutation_test": lambda points, labels, **rest: permutation_test(points, labels, 19, **rest),
    "adjusted_dsmi": adjusted_dsmi,
}


USUAL = {"alpha": 0.5, "t": None, "solver": None, "memory": None, "tol": 1e-3, "rng": 0}


@pytest.mark.parametrize("door", [dse, spectrum, dsmi, permutation_test, adjusted_dsmi])
def test_doors_have_the_same_defaults(blobs, door):
    points, labels = blobs
    found = {
        name: one.default for name, one in inspect.signature(door).parameters.items() if name in {*USUAL, "kernel"}
    }
    assert found == {"kernel": inspect.signature(dse).parameters["kernel"].default, **USUAL}
    given = (points[::5],) if door in (dse, spectrum) else (points[::5], labels[::5])
    assert repr(door(*given)) == repr(door(*given, **found))


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"kernel": Gaussian}, "kernel must be a kernel such as Gaussian"),
        ({"kernel": 3.0}, "kernel must be a kernel such as Gaussian"),
        ({"solver": Lanczos}, "solver must be a solver such as Exact"),
        ({"solver": 3}, "solver must be a solver such as Exact"),
        ({"alpha": 2.0}, "alpha must lie in"),
        ({"t": -1.0}, "t must be a positive number"),
    ],
)
def test_doors_refuse_alike(blobs, door, settings, text):
    with pytest.raises(InputError, match=text):
        door(*blobs, **{"kernel": Gaussian(6.0), **settings})


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_every_decomposition_draws_its_own_probes_from_the_seed_given(blobs, door):
    def draws(seed):
        found = []

        def solver(operator, rng):
            found.append(int(rng.integers(2**62)))
            return Exact()(operator, rng)

        door(*blobs, kernel=Gaussian(6.0), solver=solver, rng=seed)
        return found

    one, again, other = draws(1), draws(1), draws(2)
    assert sorted(one) == sorted(again)
    assert len(set(one)) == len(one)
    assert not set(one) & set(other)


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_settings_name_what_was_asked_for(blobs, door):
    solver = Lanczos(tol=None, most=99)
    settings = door(*blobs, kernel=Gaussian(6.0), alpha=0.25, t=2.5, solver=solver, rng=7).settings
    assert (settings.alpha, settings.t, settings.solver, settings.seed) == (0.25, 2.5, repr(solver), 7)
    assert (settings.sigma, settings.rule, settings.library) == (6.0, None, "numpy on cpu")
    assert door(*blobs, kernel=Gaussian(6.0)).settings.dtype == "float64"
    assert door(*blobs, kernel=Gaussian("median"), rng=np.random.default_rng(7)).settings.seed is None
    assert door(*blobs, kernel=Gaussian("median")).settings.rule == "median"


def test_information_and_its_adjusted_form_have_the_same_groups(blobs):
    walk = {"kernel": Gaussian(6.0), "alpha": 0.25, "t": 2.0, "rng": 7}
    assert (
        adjusted_dsmi(*blobs, **walk).groups == dsmi(*blobs, **walk).groups != dsmi(*blobs, **walk | {"rng": 8}).groups
    )
