"""What is compared with the published panels of initialisations."""

import pytest

from recipes.lab.log import Cell
from recipes.looks import initialisation_planes as planes
from recipes.studies.rules import HIGH, LOW


def cell(how, seed, entropies, shares):
    values = {"looks": [0, 1, 12], planes.DSE: entropies, planes.BETWEEN: shares, "accuracy": [0.1, 0.2, 0.3]}
    return Cell(key={"initialiser": how, "seed": seed, "train": 2560}, values=values)


CELLS = [
    cell(LOW, 0, [0.0, 4.0, 5.0], [0.1, 0.2, 0.5]),
    cell(LOW, 1, [0.0, 6.0, 5.0], [0.1, 0.2, 0.3]),
    cell(HIGH, 0, [8.0, 3.0, 4.5], [0.1, 0.1, 0.1]),
]


def test_small_weights_are_compared_with_large_ones_by_means_over_seeds():
    found = planes._numbers(CELLS)
    assert found["DSE before, less"] == -8.0
    assert found["DSE after an epoch, less"] == pytest.approx(5.0 - 3.0)
    assert found["DSE at the end, less"] == pytest.approx(0.5)
    assert found["unfolded, less"] == pytest.approx(0.4 - 0.1)


def test_the_table_has_a_row_per_initialisation_and_epoch():
    lines = planes.table(CELLS).splitlines()
    assert len(lines) == 2 + 3 * len(CELLS)
    assert lines[2] == "| std 0.01 | 0 | 0.00 | 0.10 | 10.0 |"
