"""Rules against made trainings: when they tell, how late, how often wrongly, and how their limits are chosen."""

import math

import pytest

import recipes
from recipes.lab import pages
from recipes.lab.log import Cell
from recipes.looks import memorising, rules

H = math.log2(10)
LOOKS = [0, 1, 2, 4, 7]
HEART = [None, 0.1, 0.31, 0.45, 0.6, 0.7, 0.8, 0.9]
"""Training accuracies of all epochs where labels are learned by heart."""


def cell(condition, shares, *, train=HEART, data="MNIST", seed=0, held=0.1, entropy=(2.0,) * 5):
    key = {"network": "resnet", "data": data, "condition": condition, "seed": seed, "train": 1000}
    signals = {name: [H * share for share in shares] for name in rules.SIGNALS}
    signals[rules.ENTROPY] = list(entropy)
    told = {"train accuracy by epoch": list(train)} if condition != "contrastive" else {}
    return Cell(key=key, values={"looks": LOOKS, "accuracy": [held] * 5, "classes": 10, **signals, **told})


FALLING = cell("wrong labels", [0.5, 0.5, 0.45, 0.3, 0.1])
RISING = cell("supervised", [0.3, 0.35, 0.5, 0.6, 0.8], held=0.75)
BLIND = cell("contrastive", [0.3, 0.2, 0.1, 0.1, 0.1], entropy=(3.0, 2.9, 2.0, 1.0, 0.5))


@pytest.mark.parametrize(
    ("name", "limits", "epoch"),
    [
        ("fallen", (0.2, 0.03), 2),
        ("fallen", (0.3, 0.1), 4),
        ("fallen", (0.2, 0.3), 7),
        ("ahead", (0.2,), 4),
        ("ahead", (0.4,), 7),
        ("ahead, no higher", (0.2,), 4),
        ("ahead, matched", (0.5,), 7),
        ("held-out accuracy", (0.2,), 2),
        ("entropy, no labels", (0.1, 0.5), None),
        ("entropy alone", (0.5,), None),
    ],
)
def test_the_first_look_at_which_a_rule_tells(name, limits, epoch):
    assert rules.told(FALLING, rules.FAMILIES[name], limits) == epoch


def test_without_an_accuracy_in_training_only_the_entropy_can_tell():
    found = {name: rules.told(BLIND, family, family.choices()[0]) for name, family in rules.FAMILIES.items()}
    assert {name for name, epoch in found.items() if epoch is not None} == {"entropy alone"}


def test_no_alarm_before_training():
    known = cell("wrong labels", [0.5, 0.1, 0.1, 0.1, 0.1], train=[None, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9])
    assert rules.told(known, rules.FAMILIES["ahead"], (0.3,)) == 1


def test_memorising_begins_clearly_above_chance():
    assert rules.onset(FALLING) == 2
    assert rules.onset(cell("wrong labels", [0.5] * 5, train=[None, *[0.1] * 7])) == 7


def test_an_outcome_counts_false_missed_and_late():
    never = cell("wrong labels", [0.5] * 5, train=[None, *[0.3] * 7])
    wrong = cell("supervised", [0.3, 0.3, 0.2, 0.1, 0.1])
    found = rules.outcome([FALLING, never, RISING, wrong, BLIND], rules.FAMILIES["ahead"], (0.2,))
    assert found.false == {"supervised": (1, 2), "contrastive": (0, 1)}
    assert (found.wrong, found.missed, found.memorising) == (1, 1, 2)
    assert (found.delay, found.latest, found.known) == (2.0, 2.0, 0.6)


def test_an_outcome_without_alarms_has_no_delay():
    found = rules.outcome([RISING], rules.FAMILIES["ahead"], (0.6,))
    assert (found.missed, found.memorising) == (0, 0)
    assert math.isnan(found.delay)


def test_limits_are_chosen_one_step_inside():
    near = cell("supervised", [0.3, 0.3, 0.3, 0.3, 0.75])  # up to .3 ahead at the fourth epoch
    family = rules.FAMILIES["ahead"]
    assert rules.outcome([near], family, (0.3,)).wrong == 1
    assert rules.outcome([near], family, (0.35,)).wrong == 0
    assert rules.chosen([FALLING, near], family) == (0.4,)
    assert family.below((0.4,)) == (0.35,)
    assert family.below((0.05,)) is None


def test_limits_are_chosen_on_the_first_seed_and_checked_on_the_others():
    cells = [FALLING, RISING, cell("wrong labels", [0.5, 0.5, 0.5, 0.5, 0.5], seed=1)]
    first, others = memorising.first_seed(cells)
    assert (len(first), [one.key["seed"] for one in others]) == (2, [1])


def test_a_data_set_that_is_left_out_does_not_choose():
    easy = cell("supervised", [0.3, 0.3, 0.3, 0.3, 0.45], data="CIFAR-10")  # up to .45 ahead
    cells = [FALLING, RISING, easy, cell("wrong labels", [0.5] * 5, data="CIFAR-10")]
    found = dict(memorising.left_out(cells, "ahead"))
    on_colour = next(one for what, one in found.items() if what.startswith("CIFAR-10"))
    assert on_colour.false == {"supervised": (1, 1)}


def test_the_page_has_every_rule_chosen_and_checked():
    recipe = recipes.load("memorising")
    cells = [FALLING, RISING, BLIND, cell("wrong labels", [0.5, 0.4, 0.3, 0.2, 0.1], seed=1)]
    text = pages.page("memorising", cells, "cpu.png")
    assert text.count("the same | others") == len(rules.FAMILIES)
    assert "0 of 1 supervised, 0 of 1 contrastive | 0 of 1 |" in text
    never = cell("wrong labels", [0.5] * 5, train=[None, *[0.3] * 7])  # of the first seed, so not of the check
    numbers = memorising.numbers([*cells, never])
    assert numbers["missed, ahead, no higher"] == 0.0
    assert numbers["false, held-out accuracy"] == 0.0
    figure = recipe.figure(cells)
    assert len(figure.axes) == 2
    assert len(figure.axes[0].lines) >= 3
