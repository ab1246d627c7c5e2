"""Neural baselines: known informations, bounds, determinism, nothing global, what they refuse."""

import math
import subprocess
import sys

import numpy as np
import pytest
import torch

import definitions_baselines as textbook
from diffspec import Bins, Estimate, InputError, Labels
from diffspec.baselines import Training, infonce, mine, nwj, smile
from diffspec.baselines.information import critic as _critic

BITS = 1.0 / math.log(2.0)
SHORT = Training(steps=300, hidden=(32, 16), batch=64, rate=5e-3)


def mine_biased(points, reference, **kept):
    return mine(points, reference, corrected=False, **kept)


ALL = {"mine": mine, "mine biased": mine_biased, "infonce": infonce, "nwj": nwj, "smile": smile}
each = pytest.mark.parametrize("estimator", ALL.values(), ids=ALL)


def correlated(rng, n, d, correlation):
    x, other = rng.normal(size=(2, n, d))
    return x, correlation * x + math.sqrt(1 - correlation**2) * other


@pytest.fixture
def scores(rng):
    return torch.asarray(rng.normal(size=(7, 7)))


# The bounds on given scores


def test_the_log_mean_over_other_pairs_is_its_formula(scores):
    others = scores.numpy()[~np.eye(7, dtype=bool)]
    assert float(_critic.log_mean_exp_of_pairs(scores)) == pytest.approx(math.log(np.exp(others).mean()))
    assert float(_critic.log_mean_exp_of_pairs(scores + 1000)) == pytest.approx(1000 + math.log(np.exp(others).mean()))


def test_the_objectives_are_their_formulas(scores):
    values = scores.numpy()
    own, others = np.diag(values), values[~np.eye(7, dtype=bool)]
    donsker = own.mean() - math.log(np.exp(others).mean())
    assert float(_critic.Donsker(0.0)(scores)) == pytest.approx(-donsker)
    among_all = np.mean(own - np.log(np.exp(values).mean(axis=1)))
    assert float(_critic.contrastive(scores)) == pytest.approx(-among_all)
    shannon = np.log1p(np.exp(-own)).mean() + np.log1p(np.exp(others)).mean()
    assert float(_critic.jensen_shannon(scores)) == pytest.approx(shannon)


def test_nwj_is_its_formula_and_below_the_bound_of_donsker_and_varadhan(scores, monkeypatch):
    bounds = []

    def kept(_measure, _method, bound, _task):
        bounds.append(bound(_critic))

    monkeypatch.setattr("diffspec.baselines.information.bounds.estimated", kept)
    nwj(None, None)
    mine(None, None, corrected=False)
    (objective, value), (_objective, donsker) = bounds
    values = scores.numpy()
    own, others = np.diag(values) + 1.0, values[~np.eye(7, dtype=bool)] + 1.0  # T is the critic's score plus 1
    assert float(value(scores)) == pytest.approx(own.mean() - np.exp(others - 1.0).mean())
    assert float(objective(scores)) == -float(value(scores))
    assert float(value(scores)) < float(donsker(scores))
    best = scores - _critic.log_mean_exp_of_pairs(scores)
    assert float(value(best)) == pytest.approx(float(donsker(scores)))


def test_the_moving_average_divides_the_gradient(scores):
    first, second = scores, (scores * 0.5).requires_grad_()
    objective = _critic.Donsker(0.9)
    objective(first)
    objective(second).backward()
    off = ~np.eye(7, dtype=bool)
    old, now = (np.exp(each.detach().numpy()[off]).mean() for each in (first, second))
    expected = np.where(off, np.exp(second.detach().numpy()) / 42 / (0.9 * old + 0.1 * now), -1 / 7)
    np.testing.assert_allclose(second.grad.numpy(), expected, rtol=1e-12)


# Known informations


@each
@pytest.mark.parametrize(("d", "correlation"), [(1, 0.9), pytest.param(4, 0.6, marks=pytest.mark.thorough)])
def test_the_information_of_gaussians_is_found(rng, estimator, d, correlation):
    expected = textbook.gaussian_information(d, correlation) * BITS
    found = estimator(*correlated(rng, 3000, d, correlation), training=SHORT)
    assert found.value == pytest.approx(expected, abs=0.3)
    assert found.unit == "bit"


@each
def test_independent_variables_carry_nothing(rng, estimator):
    assert estimator(*correlated(rng, 800, 3, 0.0), training=SHORT).value == pytest.approx(0.0, abs=0.1)


@each
def test_separated_labels_are_told_apart_in_many_dimensions(rng, estimator):
    labels = np.repeat(["a", "b", "c"], 200)
    points = rng.normal(size=(600, 300)) + rng.normal(size=(3, 300))[np.repeat([0, 1, 2], 200)] * 3.0
    found = estimator(points, labels, training=SHORT)
    assert found.value == pytest.approx(math.log2(3), abs=0.15)
    assert found.normalized == pytest.approx(found.value / math.log2(3))


def test_it_is_read_off_on_data_that_the_critic_never_saw(rng):
    # 60 random points in 500 dimensions can be learned by heart: on the training data every bound would be high.
    points, labels = rng.normal(size=(60, 500)), rng.integers(2, size=60)
    assert mine(points, labels, training=SHORT).value < 0.3


def test_infonce_says_where_its_bound_is_near(rng):
    x = rng.normal(size=(300, 1))
    near = infonce(x, x[:, 0], training=SHORT)
    assert near.value <= math.log2(60)
    free = infonce(*correlated(rng, 300, 1, 0.5), training=SHORT)
    assert free.verdict == ""
    quick = infonce(x, x[:, 0], training=Training(steps=1000, hidden=(32, 32), rate=1e-2, shares=(0.9, 0.08)))
    assert quick.verdict.startswith("saturated: no value above log2 K = 2.58 bit is possible")


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_scale_and_kind_of_input_do_not_matter(rng, scale):
    x, y = correlated(rng, 100, 2, 0.8)
    few = Training(steps=20, every=10)
    expected = mine(x, y, training=few).value
    assert mine(x * scale, torch.asarray(y * 4), training=few).value == pytest.approx(expected, abs=1e-4)


