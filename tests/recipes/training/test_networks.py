"""The six architectures in both sizes, their initialisation, losses, probes and rates."""

import math
from itertools import pairwise

import pytest
import torch
from torch import nn

from recipes.training import conditions, probing
from recipes.training.networks import families, initialisers
from recipes.training.schedule import groups, rate_at, relative_step

WIDTHS = {"resnet": 2048, "resnext": 2048, "convnext": 640, "vit": 192, "swin": 768, "xcit": 128}
SMALL = {"resnet": 128, "resnext": 512, "convnext": 192, "vit": 64, "swin": 96, "xcit": 64}


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


@pytest.mark.parametrize("name", families.FAMILIES)
@pytest.mark.parametrize("pixels", [32, 96])
def test_small_networks_take_small_images(name, pixels):
    network = families.build(name, 10, pixels, small=True).eval()
    images = torch.rand(2, 3, pixels, pixels)
    assert network.encoder(images).shape == (2, SMALL[name])
    assert network(images).shape == (2, 10)
    assert network.project(images).shape == (2, 128)
    assert sum(parameter.numel() for parameter in network.encoder.parameters()) < 1e6


@pytest.mark.parametrize("name", families.FAMILIES)
def test_networks_of_the_papers_size_have_its_widths_and_blocks(name):
    with torch.device("meta"):
        network = families.build(name, 10, 224, small=False)
        assert network.encoder(torch.rand(1, 3, 224, 224)).shape == (1, WIDTHS[name])
    expected = {"vit": 12, "xcit": 12}.get(name, 4)
    assert len(families.blocks(name, network.encoder)) == expected


def test_the_two_further_names_are_known():
    with torch.device("meta"):
        for name in families.FURTHER:
            network = families.build(name, 10, 224, small=False)
            assert network(torch.rand(1, 3, 224, 224)).shape == (1, 10)


@pytest.mark.parametrize("name", families.SMALL_IMAGE)
def test_small_image_networks_keep_the_first_pixels(name):
    with torch.device("meta"):
        network = families.build(f"small-image {name}", 10, 32, small=False)
        stem = nn.Sequential(network.encoder.conv1, network.encoder.maxpool, network.encoder.layer1)
        assert stem(torch.rand(1, 3, 32, 32)).shape[2:] == (32, 32)
        assert network.encoder(torch.rand(1, 3, 32, 32)).shape == (1, 2048)
    assert any(isinstance(module, nn.BatchNorm1d) for module in network.projector)


def _spreads(network, kind):
    return [float(module.weight.detach().std()) for module in network.modules() if isinstance(module, kind)]


def test_the_papers_initialisation():
    network = families.build("xcit", 10, 32, small=True)
    initialisers.initialise(network, "paper")
    assert all(abs(std / 1e-3 - 1) < 0.2 for std in _spreads(network, nn.Linear))
    kaiming = [m for m in network.modules() if isinstance(m, nn.Conv2d) and m.weight.numel() > 5000]
    for module in kaiming:
        assert float(module.weight.detach().std()) == pytest.approx(math.sqrt(2 / module.weight[0].numel()), rel=0.1)
    linear = [m for m in network.modules() if isinstance(m, nn.Linear) and m.bias is not None]
    assert all(float(module.bias.detach().abs().max()) == 0 for module in linear)


def test_convolutions_of_a_given_spread():
    network = families.build("resnet", 10, 32, small=True)
    initialisers.initialise(network, "conv std 0.05")
    assert all(abs(std / 0.05 - 1) < 0.15 for std in _spreads(network, nn.Conv2d))
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    assert all(bool((module.weight == 1).all()) for module in norms)


def test_kaiming_leaves_linear_layers_and_timm_leaves_all():
    network = families.build("vit", 10, 32, small=True)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    initialisers.initialise(network, "timm")
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    initialisers.initialise(network, "kaiming")
    changed = {name for name, value in network.state_dict().items() if not torch.equal(before[name], value)}
    assert changed == {"encoder.patch_embed.proj.weight"} | (changed & {"encoder.patch_embed.proj.bias"})


def test_an_unknown_initialisation_is_refused():
    with pytest.raises(ValueError, match="no initialisation 'orthogonal'; take timm, paper, kaiming or 'conv std"):
        initialisers.initialise(nn.Linear(2, 2), "orthogonal")


def _unit(n, d):
    return nn.functional.normalize(torch.randn(n, d, dtype=torch.float64), dim=1)


def test_nt_xent_as_usually_written():
    first, second = _unit(5, 3), _unit(5, 3)
    both, total = torch.cat([first, second]), 0.0
    for i in range(10):
        among = sum(math.exp(float(both[i] @ both[j]) / 0.5) for j in range(10) if j != i)
        total -= math.log(math.exp(float(both[i] @ both[(i + 5) % 10]) / 0.5) / among)
    assert float(conditions.nt_xent(3 * first, second)) == pytest.approx(total / 10)


