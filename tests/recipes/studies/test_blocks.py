"""The study of blocks: what it counts, draws and takes from the study of training."""

import numpy as np
import pytest

import recipes
from recipes.lab import log as _log
from recipes.lab import pages
from recipes.lab.log import Cell

BLOCKS, TRAINING = recipes.load("blocks"), recipes.load("training")
LOOKS = [0, 1, 2, 4]


def cell(condition="supervised", seed=0, looks=LOOKS, **ends):
    """Two blocks; DSMI(Z;Y) of the last rises by 1 after epoch 1, DSMI(Z;X) falls, or as `ends` says."""
    curves = {
        "encoder.one: DSMI(Z;Y)": [0.5, 0.5, 0.5, 0.5],
        "encoder.two: DSMI(Z;Y)": [0.3, 0.4, 0.9, 1.4],
        "encoder.one: DSMI(Z;X)": [0.9, 0.9, 0.9, 0.9],
        "encoder.two: DSMI(Z;X)": [0.3, 0.8, 0.92, 0.6],
        "encoder.one: DSE(Z)": [5.0] * 4,
        "encoder.two: DSE(Z)": [4.0] * 4,
    } | ends
    values = {
        f"{name}, {rule}": values[: len(looks)]
        for name, values in curves.items()
        for rule in ("sigma = 10", "neighbors")
    }
    key = {"network": "resnet", "data": "MNIST", "condition": condition, "seed": seed, "train": 2000}
    return Cell(key=key, values={"looks": looks, **values})


def test_numbers_of_blocks():
    flat = {"encoder.two: DSMI(Z;X)": [0.3, 0.3, 0.3, 0.3], "encoder.two: DSMI(Z;Y)": [0.0, 0.1, 0.1, 0.1]}
    found = BLOCKS._numbers([cell(), cell("wrong labels", **flat), cell(seed=1, **flat)])
    assert found["last block learns, neighbors, supervised"] == pytest.approx(0.5)
    assert found["last block learns, neighbors, wrong labels"] == 0.0
    assert found["deeper knows more, sigma = 10, supervised"] == pytest.approx((0.9 - 0.4) / 2)
    assert found["compresses, neighbors"] == 0.5
    assert found["processing, X, neighbors"] == 1.0  # .92 beside .9 is chance
    assert found["processing, Y, neighbors"] == pytest.approx((0.5 + 1 + 1) / 3)


def test_smoke_cells_meet_no_claim():
    small = [Cell(key={**one.key, "train": 64}, values=one.values) for one in (cell(), cell("wrong labels"))]
    assert {verdict.status for verdict in BLOCKS.check(small)} == {"not run"}


def test_figures_have_a_column_per_study_and_a_line_per_block():
    cells = [cell(), cell(seed=1), cell("wrong labels", looks=[0, 1, 2])]
    figure = BLOCKS.figure(cells)
    assert len(figure.axes) == 3 * 2
    first, second = figure.axes[2:4]
    assert [line.get_label() for line in first.lines] == ["one", "two"]
    assert list(first.lines[1].get_ydata()) == pytest.approx([0.3, 0.4, 0.9, 1.4])
    assert list(second.lines[1].get_xdata()) == [0, 1, 2]
    plane = BLOCKS.FURTHER["plane"](cells)
    assert np.allclose(plane.axes[0].collections[1].get_offsets()[-1], [0.6, 1.4])


def test_seeds_that_stop_at_other_epochs_are_averaged_where_all_are_and_at_their_ends():
    drawn = BLOCKS.figure([cell(), cell(seed=1, looks=[0, 1, 2])]).axes[1].lines[1]
    assert np.allclose(drawn.get_xydata(), [[0, 0.3], [1, 0.4], [2, 0.9], [3, (1.4 + 0.9) / 2]])


def test_the_page_has_every_block_in_order():
    text = pages.page("blocks", [cell()], "cpu.png")
    assert "| resnet, MNIST, supervised | +0.00, +1.00 | 0.50, 1.40 |" in text


def test_plans():
    keys = BLOCKS.plan(BLOCKS.CPU)
    assert len(keys) == 6 * 3
    assert all(key["blocks"] and key["looks"] == key["whole looks"] for key in keys)
    assert [key["seed"] for key in keys] == sorted(key["seed"] for key in keys)
    assert BLOCKS.plan(BLOCKS.PAPER) == TRAINING.plan(TRAINING.PAPER)


def test_cells_of_the_study_of_training_are_taken(tmp_path, monkeypatch):
    keys = TRAINING.plan(TRAINING.PAPER)
    beside = _log.Log(tmp_path / "training" / "paper.jsonl")
    beside.take([Cell(key=key, values={"y": 1.0}) for key in ({**keys[0], "rate": 9.0}, keys[3])])
    asked = []
    monkeypatch.setattr(BLOCKS, "measure_all", lambda log, function, keys, price: asked.extend(map(log.wanted, keys)))
    log = _log.Log(tmp_path / "blocks" / "paper.jsonl")
    BLOCKS.run(BLOCKS.PAPER, log)
    assert [dict(one.key) for one in log.cells] == [keys[3]]
    assert sum(key is None for key in asked) == 1
