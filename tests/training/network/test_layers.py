"""Which layers a name, a pattern or a reduction stands for, and which axes hold the channels."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from diffspec import InputError
from diffspec.errors import LayersWarning
from diffspec.training import Layer, collect
from diffspec.training.network.layers import resolve_layers

INPUTS = torch.linspace(0, 1, 6 * 4).reshape(6, 4)


class Twelve(nn.Module):
    """Twelve blocks of two layers, a part that never runs and one that runs twice."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(nn.Sequential(nn.Linear(4, 4), nn.Tanh()) for _ in range(12))
        self.unused, self.twice = nn.Linear(4, 4), nn.Tanh()

    def forward(self, x: Any) -> Any:
        for block in self.blocks:
            x = block(x)
        return self.twice(self.twice(x))


def names(layers: Any) -> list[str]:
    return [layer.label for layer in resolve_layers(Twelve(), layers)]


def test_a_star_stops_at_dots_and_two_cross_them() -> None:
    blocks = [f"blocks.{number}" for number in range(12)]
    assert names("blocks.*") == blocks
    assert names("blocks.*.0") == [f"{block}.0" for block in blocks]
    assert names("*") == ["blocks", "unused", "twice"]  # and not the network itself, whose name is empty
    assert names("blocks.**") == [name for block in blocks for name in (block, f"{block}.0", f"{block}.1")]
    assert names("**.1") == [f"{block}.1" for block in blocks[:1]] + ["blocks.1"] + [
        f"{block}.1" for block in blocks[1:]
    ]
    assert names("blocks.1[01]") == ["blocks.10", "blocks.11"]
    assert names("blocks.1?") == ["blocks.10", "blocks.11"]


def test_a_pattern_that_leaves_out_its_longer_brothers_says_so() -> None:
    words = r"'blocks.\?' stands for 10 layers \(blocks.0 to blocks.9\) and not for blocks.10, blocks.11.* 'blocks.\*'"
    with pytest.warns(LayersWarning, match=words):
        assert len(names("blocks.?")) == 10


def test_a_pattern_leaves_out_what_does_not_run_once_and_says_so() -> None:
    with pytest.warns(LayersWarning, match=r"left out: blocks \(0 times\), unused \(0 times\), twice \(2 times\)"):
        assert list(collect(Twelve(), ["*", "blocks.11"], [INPUTS, INPUTS])) == ["blocks.11"]
    for name, times in (("unused", 0), ("twice", 2)):
        with pytest.raises(InputError, match=f"'{name}' ran {times} times in one pass; name a layer that runs once"):
            collect(Twelve(), [name, "*"], [INPUTS])  # what is named is wanted, also beside a pattern


class Images(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 3, 1)

    def forward(self, x: Any) -> Any:
        return self.conv(x).flatten(1)


def test_one_layer_with_two_reductions_is_two() -> None:
    network, images = Images(), torch.rand(5, 1, 4, 4)
    found = collect(network, [Layer("conv", "gap"), Layer("conv", "flatten")], [images])
    output = network.conv(images).detach()
    assert list(found) == ["conv:gap", "conv:flatten"]
    np.testing.assert_allclose(found["conv:gap"], output.mean((2, 3)), rtol=1e-6)
    np.testing.assert_array_equal(found["conv:flatten"], output.flatten(1))


def test_two_layers_of_one_label_are_refused() -> None:
    network = nn.Sequential()
    network.add_module("a", nn.Linear(2, 2))
    network.add_module("a:flatten", nn.Linear(2, 2))
    with pytest.raises(InputError, match="two layers would both be called 'a:flatten'; rename the module"):
        resolve_layers(network, [Layer("a"), Layer("a", "flatten"), Layer("a:flatten")])
    functions = [Layer("a", lambda z: z), Layer("a", lambda z: z[:, :1])]
    with pytest.raises(
        InputError, match="two layers would both be called 'a:<lambda>'; give each function a name of its"
    ):
        resolve_layers(network, functions)


