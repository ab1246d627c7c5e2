"""Correlations between units against those of scipy, one pair at a time."""

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr

import recipes
from recipes.lab import pages
from recipes.lab.log import Cell
from recipes.looks import neurons


@pytest.fixture(scope="module")
def points():
    rng = np.random.default_rng(0)
    base = rng.normal(size=(60, 1))
    units = [
        base + 0.3 * rng.normal(size=(60, 1)),
        -base,
        rng.normal(size=(60, 1)),
        np.abs(base) + 1,
        np.zeros((60, 1)),
    ]
    return np.hstack(units)


def test_shares_are_those_of_every_pair_of_units_that_vary(points):
    every = [(i, j) for i in range(4) for j in range(i)]
    spearman = np.array([spearmanr(points[:, i], points[:, j]).statistic for i, j in every])
    pearson = np.array([pearsonr(points[:, i], points[:, j]).statistic for i, j in every])
    found = neurons.coupling(points)
    assert found["|Spearman| > 0.5"] == pytest.approx(np.mean(np.abs(spearman) > 0.5), abs=1e-4)
    assert found["|Spearman| > 0.25"] == pytest.approx(np.mean(np.abs(spearman) > 0.25), abs=1e-4)
    assert found["activations: mean"] == pytest.approx(pearson.mean(), rel=1e-3)
    assert found["activations: mean size"] == pytest.approx(np.abs(pearson).mean(), rel=1e-3)
    assert found["activations: 75 %"] == pytest.approx(np.percentile(pearson, 75), rel=1e-3)


def test_units_that_are_always_on_or_off_have_no_states(points):
    on = points[:, :3] > 0
    pearson = [pearsonr(on[:, i], on[:, j]).statistic for i, j in ((0, 1), (0, 2), (1, 2))]
    found = neurons.coupling(points)
    assert found["units without states"] == pytest.approx(2 / 5)
    assert found["states: mean"] == pytest.approx(np.mean(pearson), rel=1e-3)
    assert found["states: median"] == pytest.approx(np.median(pearson), rel=1e-3)


def test_ranks_do_not_change_with_what_keeps_the_order(points):
    bent = np.exp(points[:, :4])
    assert neurons.pairs(neurons.ranked(bent)) == pytest.approx(neurons.pairs(neurons.ranked(points[:, :4])))


def test_a_collapsed_embedding_has_no_pairs():
    found = neurons.coupling(np.ones((20, 4)))
    assert found["units without states"] == 1.0
    assert found["|Spearman| > 0.25"] == found["activations: mean"] == 0.0


def cell(condition, strong):
    key = {"network": "xcit", "data": "MNIST", "condition": condition, "seed": 0, "train": 4000}
    flat = {name: [0.5, 0.5] for name in neurons.coupling(np.ones((4, 2)))}
    sides = {f"histogram {when}": [25] * 40 for when in ("before", "at the end")}
    return Cell(key=key, values={**flat, neurons.STRONG: strong, **sides, "looks": [0, 5], "accuracy": [0.1, 0.9]})


def test_the_page_has_the_change_by_condition():
    cells = [cell("supervised", [0.1, 0.4]), cell("wrong labels", [0.1, 0.05])]
    found = neurons.numbers(cells)
    assert found["change of |Spearman| > 0.5, supervised"] == pytest.approx(0.3)
    assert found["rises of |Spearman| > 0.5, wrong labels"] == 0.0
    text = pages.page("neurons", cells, "cpu.png")
    assert "| xcit, supervised | 0.10 → 0.40 | 0.50 → 0.50 |" in text
    recipe = recipes.load("neurons")
    assert len(recipe.figure(cells).axes) == 2
    drawn = recipe.FURTHER["histograms"](cells).axes
    assert len(drawn) == 1
    assert drawn[0].lines[0].get_ydata().tolist() == [0.025] * 40
