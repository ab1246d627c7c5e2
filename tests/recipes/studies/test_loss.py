"""The study of auxiliary losses: its arms, its numbers, figure and page; that the laboratory adds what is asked for."""

import numpy as np
import pytest
import torch

import recipes
from diffspec import Gaussian, Literal, dse, dsmi
from recipes.lab import pages
from recipes.lab.log import Cell
from recipes.training import epochs
from recipes.training.conditions import AUXILIARY

LOSS = recipes.load("loss")


def cell(auxiliary, weight, seed, accuracy, entropy=5.0):
    values = {
        "accuracy by epoch": [0.1, accuracy],
        "calibration error by epoch": [0.2, 0.05],
        "DSE(Z), sigma = 10": [entropy],
        "DSE(Z), median": [6.0],
        "DSMI(Z;Y), sigma = 10": [0.5],
        "DSMI(Z;Y), median": [0.7],
        "median distance": [9.0],
    }
    return Cell(key={"auxiliary": auxiliary, "weight": weight, "seed": seed, "train": 2560}, values=values)


@pytest.fixture
def cells():
    name = "DSE, median"
    return [
        *(cell(LOSS.NONE, 0.0, seed, 0.4 + 0.1 * seed) for seed in range(3)),
        *(cell(name, -0.1, seed, 0.42 + 0.1 * seed + 0.01 * (seed == 2), 6.0) for seed in range(3)),
        *(cell(name, 1.0, seed, 0.3 + 0.1 * seed - 0.01 * (seed == 2), 1.0) for seed in range(3)),
    ]


def test_every_measure_has_every_weight_and_nothing_is_trained_once():
    keys = LOSS.plan(LOSS.CPU)
    assert len(keys) == 3 * (1 + 3 * 4)
    assert [key["auxiliary"] for key in keys if key["weight"] == 0] == [LOSS.NONE] * 3
    assert {abs(key["weight"]) for key in keys} == {0.0, 0.1, 1.0}
    assert all(LOSS.price(key) > 0 for key in keys)
    paper = LOSS.plan(LOSS.PAPER)
    assert {key["auxiliary"] for key in paper} - {LOSS.NONE} == set(AUXILIARY)
    assert {(key["pixels"], key["rate"], key["epochs"], key["initialiser"]) for key in paper} == {
        (224, 1e-4, 199, "paper")
    }


def test_numbers_are_less_those_without_seed_by_seed(cells):
    found = LOSS._numbers(cells)
    assert found["DSE, median -0.1: accuracy, %"] == pytest.approx(7 / 3)
    gains = np.array([2.0, 2.0, 3.0])
    errors = gains.mean() / (gains.std(ddof=1) / np.sqrt(3))
    assert found["DSE, median -0.1: accuracy, %, errors"] == pytest.approx(errors)
    assert found["DSE, median +1: DSE, sigma = 10"] == pytest.approx(-4.0)
    assert found["clear gains of accuracy"] == 1


def test_the_page_and_the_figure(cells):
    text = pages.page("loss", cells, "cpu.png")
    assert "| DSE, median | -0.1 | 52.33 ± " in text
    axes = LOSS.figure(cells).axes
    assert [axis.get_title() for axis in axes] == list(LOSS.DRAWN)
    assert list(axes[0].lines[0].get_ydata()) == pytest.approx([157 / 3, 50.0, 119 / 3])


def test_smoke_cells_meet_no_claim(cells):
    smoke = [Cell(key={**one.key, "train": LOSS.SMOKE.common["train"]}, values=one.values) for one in cells]
    assert {verdict.status for verdict in LOSS.check(smoke)} == {"not run"}
    assert {verdict.status for verdict in LOSS.check(cells)} != {"not run"}


@pytest.fixture
def points(rng):
    return torch.as_tensor(5 * rng.normal(size=(30, 4))), torch.arange(30) % 3


@pytest.mark.parametrize(("width", "kernel"), [("sigma = 10", Gaussian(10.0)), ("median", Gaussian())])
def test_what_may_be_added_is_the_measure_itself_in_bits(points, width, kernel):
    given = {"kernel": kernel, "alpha": 0.5, "t": 1.0}
    entropy = float(dse(points[0].numpy(), **given))
    information = float(dsmi(points[0].numpy(), points[1].numpy(), estimator=Literal(), **given))
    assert float(AUXILIARY[f"DSE, {width}"](*points)) == pytest.approx(entropy, rel=1e-6)
    assert float(AUXILIARY[f"DSMI, {width}"](*points)) == pytest.approx(information, rel=1e-6)


class Bare:
    """Of a trainer what adds to a loss."""

    def __init__(self, **key):
        self.key = key

    added = epochs.Trainer._auxiliary


def test_the_weight_times_the_measure_of_every_view_is_added(points):
    one = float(AUXILIARY["DSE, median"](*points))
    trainer = Bare(auxiliary="DSE, median", weight=-0.5)
    assert float(trainer.added([points[0]], points[1])) == pytest.approx(-0.5 * one)
    assert float(trainer.added([points[0], points[0]], points[1])) == pytest.approx(-one)
    assert Bare().added([points[0]], points[1]) == 0.0
    assert Bare(auxiliary=LOSS.NONE, weight=0.0).added([points[0]], points[1]) == 0.0
