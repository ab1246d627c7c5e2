"""The stochastic solvers' arithmetic against textbook formulas, and their cost in products as documented."""

import math
from dataclasses import dataclass, field

import numpy as np
import pytest
from scipy import stats

from diffspec import Chebyshev, Exact, InputError, Lanczos, LowRank
from diffspec.operators.dense import Dense
from diffspec.solvers._calibrate import Known, _widening, calibrated, measure
from diffspec.solvers._lapack import eigenvalues
from diffspec.solvers.chebyshev import _density, _intervals, _jackson, _moments
from diffspec.solvers.lanczos import FIRST_CHECK, _noise, _within
from diffspec.spectra.spectrum import Spectrum, shannon_stderr, truncation


@dataclass(frozen=True, slots=True, eq=False)
class Counting(Dense):
    """Remembers the widths of its products."""

    widths: list = field(default_factory=list)

    def matmul(self, vectors):
        self.widths.append(vectors.shape[1])
        return Dense.matmul(self, vectors)


def _counting(n):
    return Counting(np.diag(0.2 + 0.8 * np.linspace(1.0, 0.0, n)))


def _spectrum(nodes, weights, samples=None):
    nodes, weights = np.array(nodes), np.array(weights)
    return Spectrum(nodes=nodes, weights=weights, n=int(weights.sum()), floor=0.0, samples=samples)


