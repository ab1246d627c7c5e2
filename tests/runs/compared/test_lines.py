"""What lines and conditions are made of."""

import pytest

from diffspec.runs.compared.conditions import conditions
from diffspec.runs.compared.view import View
from diffspec.runs.plots.series import open_log
from diffspec.runs.report.charts.measures import chips


def log_of(runs):
    """One number per run, and its settings where there are some."""
    records = []
    for run, values in runs.items():
        records += [{"kind": "settings", "run": run, "values": values}] if values is not None else []
        records.append(
            {"kind": "number", "run": run, "step": 0, "layer": "z", "name": "DSE(Z)", "rule": "r", "value": 1.0}
        )
    return open_log(records)


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ({"a": None, "b": None}, {"a": ("a",), "b": ("b",)}),
        ({"a, seed 0": None, "a, seed 1": None, "b": None}, {"a": ("a, seed 0", "a, seed 1"), "b": ("b",)}),
        ({"a_seed0": None, "a_seed1": None}, {"a": ("a_seed0", "a_seed1")}),
        ({"seed 0": None, "seed 1": None}, {"all seeds": ("seed 0", "seed 1")}),
        (
            {"run": {"lr": 1, "seed": 0}, "run (b.jsonl)": {"lr": 1, "seed": 1}},
            {"run": ("run", "run (b.jsonl)")},
        ),
        # Of the same seed, or of other settings: two conditions.
        (
            {"run": {"lr": 1, "seed": 0}, "run (b.jsonl)": {"lr": 1, "seed": 0}},
            {r: (r,) for r in ("run", "run (b.jsonl)")},
        ),
        (
            {"run": {"lr": 1, "seed": 0}, "run (b.jsonl)": {"lr": 2, "seed": 1}},
            {r: (r,) for r in ("run", "run (b.jsonl)")},
        ),
        ({"run": {"lr": 1}, "run (b.jsonl)": {"lr": 1}}, {r: (r,) for r in ("run", "run (b.jsonl)")}),
        ({"unseeded1": None, "unseeded2": None}, {"unseeded1": ("unseeded1",), "unseeded2": ("unseeded2",)}),
    ],
)
def test_runs_that_differ_in_the_seed_only_are_one_condition(runs, expected):
    assert {found.name: found.runs for found in conditions(log_of(runs))} == expected


def test_names_of_layers_lose_what_all_begin_with():
    records = [
        {"kind": "number", "run": "a", "step": 0, "layer": layer, "name": "DSE(Z)", "rule": "r", "value": 1.0}
        for layer in ("net.block1.conv", "net.block2.conv")
    ]
    view = View(open_log(records), "step", "")
    assert list(view.short.values()) == ["block1.conv", "block2.conv"]
    assert View(open_log(records[:1]), "step", "").short == {"net.block1.conv": "net.block1.conv"}


@pytest.mark.parametrize(
    ("layers", "short"),
    [
        (["net.blocks.0", "net.blocks.11"], ["blocks.0", "blocks.11"]),
        (["net.0.0", "net.0.1.conv"], ["net.0.0", "net.0.1.conv"]),
        (["0", "2"], ["layer 0", "layer 2"]),
        (["1.0", "1.1"], ["layer 1.0", "layer 1.1"]),
        (["3"], ["layer 3"]),
        (["0", "head"], ["layer 0", "head"]),
    ],
)
def test_no_name_of_a_layer_is_a_number_alone(layers, short):
    where = {"kind": "number", "run": "a", "step": 0, "name": "DSE(Z)", "rule": "r", "value": 1.0}
    view = View(open_log([where | {"layer": layer} for layer in layers]), "step", "")
    assert list(view.short.values()) == short
    assert [chip.name for chip in chips(view)] == (short if len(short) > 1 else [])


def test_over_seeds_only_common_steps_are_drawn():
    records = [
        {
            "kind": "number",
            "run": f"a, seed {seed}",
            "step": step,
            "layer": "z",
            "name": "DSE(Z)",
            "rule": "r",
            "value": v,
        }
        for seed, own in enumerate(((1.0, 2.0, 3.0), (3.0, 6.0)))
        for step, v in enumerate(own)
    ]
    (line,) = View(open_log(records), "step", "").lines("DSE(Z)", "r")
    assert (line.x, line.y, line.low, line.high, line.seeds) == ([0, 1], [2.0, 4.0], [1.0, 2.0], [3.0, 6.0], 2)
