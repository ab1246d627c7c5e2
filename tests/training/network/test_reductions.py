"""How the output of a layer becomes points: which outputs each reduction takes, in which precision, and its words."""

from __future__ import annotations

import warnings
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from diffspec import InputError
from diffspec.training import collect
from diffspec.training.network.reductions import REDUCTIONS, Channels, reduced

# The numbers of axes that a reduction takes, of outputs of one to seven axes.
AXES = {
    "none": [2],
    "flatten": [2, 3, 4, 5, 6, 7],
    "mean": [3],
    "cls": [3],
    "last": [3],
    "gap_first": [3, 4, 5],
    "gap_last": [3, 4, 5],
}


def points(output: Any, reduce: str = "none", size: int = 2) -> np.ndarray:
    return reduced(("layer", reduce), output, size, Channels())


@pytest.mark.parametrize("reduce", AXES)
def test_a_reduction_takes_outputs_of_its_numbers_of_axes_and_no_others(reduce: str) -> None:
    taken = []
    for axes in range(1, 8):
        output = torch.arange(2.0**axes).reshape((2,) * axes)
        try:
            found = points(output, reduce)
        except InputError as error:
            assert f"gives shape {tuple(output.shape)}, not fit for reduce='{reduce}'" in str(error)  # noqa: PT017
        else:
            assert found.shape[0] == 2
            assert found.ndim == 2
            taken.append(axes)
    assert taken == AXES[reduce]
    assert set(REDUCTIONS) == {*AXES, "gap"}


def test_the_choices_are_offered_in_words() -> None:
    with pytest.raises(InputError) as caught:
        points(torch.zeros(2, 3, 4))
    assert str(caught.value) == (
        "layer 'layer' gives shape (2, 3, 4), not fit for reduce='none'; reductions: "
        "none (the output is (n, d) already); flatten (all trailing axes become features); "
        "mean (mean over the tokens of (n, tokens, d)); cls (first token of (n, tokens, d)); "
        "last (last token of (n, tokens, d)); gap (mean over all axes but inputs and channels, which are found); "
        "gap_first (mean over the pixels of (n, channels, ...)); gap_last (mean over the pixels of (n, ..., channels))"
    )


@pytest.mark.parametrize(("size", "told"), [(1, True), (2, False)])
def test_a_lost_axis_is_put_down_to_a_batch_of_one_where_it_is_one(size: int, told: bool) -> None:
    hint = "; this batch holds one input, and squeeze() in a network takes its axis away: leave no batch of one"
    for output in (torch.zeros(5), torch.zeros(5, 3)):
        with pytest.raises(InputError, match="gives") as caught:
            points(output, size=size)
        assert str(caught.value).endswith(hint) == told


class Out(nn.Module):
    """A layer that gives the same whatever it is given."""

    def __init__(self, output: Any) -> None:
        super().__init__()
        self.output = output

    def forward(self, _inputs: Any) -> Any:
        return self.output


@pytest.mark.parametrize(
    ("dtype", "wide"),
    [
        *[(dtype, np.float32) for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float8_e4m3fn)],
        *[(dtype, np.float64) for dtype in (torch.float64, torch.int64, torch.int8, torch.uint8, torch.bool)],
    ],
)
def test_what_is_narrow_is_widened_and_what_is_wide_keeps_its_digits(dtype: torch.dtype, wide: type) -> None:
    output = torch.tensor([[0.0, 1.0], [1.0, 0.0]]).to(dtype)
    found = points(output)
    assert found.dtype == wide
    assert np.array_equal(found, [[0.0, 1.0], [1.0, 0.0]])


def test_no_digit_of_a_float64_or_of_a_large_integer_is_lost() -> None:
    third = torch.full((2, 2), 1 / 3, dtype=torch.float64)
    assert np.array_equal(points(third), third.numpy())
    large = torch.full((2, 2), 2**24 + 1)
    assert np.array_equal(points(large), np.full((2, 2), 2.0**24 + 1.0))


def test_a_quantised_output_is_the_values_that_it_stands_for() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch announces another quantisation
        output = torch.quantize_per_tensor(torch.tensor([[0.26, 1.0], [0.5, -0.74]]), 0.25, 0, torch.qint8)
    assert np.array_equal(points(output), [[0.25, 1.0], [0.5, -0.75]])


def test_points_are_a_copy_of_an_output_that_may_change() -> None:
    output = torch.zeros(2, 3, requires_grad=True)
    found = points(output)
    with torch.no_grad():
        output += 1.0
    assert np.array_equal(found, np.zeros((2, 3)))


