"""Verdicts of the training study, its numbers for expected.toml, its figures and its page."""

import numpy as np
import pytest

import recipes
from recipes.lab import pages
from recipes.lab.log import Cell
from recipes.training import claims

TRAINING = recipes.load("training")
CURVES = sorted({name for claim in claims.CLAIMS for name in claim.curves().values()})


def cell(network="resnet", data="MNIST", condition="supervised", seed=0, **curves):
    key = {"network": network, "data": data, "condition": condition, "seed": seed, "train": 4000}
    flat = {name: [1.0, 1.0, 1.0, 1.0, 1.0] for name in CURVES}
    spent = {"cpu seconds, all": 80.0, "cpu seconds, looks": 16.0, "memorised": True}
    seen = {
        "looks": [0, 1, 2, 4, 8],
        "accuracy": [0.1, 0.3, 0.5, 0.6, 0.7],
        "median distance": [1.0, 2.0, 3.0, 4.0, 5.0],
    }
    return Cell(key=key, values={**flat, **seen, **spent, **curves}, seconds=90.0)


NAME = "DSMI(Z;Y), sigma = 10"


@pytest.mark.parametrize(
    ("values", "claimed", "does"),
    [
        ([9.0, 1.0, 1.0, 1.5, 2.0], "rises", "rises"),
        ([0.0, 2.0, 1.0, 1.0, 1.0], "rises", "falls"),
        ([0.0, 1.0, 3.0, 2.0, 1.04], "rises", "level"),
        ([0.0, 1.0, 2.0, 1.0, None], "falls", "level"),
        ([5.0, 5.0, 5.0, 1.0, 0.09], "zero", "zero"),
        ([0.0, 0.0, 0.0, 0.0, 0.2], "zero", "rises"),
        ([0.0, 0.0, 0.0, 0.0, -0.2], "zero", "falls"),
    ],
)
def test_what_a_curve_does_from_the_first_epoch_on(values, claimed, does):
    found = claims.verdict([cell(**{NAME: values})], NAME, claimed)
    assert found.does == does
    assert found.holds is (does == claimed)
    assert np.isnan(found.error)


def test_a_change_within_twice_its_error_over_seeds_is_none():
    ends = (1.2, 1.9, 0.9)
    some = [cell(seed=seed, **{NAME: [0.0, 1.0, 1.0, 1.0, end]}) for seed, end in enumerate(ends)]
    found = claims.verdict(some, NAME, "rises")
    assert found.value == pytest.approx(1 / 3)
    assert found.error == pytest.approx(np.std(ends, ddof=1) / np.sqrt(3))
    assert found.does == "level"
    assert str(found) == "no: +0.33 ± 0.30"
    assert claims.verdict(some[:1], NAME, "rises").does == "rises"


def test_a_panel_without_cells_or_without_the_curve_has_no_verdict():
    assert claims.verdict([], NAME, "rises") is None
    assert claims.verdict([cell(**{NAME: [1.0, None, None, None, 2.0]})], NAME, "rises") is None


@pytest.fixture
def cells():
    up, down, none = [0.0, 1.0, 2.0, 3.0, 4.0], [4.0, 3.0, 2.0, 1.0, 0.5], [0.0] * 5
    x, y = "DSMI(Z;X), sigma = 10", NAME
    made = []
    for network in ("resnet", "xcit"):
        for data in ("MNIST", "CIFAR-10"):
            for condition in ("supervised", "contrastive", "wrong labels"):
                of_y = none if condition == "wrong labels" else up
                of_x = up if data == "MNIST" or network == "xcit" else down
                made.append(cell(network, data, condition, **{"DSE(Z), sigma = 10": up, y: of_y, x: of_x}))
    return made


def test_shares_of_networks_by_claim_data_and_condition(cells):
    found = claims.shares(cells)
    assert found["DSE(Z), sigma = 10: MNIST, wrong labels"] == 1
    assert found["DSE(Z), neighbors: MNIST, supervised"] == 0
    assert found["DSMI(Z;Y), sigma = 10: CIFAR-10, wrong labels"] == 1
    assert found["DSMI(Z;X), sigma = 10: MNIST, supervised"] == 1
    assert found["DSMI(Z;X), sigma = 10: CIFAR-10, supervised"] == 0.5
    assert "DSMI(Z;X), sigma = 10: CIFAR-10, wrong labels" not in found


def test_scale_is_the_rank_correlation_with_the_median_distance(cells):
    assert claims.scale(cells, "DSE(Z), sigma = 10") == pytest.approx(1.0)
    assert np.isnan(claims.scale(cells, "DSE(Z), neighbors"))
    assert claims.scale([cell(**{NAME: [5.0, 4.0, 3.0, 2.0, 1.0]})], NAME) == pytest.approx(-1.0)


def test_the_page_has_a_verdict_per_panel(cells):
    text = pages.page("training", cells, "cpu.png")
    assert "**DSMI(Z;X) rises on MNIST and falls on colour images** (DSMI(Z;X), sigma = 10): holds in 6 of 8" in text
    assert "| resnet, MNIST | yes: +3.00 | yes: +3.00 | yes: +3.00 |" in text
    assert "![cpu-epoch](cpu-epoch.png)" in text
    assert "Settings(networks=('resnet', " in text


def test_expected_numbers_are_of_whole_cells_only(cells):
    verdicts = {verdict.row.derived: verdict.ours for verdict in TRAINING.check(cells)}
    assert verdicts["cells"] == len(cells)
    assert verdicts["overhead"] == pytest.approx(20.0)
    smoke = [Cell(key={**one.key, "train": TRAINING.SMOKE.common["train"]}, values=one.values) for one in cells]
    assert {verdict.status for verdict in TRAINING.check(smoke)} == {"not run"}


def test_figures_have_a_panel_per_measure_kind_and_data_set(cells):
    figure = TRAINING.figure(cells)
    assert len(figure.axes) == 2 * 3 * 2
    first = figure.axes[0]
    assert first.get_title() == "MNIST"
    points = np.concatenate([found.get_offsets() for found in first.collections])
    assert sorted(set(points[:, 0].round(6))) == [10, 30, 50, 60, 70]
    epoch = TRAINING.FURTHER["epoch"](cells)
    assert len(epoch.axes) == 3 * 2 * 2
    lines = [line for line in epoch.axes[0].lines if len(line.get_xdata())]
    assert len(lines) == 3
    assert lines[0].get_ydata()[0] == 0.0
    assert lines[0].get_ydata()[-1] == 4.0
