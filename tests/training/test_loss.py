"""The losses: values of dse and dsmi, gradients of finite differences, finite where eigenvalues repeat."""

import numpy as np
import pytest
import torch

from diffspec import AlphaDecay, Bins, Cosine, Gaussian, InputError, Literal, Matched, SelfTuning, dse, dsmi
from diffspec.training import DSELoss, DSMILoss


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(14, 4, generator=generator, dtype=torch.float64, requires_grad=True)


LABELS = torch.tensor([0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1])


@pytest.fixture
def few(batch):
    """Two groups of five points: finite differences take two values a number."""
    return batch.detach()[:10, :2].clone().requires_grad_()


HALVES = torch.tensor([0, 1] * 5)


@pytest.mark.parametrize("kernel", [Gaussian(1.5), Gaussian("median"), Cosine(0.7)], ids=repr)
def test_the_value_is_the_measure(batch, kernel):
    points = batch.detach().numpy()
    assert DSELoss(kernel=kernel, t=2)(batch).item() == pytest.approx(-dse(points, kernel=kernel, t=2).value, abs=1e-10)
    away = DSELoss(kernel=kernel, encourage=False)(batch).item()
    assert away == pytest.approx(dse(points, kernel=kernel, t=1.0).value, abs=1e-10)
    ours = DSMILoss(kernel=kernel)(batch, LABELS).item()
    expected = dsmi(points, LABELS, kernel=kernel, t=1.0, estimator=Literal()).value
    assert ours == pytest.approx(-expected, abs=1e-10)


@pytest.mark.parametrize("t", [1.0, 3.0])
@pytest.mark.parametrize("alpha", [0.0, 0.5])
def test_the_gradient_is_that_of_finite_differences(few, t, alpha):
    entropy = DSELoss(kernel=Gaussian(1.5), t=t, alpha=alpha)
    information = DSMILoss(kernel=Gaussian(1.5), t=t, alpha=alpha)
    assert torch.autograd.gradcheck(entropy, (few,))
    assert torch.autograd.gradcheck(lambda points: information(points, HALVES), (few,))


def test_the_gradient_is_finite_and_right_at_duplicates_and_repeated_eigenvalues(batch):
    doubled = batch.detach()[:6].repeat(2, 1).requires_grad_()
    square = torch.tensor([[0.0, 0], [1, 0], [0, 1], [1, 1]], dtype=torch.float64, requires_grad=True)
    equal = torch.ones(5, 3, dtype=torch.float64, requires_grad=True)
    for points in (doubled, square):
        assert torch.autograd.gradcheck(DSELoss(kernel=Gaussian(1.0)), (points,))
    for points in (doubled, square, equal):
        DSELoss()(points).backward()
        assert points.grad.isfinite().all()


LOCAL = [SelfTuning(3), AlphaDecay(3, decay=0.5), AlphaDecay(3, decay=1.0), AlphaDecay(3, decay=2.0), AlphaDecay(3)]


@pytest.mark.parametrize("kernel", LOCAL, ids=repr)
def test_gradients_of_local_kernels_are_those_of_finite_differences(few, kernel):
    assert torch.autograd.gradcheck(DSELoss(kernel=kernel), (few,))
    assert torch.autograd.gradcheck(lambda points: DSMILoss(kernel=kernel)(points, HALVES), (few,))


@pytest.mark.parametrize("kernel", [*LOCAL, Cosine(0.7)], ids=repr)
@pytest.mark.parametrize("copies", [2, 5])  # with more copies than neighbours the local width is 0
def test_gradients_of_every_kernel_are_finite_at_equal_points(batch, kernel, copies):
    points = batch.detach()[:6].repeat(copies, 1).requires_grad_()
    loss = DSELoss(kernel=kernel)(points)
    assert loss.item() == pytest.approx(-dse(points.detach().numpy(), kernel=kernel, t=1.0).value, abs=1e-10)
    loss.backward()
    assert points.grad.isfinite().all()
    equal = torch.ones(8, 3, dtype=torch.float64, requires_grad=True)
    DSELoss(kernel=kernel)(equal).backward()
    assert equal.grad.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32, torch.uint8, torch.bool, torch.complex64], ids=str)
def test_a_loss_of_integers_is_refused(batch, dtype):
    whole = (3.0 * batch.detach()).to(dtype)
    for loss in (DSELoss(), lambda points: DSMILoss()(points, LABELS)):
        with pytest.raises(InputError, match=rf"real floating points, got {dtype}; use points.float\(\)"):
            loss(whole)


def test_minimising_it_does_what_it_says():
    for encourage in (True, False):
        points = torch.randn(40, 3, generator=torch.Generator().manual_seed(1)).requires_grad_()
        loss = DSELoss(kernel=Gaussian(2.0), encourage=encourage)
        before = dse(points.detach(), kernel=Gaussian(2.0)).value
        optimiser = torch.optim.SGD([points], lr=0.5)
        for _ in range(20):
            optimiser.zero_grad()
            loss(points).backward()
            optimiser.step()
        after = dse(points.detach(), kernel=Gaussian(2.0)).value
        assert (after > before + 0.1) if encourage else (after < before - 0.1)


def test_a_rule_is_constant_in_the_gradient(batch):
    # The scale-free value does not change along the points themselves; the gradient with sigma held does.
    loss = DSELoss()(batch)
    (gradient,) = torch.autograd.grad(loss, batch)
    sigma = dse(batch.detach(), kernel=Gaussian()).settings.sigma
    (held,) = torch.autograd.grad(DSELoss(kernel=Gaussian(sigma))(batch), batch)
    assert gradient == pytest.approx(held, abs=1e-12)


def test_dtype_of_the_batch_is_kept(batch):
    assert DSELoss()(batch.float()).dtype == torch.float32


def test_matched_subsets_are_drawn_anew_from_the_seed(batch):
    values = [DSMILoss(estimator=Matched(2), seed=seed) for seed in (0, 0, 1)]
    first, again, other = (loss(batch, LABELS).item() for loss in values)
    assert first == again != other
    assert values[0](batch, LABELS).item() != first


def test_groups_of_one_point_and_continuous_references(batch):
    alone = DSMILoss(estimator=Matched(1))(batch, torch.arange(14))
    assert alone.item() == 0.0
    alone.backward()
    assert (batch.grad == 0).all()
    values = np.linspace(0, 1, 14)
    ours = DSMILoss(groups=Bins(3))(batch, values).item()
    settings = {"kernel": Gaussian(), "t": 1.0, "groups": Bins(3), "estimator": Literal()}
    assert ours == pytest.approx(-dsmi(batch.detach(), values, **settings).value, abs=1e-10)


@pytest.mark.parametrize(
    ("points", "text"),
    [
        (np.zeros((4, 2)), "a loss needs a torch tensor, got ndarray; use diffspec.dse for a number"),
        (torch.zeros(4), r"points must have shape \(n, d\), got \(4,\)"),
        (torch.full((4, 2), torch.nan), "finite, got 8 NaN"),
    ],
)
def test_bad_points(points, text):
    with pytest.raises(InputError, match=text):
        DSELoss()(points)


def test_bad_labels(batch):
    with pytest.raises(InputError, match="one entry per point, got 3 for 14 points"):
        DSMILoss()(batch, torch.arange(3))