def nested(count: int = 2) -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls nested tensors a prototype
        return torch.nested.nested_tensor([torch.zeros(size + 1, 3) for size in range(count)])


@pytest.mark.parametrize(
    ("output", "kind"),
    [
        (torch.zeros(2, 3).to_sparse(), "torch.float32, torch.sparse_coo, cpu"),
        (torch.zeros(2, 3, dtype=torch.complex64), "torch.complex64, torch.strided, cpu"),
        (torch.zeros(2, 3, device="meta"), "torch.float32, torch.strided, meta"),
        (nested(), "nested"),
    ],
)
def test_an_output_without_plain_values_is_told(output: Any, kind: str) -> None:
    with pytest.raises(InputError) as caught:
        points(output)
    text = f"layer 'layer' gives a tensor without plain real values ({kind}); name another layer"
    assert str(caught.value) == text


@pytest.mark.parametrize("output", [None, 3.0, "text", (), [], {}, ("text",), [None]])
def test_an_output_that_is_no_tensor_is_told(output: Any) -> None:
    with pytest.raises(InputError, match=r"layer 'layer' gives a .*, not a tensor; name a layer that gives one"):
        points(output)


def test_of_several_tensors_the_first_is_taken_and_of_a_transformer_its_last_hidden_state() -> None:
    one, two = torch.ones(2, 3), torch.zeros(2, 3)
    for output in ((one, two), [one, two], SimpleNamespace(last_hidden_state=one, logits=two)):
        assert np.array_equal(points(output), np.ones((2, 3)))


class TestGap:
    """Which axis holds the channels, by the layers that ran before."""

    @pytest.mark.parametrize("shape", [(1, 8, 8), (8, 8, 1)])
    def test_it_asks_where_nothing_ran_that_tells(self, shape: tuple[int, ...]) -> None:
        with pytest.raises(InputError, match="what ran before does not tell which axis holds the channels"):
            points(torch.zeros(2, *shape), "gap")

    def test_a_normalisation_over_pixels_too_tells_nothing(self) -> None:
        network = nn.Sequential(nn.LayerNorm((1, 6, 5)))
        with pytest.raises(InputError, match="does not tell which axis"):
            collect(network, {"0": "gap"}, [torch.rand(3, 1, 6, 5)])

    @pytest.mark.parametrize(
        ("layer", "shape", "axes"),
        [
            (nn.Conv1d(3, 5, 1), (3, 5), (2,)),  # as many channels as places: a convolution has them first
            (nn.Conv2d(3, 5, 1), (3, 4, 5), (2, 3)),
            (nn.Conv3d(3, 5, 1), (3, 4, 5, 5), (2, 3, 4)),
            (nn.BatchNorm2d(3), (3, 4, 3), (2, 3)),
            (nn.GroupNorm(1, 3), (3, 4, 3), (2, 3)),
            (nn.LayerNorm(5), (3, 4, 5), (1, 2)),
            (nn.Linear(5, 6), (3, 4, 5), (1, 2)),
        ],
    )
    def test_a_layer_that_tells_counts_for_its_own_output(self, layer: nn.Module, shape: Any, axes: Any) -> None:
        inputs = torch.rand(2, *shape)
        found = collect(nn.Sequential(layer), {"0": "gap"}, [inputs])["0"]
        wanted = layer.eval()(inputs).detach().numpy().mean(axes)
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)

    @pytest.mark.parametrize("reshape", [lambda z: z, lambda z: z.permute(0, 2, 3, 1)])
    def test_channels_that_move_are_found_by_their_number(self, reshape: Any) -> None:
        class Moves(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.conv, self.out = nn.Conv2d(1, 5, 1), nn.Identity()

            def forward(self, x: Any) -> Any:
                return self.out(reshape(self.conv(x)))

        network, inputs = Moves(), torch.rand(2, 1, 4, 3)
        wanted = network.conv(inputs).detach().numpy().mean((2, 3))
        found = collect(network, {"out": "gap"}, [inputs])["out"]
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)

    def test_the_axes_of_tokens_and_features_are_not_told_by_a_linear_layer(self) -> None:
        network = nn.Sequential(nn.Linear(7, 5))
        with pytest.raises(InputError, match="does not tell which axis"):
            collect(network, {"0": "gap"}, [torch.rand(3, 4, 7)])