@pytest.mark.parametrize("layers", [["conv", "conv"], [Layer("conv", "gap"), Layer("conv", "gap")]])
def test_a_layer_given_twice_is_refused(layers: Any) -> None:
    with pytest.raises(InputError, match=r"Layer\(name='conv', .* is given twice; give it once"):
        resolve_layers(Images(), layers)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (5, "layers must be names, Layers or a mapping of names to reductions, got 5"),
        ([3], "a layer must be named by a str, got 3"),
        ([], "layers is empty"),
        ({"conv": ["gap"]}, "reduce must be one of"),
        ("c[onv", r"no layer 'c\[onv' in the model"),
    ],
)
def test_what_names_no_layer(layers: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        resolve_layers(Images(), layers)


class Last(nn.Module):
    """As Swin: patches by a convolution, then channels last."""

    def __init__(self, channels: int = 6) -> None:
        super().__init__()
        self.patches = nn.Conv2d(1, channels, 2, 2)
        self.norm, self.mix = nn.LayerNorm(channels), nn.Linear(channels, channels)
        self.act = nn.GELU()

    def forward(self, x: Any) -> Any:
        return self.act(self.mix(self.norm(self.patches(x).permute(0, 2, 3, 1))))


class Both(nn.Module):
    """As ConvNeXt: channels first outside, last inside a block."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.outer = Last(), nn.Identity()

    def forward(self, x: Any) -> Any:
        return self.outer(self.inner(x).permute(0, 3, 1, 2))


class Dense(nn.Module):
    """As DenseNet: outputs of several convolutions one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.out = nn.Conv2d(1, 5, 1), nn.Conv2d(1, 7, 1), nn.ReLU()

    def forward(self, x: Any) -> Any:
        return self.out(torch.cat([self.one(x), self.two(x)], 1))


@pytest.mark.parametrize(
    ("network", "layer", "shape", "axes"),
    [
        (Last(), "patches", (1, 8, 8), (2, 3)),
        (Last(), "norm", (1, 8, 8), (1, 2)),
        (Last(), "act", (1, 8, 8), (1, 2)),
        (Both(), "inner", (1, 8, 8), (1, 2)),
        (Both(), "outer", (1, 8, 8), (2, 3)),
        (Dense(), "out", (1, 8, 8), (2, 3)),
        (nn.Sequential(nn.Conv2d(1, 8, 1), nn.BatchNorm2d(8), nn.ReLU()), "2", (1, 8, 8), (2, 3)),  # 8 x 8 x 8
        (nn.Sequential(nn.Conv1d(2, 5, 1), nn.ReLU()), "1", (2, 9), (2,)),
        (nn.Sequential(nn.Conv3d(2, 5, 1), nn.MaxPool3d(2)), "1", (2, 4, 4, 6), (2, 3, 4)),
        (nn.Sequential(nn.Conv2d(1, 4, 1), nn.GroupNorm(2, 4), nn.Upsample(scale_factor=2)), "2", (1, 3, 3), (2, 3)),
    ],
)
def test_gap_finds_the_channels(network: nn.Module, layer: str, shape: tuple[int, ...], axes: tuple[int, ...]) -> None:
    inputs, seen = torch.rand(3, *shape), []
    handle = network.get_submodule(layer).register_forward_hook(lambda _m, _i, output: seen.append(output.detach()))
    network.eval()(inputs)
    handle.remove()
    found = collect(network, {layer: "gap"}, [inputs])[layer]
    np.testing.assert_allclose(found, seen[0].mean(axes), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("network", "layer", "shape"),
    [
        (Last(4), "norm", (1, 8, 8)),  # 4 channels, 4 x 4 patches
        (nn.Sequential(nn.Identity()), "0", (3, 8, 8)),
        (nn.Sequential(nn.Linear(7, 7)), "0", (5, 7)),  # tokens or channels: linear layers mix both
        (nn.Sequential(nn.LayerNorm((3, 6, 5))), "0", (3, 6, 5)),
    ],
)
def test_gap_asks_where_nothing_tells(network: nn.Module, layer: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=rf'write {{"{layer}": "gap_first"}} where it is axis 1, .*"gap_last"'):
        collect(network, {layer: "gap"}, [torch.rand(3, *shape)])


def test_parts_of_scripted_modules_cannot_be_seen() -> None:
    inner = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        scripted, traced = torch.jit.script(inner), torch.jit.trace(inner, INPUTS)
    for jit in (scripted, traced):
        for network, name in ((jit, "1"), (jit, ""), (nn.Sequential(jit), "0.1"), (nn.Sequential(jit), "0")):
            with pytest.raises(InputError, match=f"layer '{name}' is scripted or traced .torch.jit.*before torch.jit"):
                collect(network, name, [INPUTS])
        around = nn.Sequential(nn.Sequential(jit), nn.Linear(3, 2))
        np.testing.assert_array_equal(collect(around, {"0": "none"}, [INPUTS])["0"], inner(INPUTS).detach())