def test_labels_of_any_kind_are_the_same_classes(rng):
    x, y = correlated(rng, 100, 2, 0.9)
    few = Training(steps=40, every=10)
    classes = Bins(3)(y[:, 0]).codes
    expected = mine(x, classes, training=few)
    assert mine(x, np.array(["p", "q", "r"])[classes], training=few).value == expected.value
    assert mine(x, y[:, 0], groups=Bins(3), training=few).value == expected.value
    assert mine(x, classes.astype(float), groups=Labels(), training=few).value == expected.value
    assert mine(x, classes.astype(float), training=few).settings.partition is None


# Randomness


@each
def test_the_seed_decides_and_nothing_global_is_touched(rng, estimator):
    x, y = correlated(rng, 100, 2, 0.8)
    few = Training(steps=20, every=10)
    before = torch.random.get_rng_state(), torch.is_grad_enabled(), torch.get_default_dtype(), torch.get_num_threads()
    with torch.no_grad():
        first = estimator(x, y, training=few, rng=3)
    with torch.inference_mode():
        assert estimator(x, y, training=few, rng=3).value == first.value
    assert estimator(x, y, training=few, rng=4).value != first.value
    after = torch.random.get_rng_state(), torch.is_grad_enabled(), torch.get_default_dtype(), torch.get_num_threads()
    assert torch.equal(before[0], after[0])
    assert before[1:] == after[1:]
    assert first.settings.seed == 3
    assert estimator(x, y, training=few, rng=np.random.default_rng(3)).settings.seed is None
    assert Estimate.from_json(first.to_json()) == first


def test_repeats_are_averaged_and_give_an_error(rng):
    x, y = correlated(rng, 100, 2, 0.8)
    few = Training(steps=20, every=10)
    assert smile(x, y, training=few).stderr is None
    found = smile(x, y, training=few, repeats=3)
    assert found.stderr > 0
    assert "repeats=3" in found.settings.method
    assert smile(x, y, training=few, repeats=3).value == found.value


def test_training_stops_early(rng, monkeypatch):
    x, y = correlated(rng, 200, 2, 0.0)
    looks = []
    evaluated = _critic._evaluated
    monkeypatch.setattr(_critic, "_evaluated", lambda *given: looks.append(1) or evaluated(*given))
    mine(x, y, training=Training(every=10, patience=3, steps=10_000, rate=1e-2))
    assert len(looks) < 100


# What they refuse

POINTS = np.random.default_rng(0).normal(size=(60, 2))
TWO = np.repeat([0, 1], 30)

REFUSED = {
    "few": (lambda f: f(POINTS[:49], TWO[:49]), "a critic needs at least 50 points to train on .* got 49"),
    "nan": (lambda f: f(POINTS * np.nan, TWO), "points must be finite"),
    "alike": (lambda f: f(POINTS * 0, TWO), "points must differ, got all alike"),
    "constant reference": (lambda f: f(POINTS, POINTS[:, 0] * 0), "reference must vary, got one value"),
    "one class": (lambda f: f(POINTS, TWO * 0), "labels must hold at least 2 classes"),
    "lengths": (lambda f: f(POINTS, POINTS[:9]), "one entry per point, got 9 for 60"),
    "repeats": (lambda f: f(POINTS, TWO, repeats=0), "repeats must be an integer of at least 1, got 0"),
    "shares": (
        lambda f: f(POINTS, TWO, training=Training(shares=(0.98, 0.01))),
        r"shares = \(0.98, 0.01\) leave a set of fewer than 2 of 60 points",
    ),
}


@each
@pytest.mark.parametrize(("attempt", "text"), REFUSED.values(), ids=REFUSED)
def test_what_lies_outside_the_domain_is_refused(estimator, attempt, text):
    with pytest.raises(InputError, match=text):
        attempt(estimator)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"batch": 1}, "batch must be an integer of at least 2, got 1"),
        ({"steps": 0}, "steps must be an integer of at least 1, got 0"),
        ({"hidden": (8, 0)}, "hidden must be an integer of at least 1, got 0"),
        ({"hidden": ()}, "hidden must name the width of at least one layer"),
        ({"rate": 0.0}, "rate must be a positive number, got 0.0"),
        ({"shares": (0.5, 0.5)}, "shares must be two positive numbers that sum to less than 1"),
    ],
)
def test_a_training_that_cannot_be_is_refused(given, text):
    with pytest.raises(InputError, match=text):
        Training(**given)


def test_a_clip_that_is_not_positive_is_refused():
    with pytest.raises(InputError, match="clip must be a positive number, got -1"):
        smile(POINTS, TWO, clip=-1)


def test_a_training_that_diverged_gives_an_error_and_no_nan(rng):
    x, y = correlated(rng, 100, 2, 0.9)
    monstrous = Training(rate=1e30, steps=50, every=50, patience=1)
    found = mine(x, y, training=monstrous)
    assert math.isfinite(found.value)


def test_without_torch_the_extra_is_named():
    code = """
import sys
sys.modules["torch"] = None
import numpy as np
from diffspec.baselines import mine
from diffspec.errors import MissingExtraError
try:
    mine(np.eye(60), np.arange(60) % 2)
except MissingExtraError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == (
        "MINE information needs packages that are not installed; run: pip install 'diffspec[torch]'"
    )
