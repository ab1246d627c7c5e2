"""float32 products of torch tensors keep all their digits, whatever the user allows elsewhere, and leave that alone."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from diffspec import Gaussian, Lanczos, dse, dsmi
from diffspec._arrays import full_precision, product
from diffspec.operators.tiles import GaussianTiles
from diffspec.points.distances import cross_squared_distances, unit_scaled

PRODUCTS = ("mm", "addmm", "bmm", "mv", "dot")


def settings():
    return torch.backends.cuda.matmul.fp32_precision, torch.backends.mkldnn.matmul.fp32_precision


@pytest.fixture(params=["highest", "high", "medium"], autouse=True)
def allowed(request):
    """What the user allows: all digits, TF32, bfloat16 on the CPU."""
    before = settings()
    torch.set_float32_matmul_precision(request.param)
    yield request.param
    torch.set_float32_matmul_precision("highest")
    torch.backends.cuda.matmul.fp32_precision, torch.backends.mkldnn.matmul.fp32_precision = before


class Watch(TorchDispatchMode):
    """Notes the settings under which every product of float32 tensors is computed."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function.__name__.split(".")[0] in PRODUCTS and args[0].dtype == torch.float32:
            self.seen.append(settings())
        return function(*args, **(kwargs or {}))


def cloud(n, d, dtype=torch.float64):
    return torch.asarray(np.random.default_rng(0).normal(size=(n, d)), dtype=dtype)


@pytest.mark.parametrize("memory", [None, 4e5], ids=["stored", "in tiles"])
def test_every_float32_product_of_an_entropy_has_all_digits(allowed, memory):
    before = settings()
    with Watch() as watch:
        found = dse(cloud(500, 4), kernel=Gaussian(0.5), solver=Lanczos(tol=2e-2), memory=memory)
    assert found.settings.dtype == "float32"
    assert len(watch.seen) > 4
    assert set(watch.seen) == {("ieee", "ieee")}
    assert settings() == before
    assert torch.get_float32_matmul_precision() == allowed  # torch refuses to tell where the settings contradict


def test_every_float32_product_of_an_information_has_all_digits():
    before = settings()
    with Watch() as watch:
        dsmi(cloud(400, 4), np.arange(400) % 2, kernel=Gaussian(0.5), solver=Lanczos(tol=5e-2))
    assert set(watch.seen) == {("ieee", "ieee")}
    assert settings() == before


def test_the_setting_is_back_after_an_error():
    before = settings()
    with pytest.raises(RuntimeError):
        product(cloud(3, 2, torch.float32), cloud(3, 2, torch.float32))
    assert settings() == before


def test_the_last_of_several_threads_restores_the_setting():
    before, one, two = settings(), threading.Event(), threading.Event()
    like = cloud(2, 2, torch.float32)

    def outlast():
        with full_precision(like):
            one.set()
            two.wait(10)
            seen.append(settings())

    seen = []
    thread = threading.Thread(target=outlast)
    with full_precision(like):
        thread.start()
        assert one.wait(10)
    assert settings() == ("ieee", "ieee")
    two.set()
    thread.join(10)
    assert seen == [("ieee", "ieee")]
    assert settings() == before


@pytest.mark.parametrize("like", [np.ones(2, dtype=np.float32), torch.ones(2, dtype=torch.float64)])
def test_nothing_is_set_for_others(like):
    before = settings()
    with full_precision(like):
        assert settings() == before


def test_norms_are_products_too():
    points = cloud(40, 512, torch.float32)
    with Watch() as watch:
        cross_squared_distances(points, points[:20])
    assert len(watch.seen) == 3  # of the rows, of the columns, and of both
    assert set(watch.seen) == {("ieee", "ieee")}


@pytest.mark.parametrize("d", [3, 512])
def test_a_float32_point_is_at_distance_zero_of_itself_and_its_copies(d):
    points = cloud(300, d, torch.float32)
    points[1::2] = points[::2].clone()
    scaled, _unit = unit_scaled(points + 10.0)
    squared = cross_squared_distances(scaled, scaled)
    assert torch.all(torch.diagonal(squared) == 0)
    assert torch.all(squared[1::2, ::2].diagonal() == 0)
    tiles = GaussianTiles.of(scaled, torch.float32)
    assert torch.all(torch.diagonal(tiles(slice(0, 300), slice(0, 300))) == 1)


def test_before_torch_2_9_the_one_setting_is_used(monkeypatch, allowed):
    """The older interface, on a torch that has both: as if the newer one were not there."""

    class Older:
        allow_tf32 = False

    monkeypatch.setattr(torch.backends.cuda, "matmul", Older())
    with full_precision(cloud(2, 2, torch.float32)):
        assert torch.get_float32_matmul_precision() == "highest"
    assert torch.get_float32_matmul_precision() == allowed
