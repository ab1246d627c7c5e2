"""Keys of numbers: short for what is usual, taken by every logger, another one for everything that is another."""

from __future__ import annotations

import re
from typing import Any

import pytest

from diffspec import Gaussian
from diffspec.conventions import default, paper
from diffspec.training.sinks.keys import Keys

RULES = {"sigma = 10": paper, "neighbors": default, "median": {"kernel": Gaussian(), "alpha": 0.5, "t": 1.0}}


def key(name: str, rule: str | None = "neighbors", layer: str = "encoder.0") -> str:
    return Keys(RULES).of({"name": name, "rule": rule, "layer": layer})


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        (("DSE(Z)",), "diffspec/dse/encoder.0"),
        (("DSMI(Z;Y)",), "diffspec/dsmi_y/encoder.0"),
        (("DSMI(Z;X)", "sigma = 10"), "diffspec/dsmi_x/sigma_10/encoder.0"),
        (("adjusted DSMI(Z;Y)",), "diffspec/adjusted_dsmi_y/encoder.0"),
        (("median distance", None), "diffspec/median_distance/encoder.0"),
        (("DSE(Z) change by scale", "median"), "diffspec/dse_change_by_scale/median/encoder.0"),
        (("RankMe",), "diffspec/rankme/encoder.0"),
        (("DSE(Z)", "neighbors", "h[-1]:mean"), "diffspec/dse/h_-1_mean"),
        (("DSE(Z)", "neighbors", ""), "diffspec/dse/_"),
    ],
)
def test_what_a_number_is_called(asked: Any, wanted: str) -> None:
    assert key(*asked) == wanted


def test_mlflow_takes_them() -> None:
    from mlflow.utils.validation import _validate_metric_name

    odd = ["".join(map(chr, range(32, 127))), "Entropie für jede Schicht", "層", "..", "/"]
    for name in odd:
        found = key(name, name, name)
        assert re.fullmatch(r"diffspec(/[\w. -]+){3}", found, flags=re.ASCII)
        if name not in ("..", "/"):
            _validate_metric_name(found)


def test_two_that_differ_in_what_no_logger_takes_are_kept_apart() -> None:
    keys = Keys(RULES)
    records = [{"name": "DSE(Z)", "rule": "neighbors", "layer": layer} for layer in ("a:b", "a;b", "a_b", "a:b")]
    assert [keys.of(record) for record in records] == [
        "diffspec/dse/a_b",
        "diffspec/dse/a_b.2",
        "diffspec/dse/a_b.3",
        "diffspec/dse/a_b",
    ]


def test_one_rule_goes_without_saying() -> None:
    keys = Keys({"a": default, "b": default})
    assert [keys.of({"name": "DSE(Z)", "rule": rule, "layer": "0"}) for rule in "ab"] == [
        "diffspec/dse/0",
        "diffspec/dse/b/0",
    ]
