"""Cells of points near one another: every point in one, the nearest first, the same whenever they are made."""

import numpy as np
import pytest

from diffspec.points.candidates import spread
from diffspec.points.cells import Cells


def blobs(n=4000):
    rng = np.random.default_rng(0)
    return rng.normal(size=(6, 8))[np.arange(n) % 6] * 3.0 + rng.normal(size=(n, 8))


def clouds():
    """Points of which cells could go wrong, by name."""
    rng = np.random.default_rng(0)
    return {
        "blobs": blobs(900),
        "two far clusters": np.concatenate([rng.normal(size=(300, 8)), rng.normal(size=(300, 8)) + 1e4]),
        "half of them copies": np.concatenate([np.ones((300, 4)), rng.normal(size=(300, 4))]),
        "all equal": np.ones((500, 3)),
        "fewer than a cell": rng.normal(size=(7, 3)),
        "line": rng.normal(size=(600, 1)),
        "far point": np.concatenate([rng.normal(size=(500, 5)), [[1e8] * 5]]),
    }


CLOUDS = clouds()


def of(points, monkeypatch, size=40):
    monkeypatch.setattr("diffspec.points.cells.PER_ROOT", len(points) ** 0.5 / size)
    return Cells.of(points)


@pytest.mark.parametrize("name", CLOUDS)
def test_every_point_is_in_one_cell_and_all_cells_are_all_points(name, monkeypatch):
    points = CLOUDS[name]
    cells = of(points, monkeypatch)
    n, m = len(points), len(cells.nearest)
    assert np.array_equal(np.sort(cells.order), np.arange(n))
    assert (cells.starts[0], cells.starts[-1]) == (0, n)
    assert np.array_equal(np.sort(cells.nearest, axis=1), np.tile(np.arange(m), (m, 1)))
    assert np.array_equal(cells.nearest[:, 0], np.arange(m))
    for cell in range(m):
        assert np.array_equal(cells.around(cell, 1.0, 1), np.arange(n))


def test_a_share_of_all_points_is_searched_and_no_fewer_than_are_needed(monkeypatch):
    cells = of(blobs(), monkeypatch)
    for cell in range(len(cells.nearest)):
        places = cells.around(cell, 0.1, 1)
        assert len(places) <= max(400, np.diff(cells.starts)[cell])
        own = np.arange(cells.starts[cell], cells.starts[cell + 1])
        assert np.all(np.isin(own, places))
        assert len(cells.around(cell, 0.0, 300)) >= 300
        assert len(cells.around(cell, 0.0, 4000)) == len(cells.around(cell, 0.0, 9999)) == 4000


def test_the_share_that_is_said_to_meet_a_point_meets_it_and_a_smaller_one_does_not(monkeypatch):
    points, rng = blobs(), np.random.default_rng(1)
    cells = of(points, monkeypatch)
    here, there = rng.integers(0, len(points), size=(2, 200))
    for place, other, share in zip(here, there, cells.share_for(here, there), strict=True):
        cell = cells.cell_of(place)
        assert cells.starts[cell] <= place < cells.starts[cell + 1]
        assert other in cells.around(cell, share, 1)
        if cells.cell_of(other) != cell:
            assert other not in cells.around(cell, share * 0.999, 1)


def test_most_neighbours_lie_in_the_nearest_cells(monkeypatch):
    points = blobs()
    cells = of(points, monkeypatch)
    points = points[cells.order]
    some = np.arange(0, 4000, 40)
    squared = np.sum((points[some, None] - points[None]) ** 2, axis=2)
    near = np.argsort(squared, axis=1)[:, 1:11]
    met = cells.share_for(np.repeat(some, 10), near.ravel())
    assert np.mean(met <= 0.2) > 0.95  # of random cells it would be a fifth


def test_cells_are_the_same_every_time(monkeypatch):
    first, again = (of(blobs(), monkeypatch) for _ in range(2))
    assert np.array_equal(first.order, again.order)


def test_points_are_spread_over_those_that_come_in_turn():
    assert np.array_equal(spread(5, 9), np.arange(5))
    assert len(spread(100_000, 400)) == 400
    assert np.ptp(np.bincount(spread(100_000, 400) % 10)) < 20
