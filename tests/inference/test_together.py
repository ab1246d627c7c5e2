"""Several representations measured side by side, a few at a time."""

import weakref

import numpy as np
import pytest

from diffspec import AlphaDecay, Gaussian, rank
from diffspec.inference import together
from diffspec.inference.measure import HELD, Measure, Subset
from diffspec.measures.asked import asked
from diffspec.points.groups import partition_of

N = 240
LABELS = np.arange(N) % 3


def networks(count=5):
    rng = np.random.default_rng(0)
    return {f"network {k}": rng.normal(size=(N, 3)) + k * np.eye(3)[LABELS] for k in range(count)}


def test_how_many_are_measured_at_a_time_changes_nothing(monkeypatch):
    def found(at_a_time):
        monkeypatch.setattr(together, "cores", lambda: at_a_time)
        ranking = rank(networks(), LABELS, resamples=10)
        return [ranking.p_values, *((row.name, row.value, row.stderr) for row in ranking.rows)]

    expected = found(1)
    assert all(found(at_a_time) == expected for at_a_time in (2, 3, 5, 7))


def test_only_what_is_measured_and_what_follows_holds_its_distances(monkeypatch):
    kept, most, squared = [], [], Measure.squared

    def counted(*given):
        found = squared(*given)
        kept.append(weakref.ref(found))
        most.append(sum(one() is not None for one in kept))
        return found

    monkeypatch.setattr(Measure, "squared", counted)
    monkeypatch.setattr(together, "cores", lambda: 2)
    rank(networks(7), LABELS, resamples=10)
    assert len(kept) == 7
    assert max(most) <= 4


@pytest.mark.parametrize(
    ("kernel", "arrays", "expected"),
    [(AlphaDecay(), 1.5, 1), (AlphaDecay(), 2.5, 2), (AlphaDecay(), 99.0, 4), (Gaussian(1.0), 99.0, 6)],
)
def test_as_many_at_a_time_as_memory_holds_and_cores_work_on(monkeypatch, kernel, arrays, expected):
    monkeypatch.setattr(together, "cores", lambda: 4)
    measure = Measure(None, asked(kernel, alpha=0.5, t=None, memory=arrays * HELD * 8.0 * N * N))
    subsets = [Subset.of(partition_of(LABELS, None, N), np.arange(60), seed) for seed in range(9)]
    assert together._batch(measure, list(networks(6).values()), subsets) == expected
