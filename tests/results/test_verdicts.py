"""The verdict speaks about the value that it stands beside: its t, its n, its error; by one rule at every door."""

import numpy as np
import pytest

from diffspec import (
    Adjusted,
    Exact,
    Gaussian,
    Literal,
    Matched,
    adjusted_dsmi,
    compare,
    dse,
    dsmi,
    interval,
    permutation_test,
    profile,
    spectrum,
)
from diffspec.results.verdicts import (
    above_groups,
    beside,
    by_chance,
    by_p_value,
    few_points,
    kernel_state,
    tells_nothing,
)
from diffspec.training.measures import DSE, DSMI, Probe

torch = pytest.importorskip("torch")

CHANCE = "not told from chance: random groups of these sizes give as much"


def cloud(seed, n=120, d=4):
    return np.random.default_rng(seed).normal(size=(n, d))


def hubs(n=400, d=300, seed=0):
    """Ten classes of clouds around a few far hubs."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(10), n // 10)
    return rng.normal(size=(10, 2))[labels] * 30 + rng.normal(size=(n, 2)), labels


def first(verdict):
    return verdict.partition(":")[0]


def informations(points, labels, **walk):
    """The verdict of every door to an information; `profile` and the monitor at its own settings."""
    probe = Probe(torch.zeros(len(points), 1), labels)
    return {
        "dsmi": dsmi(points, labels, **walk),
        "literal": dsmi(points, labels, estimator=Literal(), **walk),
        "adjusted": adjusted_dsmi(points, labels, **walk),
        "permutation": permutation_test(points, labels, 39, **walk),
        "monitor": DSMI("Y")(points, probe, walk),
    }


def test_the_state_of_a_kernel_says_at_which_time_and_what_to_do():
    assert kernel_state(0.5, 1.0, first=0.5) == ""
    assert kernel_state(0.01, 1.0, first=0.01) == kernel_state(0.99, 2.0, first=0.99) == ""
    assert kernel_state(0.995, 3.0, first=0.999, advice=lambda: "do this") == (
        "saturated: every point is its own cluster (entropy at t = 3 is 99.5% of log n); do this"
    )
    assert kernel_state(0.001, 9.0, first=0.4, advice=lambda: "do this").endswith("0.1% of log n); take a smaller t")
    assert kernel_state(0.999, 0.1, first=0.4).endswith("; take a larger t")
    assert kernel_state(0.001, 1.0, first=0.001).endswith("; take a smaller t or a narrower kernel")


def test_the_first_doubt_speaks_and_none_is_informative():
    assert beside() == beside("", "informative") == "informative"
    assert beside("", "one", "two") == "one"


def test_what_tells_nothing():
    assert not tells_nothing("informative")
    assert not tells_nothing("above H(Y): 4 bit")
    words = ("saturated: x", "collapsed: x", "not told from chance: x", "too few points: x", "unknown: x")
    assert all(map(tells_nothing, words))


def test_few_points_and_small_groups():
    assert few_points(9).startswith("too few points: a value of 9 points says little")
    assert few_points(10) == few_points(20, [5] * 4) == few_points(20, [10, 4, 4, 2]) == ""
    assert few_points(20, [9, 4, 4, 3]).startswith("too few points: 11 of 20 lie in groups of fewer than 5, ")


def test_an_error_decides_what_is_chance_and_what_is_above_the_groups():
    assert by_chance(0.1, None) == by_chance(0.1, 0.049) == by_p_value(0.05, 0.05) == ""
    assert by_chance(0.1, 0.05) == f"{CHANCE} (0.1 ± 0.05 bit above them)"
    assert by_chance(-0.05, 0.03).startswith(CHANCE)
    assert by_chance(0.0, 0.0).startswith(CHANCE)
    assert by_p_value(0.06, 0.05) == f"{CHANCE} (p = 0.06 above 0.05)"
    assert above_groups(1.0, 1.0, None) == above_groups(1.1, 1.0, 0.05) == ""
    assert above_groups(4.19, 3.32, 0.1).startswith("above H(Y): 4.19 bit where the groups hold 3.32")
    assert above_groups(4.19, 3.32, 0.1).endswith("no share of them; take Adjusted(), which is")
    assert above_groups(4.19, 3.32, 0.1, adjusted=True).endswith("compare it with values of the same groups only")


@pytest.mark.parametrize("t", [1.0, 3.0, 30.0])
def test_an_entropy_is_judged_at_its_own_time(t):
    points = cloud(0)
    kernel = Gaussian(0.2)
    s = spectrum(points, kernel=kernel, t=1.0)
    value, alone = s.shannon(t), dse(points, kernel=kernel, t=t)
    share = value.normalized
    expected = "saturated" if share > 0.99 else "collapsed" if share < 0.01 else "informative"
    assert first(value.verdict) == first(alone.verdict) == expected
    assert first(s.renyi(2.0, t).verdict) in {"saturated", "collapsed", "informative"}
    assert first(s.count(t).verdict) == expected
    if expected != "informative":
        assert f"entropy at t = {t:g} is {share:.1%}" in value.verdict
    probe = Probe(torch.zeros(len(points), 1))
    assert first(DSE()(points, probe, {"kernel": kernel, "t": t}).verdict) == expected


def test_what_is_saturated_at_one_time_need_not_be_at_another():
    s = spectrum(cloud(0), kernel=Gaussian(0.2), t=3.0)
    verdicts = [first(s.shannon(t).verdict) for t in (0.01, 1.0, 1e3, 1e6)]
    assert verdicts[0] == "saturated"
    assert "informative" in verdicts
    order = ["saturated", "informative", "collapsed"]
    assert [order.index(word) for word in verdicts] == sorted(order.index(word) for word in verdicts)


def test_an_information_is_judged_at_its_own_time_in_every_door():
    points, labels = hubs(200)
    for t in (0.02, 3.0, 1e9):
        doors = informations(points, labels, kernel=Gaussian(0.5), t=t)
        found = {name: first(each.verdict) for name, each in doors.items()}
        assert found["dsmi"] == found["permutation"] == found["monitor"], (t, found)
        if t == 0.02:
            assert set(found.values()) <= {"saturated", "unknown"}, found


SEEDS = 12


@pytest.mark.parametrize("classes", [2, 4, 10])
@pytest.mark.parametrize("estimator", [Matched(5), Literal()], ids=repr)
def test_chance_is_told_as_chance(classes, estimator):
    told = []
    for seed in range(4 * SEEDS):
        labels = np.random.default_rng(seed).permutation(np.arange(200) % classes)
        told.append(first(dsmi(cloud(seed, n=200), labels, estimator=estimator).verdict))
    assert set(told) <= {"not told from chance", "informative"}
    assert told.count("informative") <= 0.15 * len(told)


def test_chance_is_told_as_chance_in_every_door():
    for seed in range(3):
        points, labels = cloud(seed), np.random.default_rng(seed + 50).integers(0, 3, size=120)
        if permutation_test(points, labels, 39).p_value < 0.3:
            continue
        found = informations(points, labels)
        assert {first(each.verdict) for each in found.values()} == {"not told from chance"}
        assert first(interval(points, labels).verdict) == "not told from chance"
        assert "a is not told from chance" in compare(points, points[:, :2], labels).verdict


def test_what_is_no_chance_is_informative_in_every_door():
    points, labels = cloud(0, n=150), np.repeat(np.arange(3), 50)
    points = points + 3.0 * labels[:, None]
    found = informations(points, labels)
    assert {first(each.verdict) for each in found.values()} <= {"informative", "above H(Y)"}
    assert found["dsmi"].verdict == found["permutation"].verdict == interval(points, labels).verdict == "informative"


def test_five_points_are_too_few_in_every_door():
    points, labels = cloud(0, n=5), np.array([0, 0, 0, 1, 1])
    found = [dse(points), *informations(points, labels).values(), *profile(points, labels).estimates()]
    assert {first(each.verdict) for each in found} == {"too few points"}


def test_groups_of_few_points_are_too_few():
    assert first(dsmi(cloud(0), np.arange(120) // 3).verdict) == "too few points"
    assert first(dsmi(cloud(0), np.arange(120) // 10).verdict) != "too few points"


def test_more_than_the_groups_hold_is_said_in_every_door():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 60)
    # One tight group beside a wide cloud: the matched subsets hold both, the groups one each.
    points = rng.normal(size=(120, 8)) * np.where(labels == 0, 1e-3, 1.0)[:, None]
    points[:60] = rng.normal(size=(1, 8)) * 1e-3
    walk = {"kernel": Gaussian(0.5), "t": 1.0}
    found = {"dsmi": dsmi(points, labels, **walk), "permutation": permutation_test(points, labels, 39, **walk)}
    for each in found.values():
        assert each.value > each.ceiling
        assert each.verdict.startswith(f"above H(Y): {each.value:.3g} bit where the groups hold 1, ")
        assert each.verdict.endswith("take Adjusted(), which is")
    adjusted = adjusted_dsmi(points, labels, **walk)
    over = adjusted.value > 1.0 + 2.0 * adjusted.stderr
    assert adjusted.verdict.startswith("above H(Y)") == over


def test_an_adjusted_value_above_the_groups_is_not_told_to_be_adjusted():
    labels = np.arange(120) % 2
    points = np.random.default_rng(0).normal(size=(120, 3)) + 5.0 * np.eye(2, 3)[labels]
    found = dsmi(points, labels, kernel=Gaussian(1.0), t=1, estimator=Adjusted())
    assert found.value > found.ceiling
    assert found.verdict.startswith("above H(Y)")
    assert found.verdict.endswith("compare it with values of the same groups only")


def test_one_repetition_and_one_line():
    points, labels = cloud(0, n=150), np.repeat(np.arange(3), 50)
    one = dsmi(points, labels, estimator=Matched(1))
    assert one.verdict.startswith("unknown: one repetition does not show what chance gives")
    for each in (dse(points), dsmi(points, labels), one, spectrum(points).count(), spectrum(points)):
        assert "\n" not in str(each)
    assert str(spectrum(points, kernel=Gaussian(2.0))).startswith("spectrum of 150 eigenvalues in 150 nodes from 1 to ")


def test_the_widths_of_a_profile_are_judged_as_an_entropy_is():
    points = cloud(0, n=60)
    found = profile(points, sigmas=[1e-3, 1.0, 1e3])
    for each in found.estimates():
        alone = dse(points, kernel=Gaussian(each.settings.sigma), t=1.0, solver=Exact())
        assert first(each.verdict) == first(alone.verdict)
    assert [first(each.verdict) for each in found.estimates()] == ["saturated", "informative", "collapsed"]
