"""The fair test of initialisations: its arms, its rules, its numbers, figures and page, from cells made by hand."""

import math

import numpy as np
import pytest

import recipes
from recipes.lab import pages
from recipes.lab.log import Cell
from recipes.studies import rules

INITIALISATION = recipes.load("initialisation")
LOW, HIGH, KAIMING = rules.LOW, rules.HIGH, rules.KAIMING
SPREAD = {LOW: 0.01, HIGH: 0.1, KAIMING: 0.05}
BEFORE = {LOW: 0.0, HIGH: 5.0, KAIMING: 6.0}


def trained(how, step, norms, seed, accuracy, **key):
    relative = 1e-4 / (step or SPREAD[how])
    values = {
        "DSE(Z), sigma = 10": [BEFORE[how], 10 * accuracy],
        "DSE(Z), neighbors": [7.0 + relative, 7.0],
        "median distance": [SPREAD[how], 9.0],
        "relative step": relative,
        "looks": [0, 2],
        "epochs": 2,
        "accuracy by epoch": [0.1, 0.2, accuracy],
    }
    where = {"part": "test", "data": "CIFAR-10", "seed": seed, "initialiser": how, "norms": norms, "step of": step}
    return Cell(key={**where, "train": 2560, **key}, values=values)


def arms():
    """As the prototype of the study saw them: with batch norms the step decides, without them the entropy does."""
    cells = []
    for how, step in rules.ARMS:
        for seed in range(3):
            steps = 1e-4 / (step or SPREAD[how])
            cells.append(trained(how, step, True, seed, 0.2 + 5 * steps + 0.01 * seed))
            cells.append(trained(how, step, False, seed, 0.1 + 0.02 * BEFORE[how] + 0.001 * seed))
    return cells


@pytest.fixture
def cells():
    made = arms()
    made += [
        Cell(
            key={"part": "sweep", "data": "CIFAR-10", "seed": 0, "initialiser": how, "train": 2560},
            values={
                "DSE(Z), sigma = 10": [before],
                "DSE(Z), neighbors": [7.0],
                "calibrated": {"DSE(Z), sigma = 10": 2.5 + before / 10, "DSE(Z), neighbors": 7.5},
            },
        )
        for how, before in {"conv std 0.001": 30.0, **BEFORE}.items()
    ]
    longer = [trained(how, None, True, seed, 0.3 if how == LOW else 0.2) for how in SPREAD for seed in range(2)]
    keys = [{name: cell.key[name] for name in ("data", "seed", "initialiser", "train")} for cell in longer]
    return made + [
        Cell(key={"part": "longer", **key}, values=one.values) for key, one in zip(keys, longer, strict=True)
    ]


def test_every_arm_but_those_that_are_another_is_planned_with_norms_and_without():
    assert len(rules.ARMS) == 7
    keys = INITIALISATION.plan(INITIALISATION.CPU)
    test = [key for key in keys if key["part"] == "test"]
    assert len(test) == 7 * 2 * 3
    assert all(key["rate"] == 1e-4 and key["train"] * key["epochs"] == 320 * key["batch"] for key in test)
    assert [key["seed"] for key in test] == sorted(key["seed"] for key in test)
    swept = {key["initialiser"] for key in keys if key["part"] == "sweep"}
    assert len(swept) == 9
    assert all(INITIALISATION.price(key) > 0 for key in keys)


def test_the_papers_settings():
    keys = INITIALISATION.plan(INITIALISATION.PAPER)
    shared = {"small": False, "pixels": 224, "batch": 128, "warmup": 10, "rate": 1e-4}
    assert all(key.items() >= shared.items() for key in keys)
    longer = [key for key in keys if key["part"] == "longer"]
    assert {(key["data"], key["initialiser"], key["seed"]) for key in longer} >= {
        (data, how, seed) for data in ("CIFAR-10", "STL-10") for how in (LOW, HIGH) for seed in (1, 2, 3)
    }
    assert {(key["epochs"], key.get("extended")) for key in longer} == {(200, None), (200, 50_000)}


