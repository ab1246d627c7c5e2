"""How the output of a layer becomes points: which outputs each reduction takes, in which precision, and its words."""

from __future__ import annotations

import warnings
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import timm
import torch
from torch import nn
from torchvision import models

from diffspec import InputError
from diffspec.training import Layer, collect
from diffspec.training.network.reductions import REDUCTIONS, Channels, Tokens, reduced

# The numbers of axes that a reduction takes, of outputs of one to seven axes.
AXES = {
    "none": [2],
    "flatten": [2, 3, 4, 5, 6, 7],
    "mean": [3],
    "cls": [3],
    "last": [3],
    "patches": [3],
    "masked_mean": [3],
    "masked_last": [3],
    "gap_first": [3, 4, 5],
    "gap_last": [3, 4, 5],
}


def points(output: Any, reduce: str = "none", size: int = 2) -> np.ndarray:
    return reduced(("layer", reduce), output, size, Channels(), Tokens(torch.ones(2, 2), leading=1))


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


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        (
            (2, 8, 6, 6),
            'write layers={"layer": "gap"} (mean over all axes but inputs and channels, which are found), or in '
            "its place flatten (all trailing axes become features), "
            "gap_first (mean over the pixels of (n, channels, ...)), "
            "gap_last (mean over the pixels of (n, ..., channels))",
        ),
        (
            (2, 3, 4),
            'write layers={"layer": "mean"} (mean over the tokens of (n, tokens, d)), or in its place '
            "flatten (all trailing axes become features), cls (first token of (n, tokens, d)), "
            "last (last token of (n, tokens, d)), "
            "patches (mean over the tokens but leading class and register tokens), "
            "masked_mean (mean over the tokens where attention_mask is 1), "
            "masked_last (last token where attention_mask is 1), "
            "gap (mean over all axes but inputs and channels, which are found), "
            "gap_first (mean over the pixels of (n, channels, ...)), "
            "gap_last (mean over the pixels of (n, ..., channels))",
        ),
        (
            (2, 1, 1, 1, 1, 5),
            'write layers={"layer": "flatten"} (all trailing axes become features), or in its place ',
        ),
        ((2,), "no reduction takes so few axes; name another layer"),
    ],
)
def test_the_line_to_write_is_printed_with_what_else_fits(shape: tuple[int, ...], words: str) -> None:
    with pytest.raises(InputError) as caught:
        points(torch.zeros(shape))
    assert str(caught.value) == f"layer 'layer' gives shape {shape}, not fit for reduce='none'; {words}"


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


class TestTokens:
    """Class, register and padding tokens are no part of a mean."""

    words = torch.tensor([[[1.0], [2.0], [30.0]], [[4.0], [50.0], [60.0]], [[70.0], [8.0], [10.0]]])
    mask = torch.tensor([[1, 1, 0], [1, 0, 0], [0, 1, 1]])  # the last is padded on the left

    def reduced(self, reduce: Any, mask: Any) -> np.ndarray:
        class Words(nn.Module):
            def forward(self, words: Any, attention_mask: Any = None) -> Any:
                return words

        network = nn.ModuleDict({"words": Words()})
        network.forward = lambda **given: network["words"](given["words"])
        inputs = {"words": self.words} | ({} if mask is None else {"attention_mask": mask})
        return collect(network, {"words": reduce}, inputs)["words"]

    def test_padding_counts_neither_in_a_mean_nor_as_the_last(self) -> None:
        assert np.array_equal(self.reduced("masked_mean", self.mask), [[1.5], [4.0], [9.0]])
        assert np.array_equal(self.reduced("masked_last", self.mask), [[2.0], [4.0], [10.0]])
        assert np.array_equal(self.reduced("mean", self.mask)[1], [38.0])

    @pytest.mark.parametrize(("mask", "got"), [(None, "got none"), (torch.ones(3, 2), r"got shape \(3, 2\)")])
    def test_a_mean_over_a_mask_that_does_not_fit_is_told(self, mask: Any, got: str) -> None:
        with pytest.raises(InputError, match=f"needs inputs with an attention_mask of shape .*3, 3.*, {got}"):
            self.reduced("masked_mean", mask)

    def test_an_input_of_nothing_but_padding_is_told(self) -> None:
        with pytest.raises(InputError, match="at least one token of every input, got none in row 1"):
            self.reduced("masked_last", torch.tensor([[1, 1, 1], [0, 0, 0], [1, 1, 1]]))

    def test_a_mean_over_a_mask_sums_half_precision_in_single(self) -> None:
        words = torch.full((1, 5000, 1), 0.1, dtype=torch.float16)
        tokens = Tokens(torch.ones(1, 5000))
        found = reduced(("layer", "masked_mean"), words, 1, Channels(), tokens)
        assert found == pytest.approx(float(words[0, 0, 0]), rel=1e-5)

    @pytest.mark.parametrize(
        ("name", "options", "leading"),
        [
            ("vit_tiny_patch16_224", {}, 1),
            ("vit_tiny_patch16_224", {"reg_tokens": 4}, 5),
            ("deit_tiny_distilled_patch16_224", {}, 2),
            ("vit_tiny_patch16_224", {"class_token": False, "global_pool": "avg"}, 0),
        ],
    )
    def test_networks_of_timm_tell_how_many_tokens_lead(self, name: str, options: Any, leading: int) -> None:
        network = timm.create_model(name, num_classes=3, depth=1, img_size=32, **options).eval()
        images = torch.randn(2, 3, 32, 32)
        wanted = network.blocks(seen(network.blocks, network, images))[:, leading:].mean(1).detach().numpy()
        np.testing.assert_allclose(collect(network, {"blocks": "patches"}, images)["blocks"], wanted, atol=1e-6)

    def test_else_the_parameters_tell(self) -> None:
        sizes = {"image_size": 64, "patch_size": 32, "num_layers": 1, "num_heads": 2, "hidden_dim": 16, "mlp_dim": 16}
        network = models.VisionTransformer(**sizes).eval()
        images = torch.randn(2, 3, 64, 64)
        tokens = collect(network, {"encoder": "flatten"}, images)["encoder"].reshape(2, 5, 16)
        np.testing.assert_allclose(
            collect(network, {"encoder": "patches"}, images)["encoder"], tokens[:, 1:].mean(1), atol=1e-6
        )

    def test_a_network_that_does_not_tell_asks_for_a_function(self) -> None:
        network = nn.Sequential(nn.Linear(3, 5))
        with pytest.raises(InputError, match=r'give a function: \{"0": lambda z: z\[:, 1:\].mean\(1\)\}'):
            collect(network, {"0": "patches"}, torch.rand(2, 4, 3))


