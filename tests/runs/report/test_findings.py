"""What the report says in words: each rule on records that it speaks of, and on others that it is silent on."""

import numpy as np
import pytest

from diffspec.runs.compared.view import View
from diffspec.runs.plots.series import open_log
from diffspec.runs.report import findings
from diffspec.runs.report.findings import RULES


def number(value, step=0, *, name="DSE(Z)", rule="neighbors", run="a", layer="z", **fields):
    where = {"kind": "number", "run": run, "step": step, "layer": layer, "name": name, "rule": rule}
    return {**where, "value": value, "unit": "bit", "n": 100, "ceiling": 6.6, **fields}


def course(values, **fields):
    return [number(value, step, **fields) for step, value in enumerate(values)]


def said(rule, records):
    """Text and evidence of all that one rule finds."""
    log = open_log(records)
    assert getattr(findings, rule) in RULES
    return [(found.text, found.evidence) for found in getattr(findings, rule)(View(log, "epoch", log.accuracy))]


QUIET = course([5.0, 5.0, 5.0], verdict="informative")


@pytest.mark.parametrize("rule", ["alerts", "failed", "sizes", "skipped", "order", "scored", "follows", "verdicts"])
def test_a_log_without_anything_of_it_is_silent(rule):
    assert said(rule, QUIET) == []


def test_alerts_of_one_name_are_one_finding():
    alerts = [
        {"kind": "alert", "run": "a", "step": s, "name": "collapse", "text": f"rank {9 - s}", "layer": "z"}
        for s in (3, 4)
    ]
    assert said("alerts", [*QUIET, *alerts]) == [("Alert in a: collapse at z, from epoch 3 on", "rank 5")]


def test_failed_measurements_are_counted_per_run():
    failures = [{"kind": "failure", "run": "a", "step": s, "error": f"NaN {s}"} for s in (2, 7)]
    assert said("failed", [*QUIET, *failures]) == [("2 measurements of a failed, at epoch 2 to 7", "NaN 2")]


def test_looks_that_a_budget_left_out_are_told():
    records = [*QUIET, {"kind": "skipped", "run": "a", "step": 4, "text": "over its budget"}]
    assert said("skipped", records) == [("Looks at a were left out, from epoch 4 on", "over its budget")]


def test_values_of_different_n_are_not_comparable():
    records = [*QUIET, *course([5.0, 5.0], run="b", n=50)]
    ((text, evidence),) = said("sizes", records)
    assert text == "Not comparable: DSE(Z), scale-free neighbour graph, t = 3"
    assert evidence.startswith("measured at different n (50 to 100)")


@pytest.mark.parametrize(
    ("verdict", "text"),
    [
        ("saturated: every point", "Every point is seen by itself: DSE(Z) in b, scale-free neighbour graph, t = 3"),
        ("collapsed: all points", "One cluster is seen: DSE(Z) in b, scale-free neighbour graph, t = 3"),
        ("not told from chance: x", "No more than chance: DSE(Z) in b, scale-free neighbour graph, t = 3"),
        ("above H(Y): 4 bit", "More than the labels hold: DSE(Z) in b, scale-free neighbour graph, t = 3"),
        ("too few points: x", "Too few points: DSE(Z) in b, scale-free neighbour graph, t = 3"),
    ],
)
def test_verdicts_of_the_last_look_are_told(verdict, text):
    records = [*QUIET, number(5.0, 0, run="b"), number(5.0, 1, run="b", verdict=verdict)]
    assert said("verdicts", records) == [(text, f"at the last look {verdict}")]
    over = [*records, number(5.0, 2, run="b", verdict="informative")]
    assert said("verdicts", over) == []


def test_where_is_said_among_the_measures_that_are_spoken_of_alone():
    """The name of one measure is a part of another's; the adjusted one is taken of all layers of its own."""
    matched = [number(1.0, name="DSMI(Z;Y)", layer=layer, verdict="informative") for layer in ("z", "w")]
    adjusted = number(0.0, name="adjusted DSMI(Z;Y)", layer="z", verdict="not told from chance: x")
    ((text, _evidence),) = said("verdicts", [*matched, adjusted])
    assert text == "No more than chance: adjusted DSMI(Z;Y), scale-free neighbour graph, t = 3"


