"""The rule that tells memorising: what it says, where it is silent, and what it refuses."""

import contextlib
import io
import math
import re
from pathlib import Path

import pytest

from diffspec.errors import InputError
from diffspec.training import Memorisation


def test_it_says_what_is_known_by_heart_and_what_of_the_classes():
    said = Memorisation(0.2)(0.6, [0.48, 0.41, 0.17], ceiling=3.32)
    assert said == (
        "memorises: 60 % of the training labels are known; of the held-out classes 5 % are told, at the first look 14 %"
    )


@pytest.mark.parametrize(
    ("accuracy", "information", "alarm"),
    [
        (0.35, [1.0, 0.5], False),  # .25 ahead
        (0.65, [1.0, 0.5], True),  # .4 ahead
        (0.65, [0.4, 0.5], False),  # the classes are told better than before
        (0.65, [0.5, 0.5], True),
        (0.65, [0.5, 0.9, 0.5], True),
        (0.65, [0.5], True),
        (1.0, [2.0, 2.0], False),
        (0.0, [2.0, -0.1], False),
        (1.0, [2.0, -0.1], True),
    ],
)
def test_it_needs_a_lead_and_no_gain(accuracy, information, alarm):
    assert bool(Memorisation(0.3)(accuracy, information, ceiling=2.0)) is alarm


def test_a_lead_of_exactly_the_limit_is_one():
    assert Memorisation(0.25)(0.5, [1.0, 0.5], ceiling=2.0)
    assert not Memorisation(0.25)(0.49, [1.0, 0.5], ceiling=2.0)


@pytest.mark.parametrize("ahead", [0.0, 1.0, -0.1, math.nan, "0.2", None, True])
def test_a_limit_that_is_no_share_is_refused(ahead):
    with pytest.raises(InputError, match=r"ahead must lie between 0 and 1, got "):
        Memorisation(ahead)


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"train_accuracy": 60}, r"train_accuracy must lie in \[0, 1\], got 60; give the share"),
        ({"train_accuracy": math.nan}, r"train_accuracy must lie in \[0, 1\]"),
        ({"information": []}, "information must be finite numbers, one per look"),
        ({"information": [0.1, None]}, "information must be finite numbers, one per look"),
        ({"information": [math.inf]}, "information must be finite numbers, one per look"),
        ({"information": 0.5}, "information must be a sequence of numbers, one per look, got 0.5"),
        ({"information": "0.5"}, "information must be a sequence of numbers"),
        ({"ceiling": 0.0}, "ceiling must be a positive number, got 0"),
    ],
)
def test_numbers_that_cannot_be_are_refused(given, match):
    whole = {"train_accuracy": 0.5, "information": [0.5, 0.4], "ceiling": 3.0} | given
    with pytest.raises(InputError, match=match):
        Memorisation()(whole["train_accuracy"], whole["information"], ceiling=whole["ceiling"])


def test_it_is_a_value():
    assert Memorisation() == Memorisation(ahead=0.15)
    assert repr(Memorisation(1 / 4)) == "Memorisation(ahead=0.25)"
    assert {Memorisation(): 1}[Memorisation()] == 1


def test_the_example_of_the_page_prints_what_the_page_says():
    page = (Path(__file__).resolve().parents[3] / "docs" / "what-to-watch.md").read_text()
    (code,), (printed,) = (re.findall(rf"```{kind}\n(.*?)```", page, re.S) for kind in ("python", "text"))
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(code, {})
    assert out.getvalue() == printed
    assert f"is {Memorisation().ahead:g} ahead".replace("0.", ".") in page
