"""Bases of long vectors, some rows at a time: orthonormal to rounding, of the same directions, whatever the cores."""

import numpy as np
import pytest

from diffspec._arrays import to_numpy
from diffspec.machine.threads import one_by_one
from diffspec.solvers import _krylov
from diffspec.solvers._krylov import inner, orthonormal


@pytest.fixture
def few_rows(monkeypatch):
    monkeypatch.setattr(_krylov, "ROWS", 64)
    monkeypatch.setattr(_krylov, "SHORT", 64)


def basis(n, k, seed=0):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(n, k)))[0]


def span(vectors):
    """The projection on what `vectors` span."""
    return vectors @ vectors.T


def assert_basis(found, blocks):
    both = np.concatenate([*blocks, found], axis=1)
    assert np.abs(both.T @ both - np.eye(both.shape[1])).max() < 1e-12


# Row counts that blocks of 64 divide, and that leave fewer rows than vectors.
@pytest.mark.usefixtures("few_rows")
@pytest.mark.parametrize("n", [65, 128, 200, 321, 643])
@pytest.mark.parametrize("widths", [[], [5], [7, 1, 12]], ids=str)
def test_a_basis_by_rows_spans_what_the_one_of_all_rows_does(n, widths, monkeypatch):
    blocks = np.split(basis(n, sum(widths) or 1), np.cumsum(widths)[:-1], axis=1) if widths else []
    vectors = np.random.default_rng(1).normal(size=(n, 8)) * 10.0 ** np.arange(-4, 4)
    kept = vectors.copy()
    found = orthonormal(vectors, blocks)
    assert np.array_equal(vectors, kept)
    assert_basis(found, blocks)
    assert found.shape == (n, 8)
    monkeypatch.setattr(_krylov, "SHORT", 10**6)
    assert np.abs(span(found) - span(orthonormal(vectors, blocks))).max() < 1e-9
    assert inner(found, vectors) == pytest.approx(found.T @ vectors, abs=1e-9)


@pytest.mark.usefixtures("few_rows")
@pytest.mark.parametrize("exhausted", ["all", "half", "zero", "equal"])
def test_directions_that_are_exhausted_are_replaced_by_new_ones(exhausted):
    n, r = 300, np.random.default_rng(2)
    blocks = np.split(basis(n, 20), 4, axis=1)
    within = np.concatenate(blocks, axis=1) @ r.normal(size=(20, 6))
    vectors = {
        "all": within,
        "half": np.concatenate([within[:, :3], r.normal(size=(n, 3))], axis=1),
        "zero": np.zeros((n, 6)),
        "equal": np.repeat(r.normal(size=(n, 1)), 6, axis=1),
    }[exhausted]
    assert_basis(orthonormal(vectors, blocks), blocks)


@pytest.mark.parametrize("rows", [64, 10**6])
@pytest.mark.parametrize("exhausted", [False, True])
def test_vectors_that_lie_in_the_near_blocks_alone_are_orthogonal_to_all(rows, exhausted, monkeypatch):
    monkeypatch.setattr(_krylov, "ROWS", 64)
    monkeypatch.setattr(_krylov, "SHORT", rows)
    n, r = 400, np.random.default_rng(2)
    blocks = np.split(basis(n, 40), 8, axis=1)
    new = basis(n, 45)[:, 40:] * (0.0 if exhausted else 1e-3)
    vectors = np.concatenate(blocks[-2:], axis=1) @ r.normal(size=(10, 5)) + new
    for noise in (0.0, 1e-12, 1e-6, 1.0):  # what is known to lie there may yet have a part in the others
        assert_basis(orthonormal(vectors + blocks[0] * noise, blocks, blocks[-2:]), blocks)


@pytest.mark.usefixtures("few_rows")
def test_rows_without_anything_leave_the_others_as_they_are():
    vectors = np.zeros((640, 5))
    vectors[64:128] = np.random.default_rng(3).normal(size=(64, 5))
    found = orthonormal(vectors, [])
    assert_basis(found, [])
    assert np.abs(found[:64]).max() == np.abs(found[128:]).max() == 0.0


@pytest.mark.usefixtures("few_rows")
def test_the_numbers_do_not_depend_on_the_cores():
    blocks, vectors = [basis(500, 9)], np.random.default_rng(4).normal(size=(500, 6))
    (alone,) = one_by_one(lambda _: orthonormal(vectors, blocks), [0])
    assert np.array_equal(orthonormal(vectors, blocks), alone)
    (alone,) = one_by_one(lambda _: inner(vectors, blocks[0]), [0])
    assert np.array_equal(inner(vectors, blocks[0]), alone)


def test_few_vectors_of_many_rows_are_taken_whole(monkeypatch):
    monkeypatch.setattr(_krylov, "_by_rows", lambda *_: pytest.fail("by rows"))
    blocks, vectors = [basis(9000, 4)], np.random.default_rng(6).normal(size=(9000, 2))
    assert_basis(orthonormal(vectors, blocks), blocks)
    assert inner(vectors, blocks[0]).shape == (2, 4)


def test_other_libraries_and_short_vectors_are_taken_whole(to_library, monkeypatch):
    monkeypatch.setattr(_krylov, "_by_rows", lambda *_: pytest.fail("by rows"))
    blocks, vectors = [basis(90, 4)], np.random.default_rng(5).normal(size=(90, 3))
    expected = orthonormal(vectors, blocks)
    monkeypatch.setattr(_krylov, "SHORT", 20)
    own = to_library(vectors)
    if isinstance(own, np.ndarray):
        return
    found = orthonormal(own, [to_library(blocks[0])])
    assert np.abs(to_numpy(found) - expected).max() < 1e-12