def test_a_fixed_width_that_says_nothing_is_no_alarm_where_another_rule_does():
    records = [*QUIET, *course([5.0], rule="sigma = 10", verdict="saturated: x")]
    log = open_log(records)
    assert [found.alarm for found in findings.verdicts(View(log, "epoch", ""))] == [False]
    alone = open_log(course([5.0], rule="sigma = 10", verdict="saturated: x"))
    assert [found.alarm for found in findings.verdicts(View(alone, "epoch", ""))] == [True]


@pytest.mark.parametrize(
    ("values", "error", "words"),
    [
        ([4.0, 5.0, 6.0], 0.1, "rises"),
        ([6.0, 5.0, 4.0], 0.1, "falls"),
        ([5.0, 5.06, 5.05], 0.0, "hardly moves"),  # a hundredth of the ceiling is .066
        ([4.0, 5.0, 6.0], 0.8, "hardly moves"),  # two errors of the difference are 2.3
        ([4.0, 6.0, 5.0], 0.1, "rises and then falls"),
        ([6.0, 4.0, 5.0], 0.1, "falls and then rises"),
        ([4.0, 6.0, 5.0], 0.45, "hardly moves"),  # a turn needs one and a half times as much
    ],
)
def test_a_course_is_told_beyond_its_errors(values, error, words):
    ((text, evidence),) = said("moves", course(values, stderr=error))
    assert text == f"DSE(Z) {words}"
    assert evidence.startswith(f"{values[0]:.3g} → {values[-1]:.3g}")
    assert evidence.endswith("of at most 6.6")


@pytest.mark.parametrize("looks", [8, 30, 400])
def test_noise_has_no_course(rng, looks):
    lines = [course((5.0 + 0.3 * rng.normal(size=looks)).tolist()) for _ in range(40)]
    words = [said("moves", line)[0][0] for line in lines]
    assert words.count("DSE(Z) hardly moves") >= 37


def test_a_course_is_told_through_noise(rng):
    rise = np.linspace(3.0, 5.0, 400)
    assert said("moves", course((rise + 0.3 * rng.normal(size=400)).tolist()))[0][0] == "DSE(Z) rises"
    turn = 4.0 - np.abs(np.linspace(-1.0, 1.0, 400))
    assert said("moves", course((turn + 0.1 * rng.normal(size=400)).tolist()))[0][0] == "DSE(Z) rises and then falls"


def test_few_runs_are_named_and_many_are_counted():
    few = course([4.0, 6.0], run="up") + course([6.0, 4.0], run="down")
    assert said("moves", few) == [("DSE(Z) rises in up, falls in down", "up 4 → 6 bits; down 6 → 4 bits; at most 6.6")]
    many = [record for k in range(9) for record in course([4.0, 6.0 + k / 100], run=f"r{k}")] + course(
        [6.0, 4.0], run="down"
    )
    assert said("moves", many) == [
        ("DSE(Z) rises in 9 of 10 runs, falls in 1", "most in r8 4 → 6.08 bits; at most 6.6")
    ]


def test_layers_are_told_run_by_run():
    records = [r for run in "ab" for k in range(6) for r in course([4.0, 6.0 - k], run=run, layer=f"net.{k}")]
    assert [text for text, _evidence in said("moves", records)] == [
        "DSE(Z) of a falls in 3 of 6 layers, rises in 2, hardly moves in 1",
        "DSE(Z) of b falls in 3 of 6 layers, rises in 2, hardly moves in 1",
    ]


def test_who_tells_the_most_of_the_labels():
    records = [*course([1.0, 2.5], name="DSMI(Z;Y)", stderr=0.04), *course([1.0, 1.5], name="DSMI(Z;Y)", run="b")]
    assert said("order", records) == [
        ("a tells the most of the labels in the end", "DSMI(Z;Y): a 2.5 ± 0.04, b 1.5 bits")
    ]


def scaled(values, distances, rule="sigma = 10"):
    where = {"name": "median distance", "rule": None, "unit": "distance"}
    return [*course(values, rule=rule), *course(distances, **where)]


