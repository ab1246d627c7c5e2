"""The figures of the training study: what stands over their panels."""

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr

from recipes.lab.log import Cell
from recipes.training import drawing

MEASURE = "DSE(Z), sigma = 10"


def cell(condition, accuracy, values, seed=0):
    key = {"network": "resnet", "data": "MNIST", "condition": condition, "seed": seed}
    looks = list(range(len(accuracy)))
    return Cell(key=key, values={"looks": looks, "accuracy": accuracy, MEASURE: values})


CELLS = [
    cell("supervised", [0.1, 0.5, 0.7, None], [1.0, 2.0, 9.0, 4.0]),
    cell("supervised", [0.2, 0.6, 0.8], [1.5, None, 3.0], seed=1),
    cell("contrastive", [0.3, 0.4, 0.5], [2.0, 2.0, 2.0]),
]


def test_correlations_are_over_all_looks_that_have_both():
    found = drawing.correlations(CELLS, MEASURE)
    pairs = np.array([(0.1, 1.0), (0.5, 2.0), (0.7, 9.0), (0.2, 1.5), (0.8, 3.0)])
    assert set(found) == {"supervised"}  # what does not move has none
    assert found["supervised"] == pytest.approx([pearsonr(*pairs.T).statistic, spearmanr(*pairs.T).statistic])
    assert drawing.correlations([], MEASURE) == {}


def test_panels_tell_correlations_and_no_legend_covers_a_line():
    scatter, curves = drawing.against_accuracy(CELLS, [MEASURE]), drawing.against_epoch(CELLS, [MEASURE])
    pearson, spearman = drawing.correlations(CELLS, MEASURE)["supervised"]
    assert [text.get_text() for text in scatter.axes[0].texts] == [f"{pearson:+.2f} / {spearman:+.2f}"]
    for figure in (scatter, curves):
        assert [text.get_text() for text in figure.legends[0].get_texts()] == list(drawing.LOOKS)
        assert all(axis.get_legend() is None for axis in figure.axes)
    assert "Pearson" in scatter.legends[0].get_title().get_text()
