"""float32 products: taken where they are harmless, taken back where they are not."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from diffspec.operators.dense import Dense, in_float32, rounding_is_harmless
from diffspec.solvers import Exact, Lanczos
from diffspec.spectra.spectrum import shannon, shannon_stderr

N = 900
SPECTRA = {
    "clusters on a low bulk": np.concatenate([np.ones(3), np.full(N - 3, 1e-3)]),
    "high bulk": np.concatenate([np.ones(1), np.full(N - 1, 0.2)]),
    "decaying": np.exp(-np.arange(N) / 1.5),
}


@dataclass(frozen=True, slots=True, eq=False)
class Recorded(Dense):
    """An operator that notes in which precision it was multiplied."""

    seen: list = field(default_factory=list)

    def matmul(self, vectors):
        self.seen.append(vectors.dtype.name)
        return Dense.matmul(self, vectors)


def recorded(values):
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(N, N)))[0]
    return Recorded(((turn * values) @ turn.T).astype(np.float32))


@pytest.mark.parametrize(
    ("name", "last"), [("clusters on a low bulk", "float32"), ("high bulk", "float32"), ("decaying", "float64")]
)
def test_the_spectrum_that_was_found_decides_the_precision(name, last):
    operator = recorded(SPECTRA[name])
    found = Lanczos(probes=8, deflation=8)(operator, np.random.default_rng(1))
    assert operator.seen[0] == "float32"
    assert operator.seen[-1] == last
    exact = shannon(Exact()(Dense(operator.matrix.astype(np.float64)), np.random.default_rng(0)))
    assert abs(shannon(found) - exact) <= 4 * (shannon_stderr(found) or 0.0) + 1e-4


def test_a_low_bulk_is_what_the_sizes_alone_would_call_harmful():
    assert not rounding_is_harmless(recorded(SPECTRA["clusters on a low bulk"]))


def test_float64_operators_never_see_float32_vectors():
    operator = recorded(SPECTRA["high bulk"])
    operator = Recorded(operator.matrix.astype(np.float64))
    Lanczos(probes=8, deflation=8)(operator, np.random.default_rng(1))
    assert not in_float32(operator)
    assert set(operator.seen) == {"float64"}