def test_an_entropy_that_follows_the_scale_is_told():
    ((text, evidence),) = said("follows", scaled([1.0, 2.0, 3.0, 4.0], [1.0, 3.0, 9.0, 27.0]))
    assert text == "DSE(Z), fixed sigma = 10, as published, follows the scale of the embedding "
    assert evidence.startswith("rank correlation 1.00 with the median distance, which changes 27-fold (a)")


@pytest.mark.parametrize(
    "records",
    [
        scaled([1.0, 2.0, 3.0, 4.0], [1.0, 3.0, 9.0, 27.0], rule="neighbors"),  # free of scale
        scaled([1.0, 2.0, 3.0, 4.0], [1.0, 1.1, 1.2, 1.3]),  # the scale hardly changes
        scaled([4.0, 1.0, 3.0, 2.0], [1.0, 3.0, 9.0, 27.0]),
        scaled([1.0, 2.0, 3.0], [1.0, 3.0, 9.0]),  # three looks are too few
        scaled([1.0, 1.0, 1.0, 1.0], [1.0, 3.0, 9.0, 27.0]),
        scaled([1.0, 2.0, 3.0, 4.0], [0.0, 3.0, 9.0, 27.0]),  # a collapsed layer has no scale
    ],
)
def test_no_entropy_follows_a_scale_that_it_does_not_follow(records):
    assert said("follows", records) == []


def test_ranks_are_those_of_scipy():
    from scipy.stats import spearmanr

    values, distances = [3.0, 1.0, 2.0, 2.0, 5.0, 4.0], [2.0, 1.0, 2.0, 3.0, 7.0, 5.0]
    log = open_log(scaled(values, distances))
    view = View(log, "epoch", "")
    rank, growth = findings._together(view.lines("DSE(Z)", "sigma = 10")[0], view.distance[0])
    assert rank == pytest.approx(spearmanr(values, distances).statistic)
    assert growth == 2.5


def test_accuracies_are_told_with_their_best():
    scores = [
        {"kind": "scalar", "run": run, "step": s, "name": "val_acc", "value": value}
        for run, own in {"a": (0.5, 0.9, 0.8), "b": (0.1, 0.2, 0.3)}.items()
        for s, value in enumerate(own)
    ]
    assert said("scored", [*QUIET, *scores]) == [
        ("Val acc ends at 0.8 in a, 0.3 in b", "best 0.9 at epoch 1; best 0.3 at epoch 2")
    ]


@pytest.mark.parametrize(("ends", "least"), [((0.6,) * 5, "0.6"), ((0.9, 0.2, 0.8, 0.7, 0.6, 0.3), "0.3")])
def test_accuracies_of_more_than_are_named_are_at_most_the_next(ends, least):
    scores = [{"kind": "scalar", "run": f"r{k}", "step": 0, "name": "acc", "value": end} for k, end in enumerate(ends)]
    ((text, _evidence),) = said("scored", [*QUIET, *scores])
    assert text.endswith(f" in r{4 if min(ends) < 0.6 else 3}, and at {least} or less elsewhere")


def test_a_name_read_from_the_right_leaves_the_numbers_beside_it_where_they_are():
    scores = [{"kind": "scalar", "run": run, "step": 0, "name": "acc", "value": 0.6} for run in ("\u05d0\u05d1 1", "b")]
    ((text, _evidence),) = said("scored", [*QUIET, *scores])
    assert text == "Acc ends at 0.6 in \u2068\u05d0\u05d1 1\u2069, 0.6 in b"


def test_long_names_are_shortened_in_sentences():
    long = "a-run-of-which-the-name-says-all-that-was-set-in-it"
    ((text, _evidence),) = said("moves", [*course([4.0, 6.0], run=long), *course([4.0, 4.0], run="b")])
    assert text == "DSE(Z) rises in a-run-of-which-the-…l-that-was-set-in-it, hardly moves in b"


def test_what_is_wrong_stands_first():
    records = [*course([4.0, 6.0]), {"kind": "failure", "run": "a", "step": 1, "error": "NaN"}]
    found = findings.what_happened(View(open_log(records), "epoch", ""))
    assert [finding.alarm for finding in found] == [True, False]
