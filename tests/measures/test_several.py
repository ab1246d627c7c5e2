"""What several measures share gives each of them what it gives alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from diffspec import (
    Adjusted,
    AlphaDecay,
    Cosine,
    Estimate,
    Gaussian,
    InputError,
    Literal,
    Matched,
    NearestNeighbors,
    SelfTuning,
    dse,
    dsmi,
)
from diffspec.measures.several import Several
from diffspec.points.groups import Partition, partition_of
from effort import only

KERNELS = [AlphaDecay(), Gaussian(3.0), Gaussian(), Cosine(), SelfTuning()]


def given(n: int) -> tuple[np.ndarray[Any, Any], Partition]:
    rng = np.random.default_rng(2)
    labels = np.arange(n) % 4
    return rng.normal(size=(n, 5)) + 3.0 * rng.normal(size=(4, 5))[labels], partition_of(labels, None, n)


def same(ours: Estimate, alone: Estimate) -> None:
    """Equal but for rounding, which depends on where numbers lie in memory."""
    close = {"rel": 1e-9, "abs": 1e-12}
    assert ours.value == pytest.approx(alone.value, **close)
    assert (ours.stderr or 0.0) == pytest.approx(alone.stderr or 0.0, **close)
    assert (ours.settings, ours.verdict, ours.n) == (alone.settings, alone.verdict, alone.n)
    assert [one.conditional for one in ours.groups] == pytest.approx([one.conditional for one in alone.groups], **close)


@pytest.mark.parametrize("kernel", KERNELS, ids=repr)
def test_every_measure_is_what_it_is_alone(kernel: Any) -> None:
    points, groups = given(120)
    several = Several(points, kernel=kernel, alpha=0.25, t=2.0)
    walk: dict[str, Any] = {"kernel": kernel, "alpha": 0.25, "t": 2.0}
    # In an order in which each finds something, and something else not.
    for estimator in (Matched(3), Adjusted(), Matched(), Literal(), Adjusted(3)):
        same(several.information(groups, estimator), dsmi(points, groups, estimator=estimator, **walk))
    same(several.entropy(), dse(points, **walk))


def test_graphs_of_each_set_are_their_own() -> None:
    points, groups = given(120)
    several = Several(points, kernel=NearestNeighbors(5), t=2.0)
    same(several.entropy(), dse(points, kernel=NearestNeighbors(5), t=2.0))
    same(several.information(groups, Matched()), dsmi(points, groups, kernel=NearestNeighbors(5), t=2.0))
    with pytest.raises(InputError, match=r"Adjusted\(.*cuts the graph"):
        several.information(groups, Adjusted())


@pytest.mark.parametrize("estimator", only([Adjusted(), Matched()], Adjusted()))
def test_points_that_are_drawn_from_for_the_width_and_probes(estimator: Any) -> None:
    points, groups = given(4200)  # a width from 4096 of them, and Lanczos
    several, kernel = Several(points, kernel=Gaussian()), Gaussian()
    alone = dsmi(points, groups, estimator=estimator, kernel=kernel)
    ours = several.information(groups, estimator)
    assert ours.settings == alone.settings
    assert ours.value == pytest.approx(alone.value, abs=alone.stderr)
    same(several.entropy(), dse(points, kernel=kernel))


def test_copies_are_merged_for_the_entropy_and_not_in_the_groups() -> None:
    points, groups = given(120)
    points[40:] = points[:80:2].repeat(2, axis=0)
    several = Several(points)
    same(several.entropy(), dse(points))
    same(several.information(groups, Matched()), dsmi(points, groups))
    adjusted = dsmi(points, groups, estimator=Adjusted())
    assert several.information(groups, Adjusted()).value == pytest.approx(adjusted.value, abs=1e-9)


@pytest.mark.parametrize("t", [0.5, 1.0, 30.0])
@pytest.mark.parametrize("kernel", KERNELS, ids=repr)
def test_other_times_follow_from_what_is_there(kernel: Any, t: float) -> None:
    points, groups = given(120)
    several = Several(points, kernel=kernel)
    assert several.entropy_at(t) == pytest.approx(dse(points, kernel=kernel, t=t).value, abs=1e-9)
    for estimator in (Matched(), Adjusted(), Literal()):
        alone = dsmi(points, groups, estimator=estimator, kernel=kernel, t=t).value
        assert several.information_at(groups, estimator, t) == pytest.approx(alone, abs=1e-7)
    same(several.entropy(), dse(points, kernel=kernel))  # and the value at its own time stays


def test_a_kernel_that_tells_nothing_is_advised_on_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from diffspec.measures import entropy, information, several

    asked = list[str]()
    for place in (entropy, information, several):
        real = place.advice
        monkeypatch.setattr(place, "advice", lambda *given, real=real: asked.append("") or real(*given))
    points, groups = given(120)
    seen = Several(points, kernel=Gaussian(1e-3))
    found = [seen.entropy(), *(seen.information(groups, estimator) for estimator in (Matched(), Adjusted(), Literal()))]
    assert all("saturated" in one.verdict and "informative for sigma between" in one.verdict for one in found)
    assert len(asked) == 1


def test_a_kernel_that_tells_nothing_is_told_where_only_the_information_is_asked_for() -> None:
    points, groups = given(120)
    alone = dsmi(points, groups, kernel=Gaussian(1e-3))
    assert Several(points, kernel=Gaussian(1e-3)).information(groups, Matched()).verdict == alone.verdict
    assert "informative for sigma between" in alone.verdict


def test_points_that_cannot_be() -> None:
    with pytest.raises(InputError, match="must be finite"):
        Several(np.full((9, 2), np.nan))
    with pytest.raises(InputError, match="t must be a positive number"):
        Several(np.zeros((9, 2)), t=-1.0)
