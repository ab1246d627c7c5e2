"""The layers of a network as a table."""

import pytest
import torch
from torch import nn

from diffspec import InputError
from diffspec.training import collect, layers


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.twice, self.never = nn.Linear(4, 4), nn.Linear(4, 4)
        self.memory = nn.LSTM(4, 5, batch_first=True)

    def forward(self, images):
        z = self.twice(self.twice(self.body(images)))
        return self.memory(z[:, None])[0][:, 0]


def test_every_module_has_a_row_with_what_it_gives():
    table = layers(Net(), torch.randn(2, 3, 8, 8))
    assert str(table).splitlines() == [
        "name    type               output",
        "body    Sequential         (2, 4)",
        "body.0  Conv2d             (2, 4, 6, 6)",
        "body.1  ReLU               (2, 4, 6, 6)",
        "body.2  AdaptiveAvgPool2d  (2, 4, 1, 1)",
        "body.3  Flatten            (2, 4)",
        "twice   Linear             (2, 4), ran 2 times",
        "never   Linear             does not run by itself",
        "memory  LSTM               (2, 1, 5)",
    ]
    assert len(table) == 8


def test_what_runs_once_can_be_collected_as_it_stands_there():
    network, images = Net(), torch.randn(2, 3, 8, 8)
    for row in layers(network, images):
        if row.runs == 1:
            assert collect(network, {row.name: "flatten"}, images)[row.name].shape[0] == row.shape[0]


def test_the_network_stays_as_it_was_and_hooks_are_gone():
    network = nn.Sequential(nn.BatchNorm1d(3), nn.Dropout()).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    layers(network, (torch.randn(4, 3), torch.zeros(4)))
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert network.training
    assert not any(module._forward_hooks for module in network.modules())


def test_a_network_that_does_not_take_the_example_is_told():
    with pytest.raises(InputError, match="the network cannot take inputs of shape"):
        layers(nn.Linear(3, 2), torch.randn(2, 5))