def test_differences_are_over_the_same_seeds():
    one = [trained(LOW, None, True, seed, 0.3 + 0.1 * seed) for seed in range(3)]
    other = [trained(HIGH, None, True, seed, accuracy) for seed, accuracy in enumerate((0.1, 0.3, 0.2))]
    value, error = rules.difference(one[::-1], [*other, trained(HIGH, None, True, 3, 0.9)])
    apart = np.array([0.2, 0.1, 0.3])
    assert value == pytest.approx(apart.mean())
    assert error == pytest.approx(apart.std(ddof=1) / math.sqrt(3))
    assert math.isnan(rules.difference(one[:1], other)[1])
    assert math.isnan(rules.difference([], other)[0])


def test_a_rule_survives_only_with_one_sign_in_both_halves(cells):
    found = rules.judged(cells)
    assert found["relative step"][0] > 0.7
    assert found["DSE, sigma = 10"][1] > 0.7
    assert not any(survives for _with, _without, survives in found.values())
    agreeing = [
        trained(how, step, norms, seed, 0.1 + 0.02 * BEFORE[how] + 0.001 * seed)
        for how, step in rules.ARMS
        for norms in (True, False)
        for seed in range(3)
    ]
    assert rules.judged(agreeing)["DSE, sigma = 10"][2]
    assert math.isnan(rules.correlation(agreeing[:6], rules.RULES["DSE, sigma = 10"]))  # one entropy orders nothing


def test_numbers_of_the_page(cells):
    found = rules.numbers(cells)
    assert found["plain, points"] == pytest.approx(4.5)
    assert found["swapped, points"] == pytest.approx(-4.5)
    assert found["small steps, points"] == pytest.approx(0.0, abs=1e-9)
    assert found["large steps, DSE"] == pytest.approx(0.0, abs=1e-9)
    assert found["without norms, points"] == pytest.approx(-10.0)
    assert found["surviving"] == 0
    assert found["longer, points"] == pytest.approx(10.0)
    assert found["sigma = 10, std 0.1"] == 5.0
    assert found["sigma = 10, range"] == 6.0  # weights of 0.001 give none to compare
    assert found["sigma = 10, calibrated, range"] == pytest.approx(0.6)


def test_the_page_has_arms_and_rules(cells):
    text = pages.page("initialisation", cells, "cpu.png")
    assert "| std 0.1 | as of std 0.01 | with | 26.0 ± 0.6 | 5.00 | 2.60 | 0.01 |" in text
    with_norms, without, _survives = rules.judged(cells)["relative step"]
    assert f"| relative step | {with_norms:+.2f} | {without:+.2f} | no |" in text
    assert "over arms and 3 seeds; one survives with 0.7 or more" in text
    assert "None does, so `diffspec` has no function" in text
    assert "![cpu-sweep](cpu-sweep.png)" in text
    assert rules.table([]) == ""
    both = [Cell(key={**one.key, "data": name}, values=one.values) for one in cells for name in ("CIFAR-10", "STL-10")]
    assert rules.table(both).count("| std 0.1 | as of std 0.01 | with | 26.0 ± 0.6 |") == 2


def test_smoke_cells_meet_no_claim(cells):
    smoke = [Cell(key={**one.key, "train": INITIALISATION.SMOKE.common["train"]}, values=one.values) for one in cells]
    assert {verdict.status for verdict in INITIALISATION.check(smoke)} == {"not run"}


def test_figures(cells):
    by_arm, by_entropy, by_step = INITIALISATION.figure(cells).axes
    heights = np.concatenate([line.get_ydata() for line in by_arm.lines])
    assert len(heights) == len([cell for cell in cells if cell.key["part"] == "test"])
    assert set(np.concatenate([line.get_xdata() for line in by_entropy.lines])) == {0.0, 5.0, 6.0}
    assert by_step.get_xscale() == "log"
    sweep = INITIALISATION.FURTHER["sweep"](cells).axes[0]
    assert list(sweep.lines[0].get_xdata()) == [0.001, 0.01, 0.1]
    longer = INITIALISATION.FURTHER["longer"](cells)
    assert [line.get_label() for line in longer.axes[0].lines] == ["std 0.01", "std 0.1", "Kaiming"]
    assert list(longer.axes[1].lines[0].get_ydata()) == pytest.approx([10.0, 20.0, 30.0])
    none_yet = INITIALISATION.FURTHER["longer"]([cell for cell in cells if cell.key["part"] == "test"])
    assert list(none_yet.axes[1].lines[0].get_ydata()) == pytest.approx([10.0, 20.0, 26.0])