def test_nt_xent_as_published():
    first, second = _unit(5, 3), _unit(5, 3)
    same = sum(math.exp(float(first[i] @ second[i])) for i in range(5))
    other = sum(math.exp(float(first[i] @ second[j])) for i in range(5) for j in range(5) if i != j)
    assert float(conditions.nt_xent_published(first, 2 * second)) == pytest.approx(-math.log(same / other) / 5)


def test_rates_rise_then_fall_to_nothing_after_the_last():
    rates = [rate_at(epoch, 199, 10) for epoch in range(1, 200)]
    assert rates[:3] == [0.1, 0.2, 0.3]
    assert max(rates) == rates[9] == 1.0
    assert all(a > b > 0 for a, b in pairwise(rates[9:]))
    assert rate_at(105, 199, 10) == pytest.approx(0.5)
    assert rate_at(200, 199, 10) == 0


@pytest.fixture
def encodings():
    labels = torch.arange(300) % 3
    return 6 * torch.randn(3, 8)[labels] + torch.randn(300, 8), labels


def test_a_ridge_probe_tells_separated_classes(encodings):
    points, labels = encodings
    logits = probing.ridge_probe((points[:200], labels[:200]), points[200:])
    accuracy, each = probing.scores(logits, labels[200:], 3)
    assert accuracy > 0.95
    assert len(each) == 3


def test_a_linear_probe_learns_and_calls_for_every_epoch_anew(encodings):
    points, labels = encodings
    calls = []

    def batches():
        calls.append(1)
        return zip(points.split(10), labels.split(10), strict=True)

    probe = probing.linear_probe(batches, 3, rate=0.05)
    assert len(calls) == 10
    assert probing.scores(probe(points), labels, 3)[0] > 0.9


def test_accuracy_is_per_class_too():
    logits = torch.eye(3)[torch.tensor([0, 0, 1, 1, 1, 2])]
    accuracy, each = probing.scores(logits, torch.tensor([0, 1, 1, 1, 0, 0]), 4)
    assert accuracy == pytest.approx(0.5)
    assert each == [pytest.approx(0.3333), pytest.approx(0.6667), 0.0, 0.0]


def test_the_calibration_error_is_the_mean_distance_over_bins():
    """Ten images: six said with .8 of which three are right, four said with .95 of which all are."""
    sure, right = torch.tensor([0.8] * 6 + [0.95] * 4), torch.tensor([1, 1, 1, 0, 0, 0, 1, 1, 1, 1])
    logits = torch.stack([(sure / (1 - sure)).log(), torch.zeros(10)], 1)
    expected = (6 * abs(0.8 - 0.5) + 4 * abs(0.95 - 1.0)) / 10
    assert probing.calibration_error(logits, 1 - right) == pytest.approx(expected, abs=1e-6)
    certain = torch.tensor([[100.0, 0.0], [100.0, 0.0]])
    assert probing.calibration_error(certain, torch.tensor([0, 0])) == pytest.approx(0.0)
    assert probing.calibration_error(certain, torch.tensor([1, 1])) == pytest.approx(1.0)


def test_without_batch_norms_an_untrained_network_gives_what_its_unset_norms_gave():
    network = families.build("resnet", 10, 32, small=True).eval()
    initialisers.initialise(network, "conv std 0.1")
    images = torch.rand(4, 3, 32, 32)
    before = network.encoder(images)
    initialisers.drop_norms(network)
    assert not [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    assert torch.allclose(network.encoder(images), before, rtol=1e-3)


def _steps(network, parts, rate):
    """How far one step of gradient signs moves each convolution, over the spread of its weights."""
    optimizer = torch.optim.SGD([{**part, "lr": part["share"] * rate} for part in parts], lr=rate)
    kernels = [module.weight for module in network.modules() if isinstance(module, nn.Conv2d)]
    before = [kernel.detach().clone() for kernel in kernels]
    for parameter in network.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    return [
        float((kernel.detach() - old).abs().mean() / old.std()) for kernel, old in zip(kernels, before, strict=True)
    ]


@pytest.mark.parametrize("step_of", [None, 0.01])
def test_steps_of_convolutions_are_as_large_as_asked_beside_their_weights(step_of):
    network = families.build("resnet", 10, 32, small=True)
    initialisers.initialise(network, "paper")
    parts = groups(network, step_of)
    together = sorted(id(parameter) for part in parts for parameter in part["params"])
    assert together == sorted(map(id, network.parameters()))
    relative = relative_step(network, parts, 1e-4)
    steps = _steps(network, parts, 1e-4)
    assert relative == pytest.approx(math.prod(steps) ** (1 / len(steps)), rel=1e-3)
    if step_of:
        assert steps == pytest.approx([1e-2] * len(steps), rel=1e-3)


def test_encoding_leaves_the_network_in_training():
    network = families.build("resnet", 10, 32, small=True).train()
    before = network.encoder.bn1.running_mean.clone()
    found = probing.encoded(network, torch.rand(5, 3, 32, 32), "logits")
    assert found.shape == (5, 10)
    assert network.training
    assert torch.equal(network.encoder.bn1.running_mean, before)