def seen(module: Any, network: Any, inputs: Any) -> Any:
    """What a module is given."""
    found: list[Any] = []
    with module.register_forward_pre_hook(lambda _m, given: found.append(given[0])):
        network(inputs)
    return found[0]


class TestFunctions:
    """A reduction of the user's own."""

    def test_it_gets_what_the_layer_gives(self) -> None:
        inputs = torch.rand(6, 4, 3)
        network = nn.Sequential(nn.Identity())
        found = collect(network, Layer("0", lambda z: z.amax(1)), inputs.split(3))["0"]
        assert np.array_equal(found, inputs.amax(1).numpy())

    @pytest.mark.parametrize(
        ("function", "got"),
        [
            (lambda z: z.mean(), r"shape \(\)"),
            (lambda z: z[:1, 0], r"shape \(1, 3\)"),
            (lambda z: z, r"shape \(2, 4, 3\)"),
            (lambda z: None, "a NoneType"),
        ],
    )
    def test_it_must_give_points(self, function: Any, got: str) -> None:
        text = rf"the reduction of layer '0' must give a tensor \(n, d\) for 2 inputs, got {got} from \(2, 4, 3\)"
        with pytest.raises(InputError, match=text):
            collect(nn.Sequential(nn.Identity()), Layer("0", function), torch.rand(2, 4, 3))

    def test_two_functions_have_names_of_their_own(self) -> None:
        def largest(z: Any) -> Any:
            return z.amax(1)

        found = collect(nn.Sequential(nn.Identity()), [Layer("0", largest), Layer("0", "mean")], torch.rand(2, 4, 3))
        assert list(found) == ["0:largest", "0:mean"]


class TestInputs:
    """What a layer is given, before it runs."""

    def test_the_first_argument_is_taken_however_it_is_given(self) -> None:
        class Named(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.inner = nn.Linear(3, 2)

            def forward(self, x: Any) -> Any:
                return self.inner(input=2.0 * x)

        inputs = torch.rand(4, 3)
        found = collect(Named(), Layer("inner", side="input"), inputs)
        assert list(found) == ["inner:input"]
        assert np.array_equal(found["inner:input"], 2.0 * inputs.numpy())

    def test_it_is_what_was_given_also_where_the_layer_changes_it_in_place(self) -> None:
        inputs = torch.randn(4, 3)
        network = nn.Sequential(nn.Identity(), nn.ReLU(inplace=True))
        found = collect(network, [Layer("1", side="input"), "1"], inputs)
        assert np.array_equal(found["1:input"], inputs.numpy())
        assert np.array_equal(found["1"], inputs.clamp(min=0).numpy())

    def test_another_side_is_refused(self) -> None:
        with pytest.raises(InputError, match="side must be 'output' or 'input', got 'in'"):
            Layer("fc", side="in")


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