class TestLanczos:
    @pytest.fixture(autouse=True)
    def whole(self, monkeypatch):
        """The diagonal operators here would be solved piece by piece (tests/operators/test_pieces.py)."""
        monkeypatch.setattr("diffspec.solvers.lanczos.PIECE", 0.0)
        monkeypatch.setattr("diffspec.solvers._krylov.pieces_that_fit", lambda operator: None)

    def test_usual_settings(self):
        usual = Lanczos()
        expected = "Lanczos(tol=0.001, probes=16, deflation=16, power=3, steps=24, times=(1.0,), most=128)"
        assert repr(usual) == expected
        usual(_counting(20), np.random.default_rng(0))

    def test_one_round_costs_the_products_that_are_documented(self):
        operator = _counting(400)
        Lanczos(tol=None, probes=3, deflation=2, power=3, steps=5)(operator, np.random.default_rng(0))
        assert operator.widths == [2] * 4 + [5] * 5

    def test_with_a_tolerance_products_go_on_until_the_bracket_is_narrow(self):
        flat, decaying = _counting(400), Counting(np.diag(0.97 ** np.arange(400)))
        for operator in (flat, decaying):
            solver = Lanczos(tol=1e-6, probes=3, deflation=2, power=1, most=3)
            found = solver(operator, np.random.default_rng(0))
            assert truncation(found) <= shannon_stderr(found) / 2.0
        assert len(flat.widths) == 2 + FIRST_CHECK < len(decaying.widths)

    @pytest.mark.parametrize(
        ("n", "lowest", "rounds"), [(228, 0.2, [4]), (229, 0.2, [4, 8]), (304, -0.6, [4]), (305, -0.6, [4, 8])]
    )
    def test_probes_are_doubled_until_a_round_costs_as_much_as_all_eigenvalues(self, n, lowest, rounds):
        # The first round ends with 4 blocks of 2 vectors and 5 of 6; of indefinite operators more rules are read off.
        operator = Counting(np.diag(np.linspace(1.0, lowest, n)))
        solver = Lanczos(tol=1e-12, probes=4, deflation=2, most=8, steps=4)
        found = solver(operator, np.random.default_rng(0))
        starts = [width for width, before in zip(operator.widths[1:], operator.widths, strict=False) if width > before]
        assert starts == [share + share // 2 for share in rounds]
        if len(rounds) == 1:
            assert (found.samples, found.tol) == (None, None)
        else:
            assert found.samples.shape[0] == 8
            assert found.tol == 1e-12

    @pytest.mark.parametrize(("n", "exact"), [(304, True), (400, False)])
    def test_few_steps_are_no_more_than_the_tolerance_where_all_eigenvalues_are_cheap(self, n, exact):
        operator = Counting(np.diag(np.linspace(1.0, -0.6, n)))
        solver = Lanczos(tol=0.02, probes=4, deflation=2, steps=4, times=(0.5,))
        found = solver(operator, np.random.default_rng(0))
        assert max(operator.widths) == 6  # one round was enough for the probes
        assert (truncation(found, 0.5) == 0.0) == exact
        if not exact:
            assert shannon_stderr(found, 0.5) <= 0.02 * np.log(2) < truncation(found, 0.5)

    def test_the_bracket_is_looked_at_ever_more_seldom(self):
        assert Lanczos()._checks() == [4, 6, 9, 13, 18, 24]
        assert Lanczos(tol=None)._checks() == [24]
        assert Lanczos(steps=3)._checks() == [3]

    @pytest.mark.parametrize(
        ("n", "products", "sampled"),
        [
            (19, [], False),
            (20, [4, 4], False),
            (29, [4, 4], False),
            (30, [4, 4, 11], False),
            (40, [4, 4, 11], False),
            (41, [4, 4, 11, 11], True),
        ],
    )
    def test_a_space_that_would_outgrow_the_operator_gives_all_eigenvalues(self, n, products, sampled):
        # The space has 4, 8, 8 + 11, 30 and 41 vectors.
        operator = _counting(n)
        solver = Lanczos(tol=None, probes=7, deflation=4, power=1, steps=2)
        found = solver(operator, np.random.default_rng(0))
        assert operator.widths == products
        assert (found.samples is not None) == sampled

    def test_steps_end_where_they_cost_less_than_the_probes(self):
        operator = _counting(1000)
        Lanczos(tol=0.5, probes=3, deflation=2, power=3, steps=24)(operator, np.random.default_rng(0))
        assert operator.widths == [2] * 4 + [5] * 4

    def test_float32_operators_multiply_float32_vectors_unless_the_spectrum_decays_too_far(self):
        seen = []

        @dataclass(frozen=True, slots=True, eq=False)
        class Typed(Dense):
            def matmul(self, vectors):
                seen.append(vectors.dtype.name)
                return Dense.matmul(self, vectors)

        solver = Lanczos(tol=0.5, probes=3, deflation=2, steps=4)
        solver(Typed(np.diag(np.linspace(0.2, 1.0, 300)).astype(np.float32)), np.random.default_rng(0))
        assert set(seen) == {"float32"}
        seen.clear()
        decaying = np.exp(-np.arange(2000) / 4.0)
        Lanczos(tol=1e-3, times=(0.2,), most=16)(Typed(np.diag(decaying).astype(np.float32)), np.random.default_rng(0))
        assert seen[0] == "float32"
        assert seen[-1] == "float64"

    def test_one_time_at_which_rounding_counts_is_enough(self):
        found = _spectrum([1.0, 0.0], [1.0, 999.0])
        assert [Lanczos(times=times)._rounded(found) for times in ((1.0, 5.0), (5.0,), (5.0, 1.0))] == [
            True,
            False,
            True,
        ]

    def test_what_does_not_count_is_half_the_error_or_a_share_of_the_tolerance(self):
        exact = _spectrum([1.0, 0.5], [1.0, 1.0])
        assert Lanczos(tol=0.02)._negligible(exact, 1.0) == pytest.approx(1e-4 * math.log(2.0), rel=1e-12)
        assert Lanczos(tol=None)._negligible(exact, 1.0) == pytest.approx(5e-6 * math.log(2.0), rel=1e-12)
        wobbling = _spectrum([1.0, 0.5], [1.0, 1.0], np.array([[1.1, 0.9], [0.9, 1.1]]))
        # dH = sum_k dw_k p_k (H - log p_k) up to a constant: the slope of Shannon's entropy in the weights.
        p = np.array([2.0, 1.0]) / 3.0
        slopes = p * (-(np.log(p)) - (-(p * np.log(p)).sum()) + 1.0)
        values = wobbling.samples @ slopes
        error = values.std(ddof=1) / math.sqrt(2.0)
        assert Lanczos()._negligible(wobbling, 1.0) == pytest.approx(error / 2.0, rel=1e-9)

    @pytest.mark.parametrize("t", [0.5, 1.0, 2.0])
    def test_noise_is_the_entropy_of_the_small_eigenvalues_raised_to_it(self, t):
        # 2e-8 of the largest eigenvalue stands in place of each of the nine below a thousandfold of that.
        found = _spectrum([2.0, 1.0, 2e-5, 0.0], [1.0, 3.0, 5.0, 4.0])
        total = 1.0 + 3.0 * 0.5**t + 5.0 * 1e-5**t
        expected = 9.0 * (2e-8) ** t * t * -math.log(2e-8) / total
        assert _noise(found, t) == pytest.approx(expected, rel=1e-12)

    def test_every_time_asked_must_reach_the_tolerance(self):
        errors = {1.0: 0.01 * math.log(2.0), 2.0: 0.03 * math.log(2.0), 3.0: None}
        asked = [((1.0,), 0.01), ((1.0, 2.0), 0.02), ((1.0, 2.0, 3.0), 0.03), ((3.0,), 1e-9), ((2.0, 1.0), 0.02)]
        found = [_within(lambda _s, t: errors[t], None, Lanczos(times=times), bits) for times, bits in asked]
        assert found == [True, False, True, True, False]

    def test_order_trace_and_squares_are_exact_where_nothing_is_left_to_probe(self):
        operator = Dense(np.diag(np.r_[np.linspace(1.0, 0.5, 20), np.zeros(180)]))
        found = Lanczos(tol=None, deflation=24, power=1, probes=4)(operator, np.random.default_rng(0))
        assert found.weights.sum() == pytest.approx(200.0, rel=1e-12)
        assert found.weights @ found.nodes == pytest.approx(operator.trace(), rel=1e-9)
        assert found.weights @ found.nodes**2 == pytest.approx(operator.frobenius2(), rel=1e-9)


def _leave_one_out(nodes, probes, target, degree):
    """Each row less its moments' excess times the regression of every node on 1, x, ... in the other rows' weights."""
    basis = np.vander(nodes, degree + 1, increasing=True)
    rows = []
    for j, row in enumerate(probes):
        others = np.delete(probes, j, axis=0).sum(axis=0)
        slope = np.linalg.solve(basis.T @ (others[:, None] * basis), basis.T * others)
        rows.append(row - (basis.T @ row - target[: degree + 1]) @ slope)
    return np.array(rows)


class TestCalibration:
    @pytest.fixture
    def drawn(self, rng):
        nodes = np.linspace(-0.5, 1.0, 7)
        probes = rng.uniform(0.5, 1.5, size=(4, 7))
        probes *= 30.0 / probes.sum(axis=1, keepdims=True)
        return nodes, probes, np.array([30.0, 8.0, 9.0, 4.0])

    def test_it_is_regression_on_the_other_probes(self, drawn):
        nodes, probes, target = drawn
        for known in (2, 3, 4):
            found = calibrated(nodes, probes, target[:known], np.zeros(known))
            assert found == pytest.approx(_leave_one_out(nodes, probes, target, known - 1), rel=1e-8)

    def test_a_moment_within_its_rounding_is_left_alone_and_all_above_it(self, drawn):
        nodes, probes, target = drawn
        found = calibrated(nodes, probes, target, np.array([0.0, 0.0, 1e3, 0.0]))
        assert found == pytest.approx(_leave_one_out(nodes, probes, target, 1), rel=1e-8)
        assert np.array_equal(calibrated(nodes, probes, target, np.array([0.0, 1e3, 0.0, 0.0])), probes)

    def test_noise_counts_from_a_tenth_of_the_spread_on(self, drawn):
        nodes, probes, target = drawn
        total = probes.sum(axis=0)
        scale = math.sqrt(total @ (nodes - total @ nodes / total.sum()) ** 2 / total.sum())
        spread = math.sqrt(30.0) * scale
        for share, untouched in ((0.099, False), (0.101, True)):
            found = calibrated(nodes, probes, target[:2], np.array([0.0, share * spread]))
            assert np.array_equal(found, probes) == untouched

    def test_the_interval_is_students_of_a_finite_population(self):
        expected = math.sqrt(1.0 - 5.0 / 20.0) * stats.t.ppf(0.975, 4) / 1.959964
        assert _widening(5, 20.0) == pytest.approx(expected, rel=1e-12)
        assert _widening(5, 5.0) == _widening(5, 4.0) == 0.0

    def test_weights_are_the_mean_of_rows_that_are_widened_about_it(self, drawn):
        nodes, probes, _target = drawn
        fixed = np.array([1.0, 0.0, 2.0, 0.0, 0.0, 1.0, 1.0])
        known = Known(35, (7.0, 12.0), 1e-16, np.zeros(1))
        found = measure(known, nodes, fixed, probes)
        left = np.array([35.0, 7.0, 12.0]) - fixed @ np.vander(nodes, 3, increasing=True)
        rows = fixed + _leave_one_out(nodes, probes, left, 2)
        order = np.argsort(-np.abs(nodes), kind="stable")
        mean = rows.mean(axis=0)
        assert found.nodes == pytest.approx(np.abs(nodes)[order], abs=1e-14)
        assert found.weights == pytest.approx(mean[order], rel=1e-8)
        samples = mean + _widening(4, 30.0) * (rows - mean)
        assert found.samples == pytest.approx(samples[:, order], rel=1e-8)
        assert (found.n, found.floor) == (35, pytest.approx(35 * 2.0**-52, rel=1e-12))

    def test_the_floor_follows_the_rounding_of_the_products(self, drawn):
        nodes, probes, _target = drawn
        found = measure(Known(30, (7.0, 12.0), 1e-3, np.zeros(1)), 2.0 * nodes, np.zeros(7), probes)
        assert found.floor == pytest.approx(2.0 * 8e-3, rel=1e-12)
        for rounding in (0.125, 0.2):  # the largest node lies at the floor, or below it
            assert measure(Known(30, (7.0,), rounding, np.zeros(1)), nodes, np.zeros(7), probes).nodes.max() == 0.0

    @pytest.mark.parametrize(
        ("rounding", "moved", "stated"), [(2e-16, 0.0, 0.0), (1e-7, 0.0, 4e-8), (2e-16, 1e-3, 1e-3), (1e-7, 1e-3, 1e-3)]
    )
    def test_eigenvalues_are_off_for_the_products_or_for_the_entries_whichever_is_more(
        self, drawn, rounding, moved, stated
    ):
        # Products in float32 leave 2e-8 of the largest eigenvalue, which is 2, in place of smaller ones.
        nodes, probes, _target = drawn
        known = Known(30, (7.0, 12.0), rounding, np.zeros(1), moved)
        assert measure(known, 2.0 * nodes, np.zeros(7), probes).rounding == pytest.approx(stated, rel=1e-12)
        assert Known(30, (7.0, 12.0), rounding, np.zeros(1)).moved == 0.0

    def test_the_rounding_of_a_moment_is_a_share_of_it(self, drawn):
        nodes, probes, _target = drawn
        spread = math.sqrt(30.0 * probes.mean(axis=0) @ (nodes - probes.mean(axis=0) @ nodes / 30.0) ** 2 / 30.0)
        for share, corrected in ((0.09, True), (0.11, False)):
            known = Known(30, (7.0,), share * spread / 7.0, np.zeros(1))
            found = measure(known, nodes, np.zeros(7), probes)
            mean = probes.mean(axis=0)[np.argsort(-np.abs(nodes), kind="stable")]
            assert (np.abs(found.weights - mean).max() > 1e-3) == corrected

    def test_as_many_moments_as_nodes_leave_nothing_to_the_probes(self, rng):
        nodes, true = np.array([1.0, 0.4, 0.1]), np.array([2.0, 10.0, 18.0])
        probes = rng.uniform(0.5, 1.5, size=(4, 3))
        probes *= 30.0 / probes.sum(axis=1, keepdims=True)
        target = true @ np.vander(nodes, 4, increasing=True)
        assert calibrated(nodes, probes, target, np.zeros(4)) == pytest.approx(np.tile(true, (4, 1)), rel=1e-8)

    def test_nodes_that_coincide_count_once(self, rng):
        nodes = np.array([1.0, 0.4, 0.4, 1.0, 0.4])
        probes = rng.uniform(0.5, 1.5, size=(4, 5))
        probes *= 30.0 / probes.sum(axis=1, keepdims=True)
        target = np.array([30.0, 18.0, 13.0, 11.0])
        found = calibrated(nodes, probes, target, np.zeros(4))
        assert found == pytest.approx(_leave_one_out(nodes, probes, target, 1), rel=1e-8)

    def test_what_is_known_is_asked_of_the_operator(self, rng):
        matrix = rng.normal(size=(12, 12)).astype(np.float32)
        operator = Dense(matrix + matrix.T)
        known, values = Known.of(operator), np.linalg.eigvalsh(operator.matrix.astype(np.float64))
        assert known.moments == pytest.approx([values.sum(), (values**2).sum()], rel=1e-5)
        assert (known.n, known.like) == (12, operator.matrix)
        assert known.moved == pytest.approx(2.0**-24 * math.sqrt((values**2).mean()), rel=1e-5)


class TestChebyshev:
    def test_usual_settings_and_least(self):
        assert repr(Chebyshev()) == "Chebyshev(moments=128, probes=16)"
        Chebyshev(moments=8, probes=2)(_counting(10), np.random.default_rng(0))
        for settings in ({"moments": 7}, {"probes": 1}):
            with pytest.raises(InputError):
                Chebyshev(**settings)

    @pytest.mark.parametrize("count", [8, 9])
    def test_moments_are_those_of_the_cosine(self, rng, count):
        values = np.linspace(0.1, 0.9, 30)
        start = np.linalg.qr(rng.normal(size=(30, 3)))[0]
        found = _moments(Dense(np.diag(values)), start, (-0.2, 1.4), count)
        angles = np.arccos((values - 0.6) / 0.8)
        expected = np.array([(start**2).T @ np.cos(m * angles) for m in range(count)]).T
        assert found == pytest.approx(expected, abs=1e-12)

    def test_jacksons_factors(self):
        # Weisse et al. 2006, Eqn 71, as it is printed.
        n = 16
        expected = [
            (
                (n - k + 1) * math.cos(math.pi * k / (n + 1))
                + math.sin(math.pi * k / (n + 1)) / math.tan(math.pi / (n + 1))
            )
            / (n + 1)
            for k in range(n)
        ]
        assert _jackson(n) == pytest.approx(expected, rel=1e-12)
        assert expected[0] == pytest.approx(1.0, rel=1e-12)

    def test_the_density_of_one_eigenvalue_is_a_bump_of_jacksons_width_around_it(self):
        n, count, interval = 10, 32, (-1.0, 3.0)
        x = 0.3
        moments = n * np.cos(np.arange(count) * math.acos(x)) * np.ones((2, 1))
        known = Known(n, (n * (1.0 + 2.0 * x),), 1.0, np.zeros(1))  # rounding so coarse that nothing is corrected
        found = _density(known, moments, interval)
        assert found.weights.sum() == pytest.approx(n, rel=1e-12)
        assert len(found.nodes) == 2 * count
        nodes = 1.0 + 2.0 * np.cos(math.pi * (np.arange(2 * count) + 0.5) / (2 * count))
        order = np.argsort(-np.abs(nodes), kind="stable")
        weights = found.weights / n
        mean = weights @ nodes[order]
        # Jackson's kernel at x: mean g_1 x and variance about (pi / count)^2 (1 - x^2), in half-widths.
        assert mean == pytest.approx(1.0 + 2.0 * _jackson(count)[1] * x, rel=1e-12)
        width = math.sqrt(weights @ (nodes[order] - mean) ** 2) / 2.0
        assert width == pytest.approx(math.pi / count * math.sqrt(1.0 - x**2), rel=0.1)

    @pytest.mark.parametrize("residual", [0.0, 0.25])
    def test_intervals_hold_the_spectrum_from_the_tightest_to_the_safest(self, monkeypatch, residual):
        # Five distinct eigenvalues: the Ritz values are exact, and the intervals exceed them as they are told to.
        monkeypatch.setattr("diffspec.solvers.chebyshev.Krylov.residual", lambda _space: residual)

        def found(low):
            values = np.repeat(np.linspace(low, 1.0, 5), 12)
            return np.array(_intervals(Dense(np.diag(values)), np.random.default_rng(0)))

        high = 1.0 + residual
        rounding = 1e3 * 2.0**-23 * high
        safe, safest = (-residual - rounding, high + rounding), (-2.0 * high, 2.0 * high)
        assert found(0.0) == pytest.approx(np.array([(0.0, high + rounding), safe, safest]), abs=1e-9)
        low = -3.0 - residual
        assert found(-3.0) == pytest.approx(
            np.array([(low - rounding, high + rounding), (2 * low, -2 * low)]), abs=1e-9
        )
        assert found(0.5)[0] == pytest.approx(np.array([0.5 - residual - rounding, high + rounding]), abs=1e-9)

    def test_intervals_are_widened_by_what_was_not_resolved(self):
        values = np.linspace(0.2, 1.0, 200)
        low, high = _intervals(Dense(np.diag(values)), np.random.default_rng(0))[1]
        assert -0.2 < low < 0.2 - 1e-3
        assert 1.0 + 1e-3 < high < 1.4

    def test_a_spectrum_costs_half_as_many_products_as_moments(self):
        operator = _counting(200)
        found = Chebyshev(moments=32, probes=3)(operator, np.random.default_rng(0))
        assert operator.widths.count(3) == 16
        assert len(found.check.nodes) == 32
        assert len(found.check.check.nodes) == 16

    @pytest.mark.parametrize(("n", "exact"), [(64, True), (65, False)])
    def test_as_many_moments_as_points_give_all_eigenvalues(self, n, exact):
        found = Chebyshev(moments=64, probes=3)(_counting(n), np.random.default_rng(0))
        assert (found.samples is None) == exact


class TestLowRank:
    @pytest.fixture
    def operator(self, rng):
        turn = np.linalg.qr(rng.normal(size=(40, 40)))[0]
        matrix = (turn * np.r_[np.geomspace(1.0, 1e-3, 39), 0.0]) @ turn.T
        return Dense((matrix + matrix.T) / 2.0)

    def test_what_was_resolved_and_the_rest_evenly(self, operator):
        found = LowRank(rank=10)(operator, np.random.default_rng(0))
        true = np.linalg.eigvalsh(operator.matrix)[::-1]
        assert found.weights.sum() == 40.0
        assert found.nodes @ found.weights == pytest.approx(operator.trace(), rel=1e-12)
        assert sorted(found.weights)[-1] == 30.0
        assert np.all(np.diff(found.nodes) <= 0.0)
        bounds = found.extremes
        assert found.floor == pytest.approx(found.nodes[0] * 40 * 2.0**-52, rel=1e-12)
        assert np.all(bounds.values <= true[:10])
        resolved = np.delete(found.nodes, np.argmax(found.weights))
        assert bounds.values == pytest.approx(resolved - found.floor, rel=1e-15, abs=1e-18)
        slack = 40 * 2.0**-52 * operator.trace()
        assert bounds.rest == pytest.approx(operator.trace() - bounds.values.sum() + slack, rel=1e-15)
        assert (bounds.n, bounds.largest) == (40, 1.0 + 2.0 * slack)

    def test_an_unknown_largest_eigenvalue_is_that_and_a_smaller_one_is_refused(self, operator):
        doubled = Dense(2.0 * operator.matrix)
        assert LowRank(rank=10, largest=math.inf)(doubled, np.random.default_rng(0)).extremes.largest == math.inf
        with pytest.raises(InputError, match=r"an eigenvalue of at least 1.\d+, above largest = 1; pass LowRank\("):
            LowRank(rank=10)(doubled, np.random.default_rng(0))
        with pytest.raises(InputError, match=r"largest .*1 holds for every diffusion operator, math.inf for all"):
            LowRank(largest=0.0)

    def test_usual_settings(self, operator):
        assert repr(LowRank()) == "LowRank(rank=256, largest=1.0)"
        found = LowRank()(operator, np.random.default_rng(0))
        assert found.nodes @ found.weights == pytest.approx(operator.trace(), rel=1e-12)


def test_eigenvalues_are_ascending_and_leave_the_matrix_alone(rng):
    matrix = rng.normal(size=(30, 30))
    matrix += matrix.T
    kept = matrix.copy()
    assert eigenvalues(matrix, overwrite=False) == pytest.approx(np.linalg.eigvalsh(kept), rel=1e-12)
    assert np.array_equal(matrix, kept)
    found = Exact()(Dense(matrix @ matrix), np.random.default_rng(0))
    assert found.nodes == pytest.approx(np.linalg.eigvalsh(kept @ kept)[::-1], rel=1e-9)
