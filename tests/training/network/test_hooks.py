"""What layers give on fixed inputs: reductions are explicit, and the network is left as it was."""

from __future__ import annotations

import random
import sys
import weakref
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from diffspec import InputError
from diffspec.errors import LayersWarning
from diffspec.training import Layer, Probe, collect
from diffspec.training.network import hooks
from diffspec.training.network.layers import resolve_layers
from diffspec.training.network.reductions import REDUCTIONS, Tokens
from diffspec.training.network.untouched import untouched

INPUTS = torch.linspace(0, 1, 6 * 4).reshape(6, 4)


class Gives(torch.nn.Module):
    """A network of one layer whose output is what a function makes of the inputs."""

    def __init__(self, function: object) -> None:
        super().__init__()
        self.layer = torch.nn.Identity()
        self.layer.forward = function

    def forward(self, inputs: object) -> object:
        return self.layer(inputs)


def small() -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Dropout(0.5), torch.nn.BatchNorm1d(3))


def through(function: object, reduce: str) -> np.ndarray:
    return collect(Gives(function), [Layer("layer", reduce)], [INPUTS])["layer"]


TOKENS = torch.arange(6 * 5 * 2.0).reshape(6, 5, 2)
IMAGES = torch.arange(6 * 3 * 2 * 2.0).reshape(6, 3, 2, 2)


@pytest.mark.parametrize(
    ("reduce", "output", "wanted"),
    [
        ("none", INPUTS, INPUTS),
        ("flatten", TOKENS, TOKENS.reshape(6, 10)),
        ("flatten", IMAGES, IMAGES.reshape(6, 12)),
        ("mean", TOKENS, TOKENS.numpy().mean(axis=1)),
        ("cls", TOKENS, TOKENS[:, 0]),
        ("last", TOKENS, TOKENS[:, 4]),
        ("gap_first", IMAGES, IMAGES.numpy().mean(axis=(2, 3))),
        ("gap_last", IMAGES, IMAGES.numpy().mean(axis=(1, 2))),
        ("gap_first", TOKENS, TOKENS.numpy().mean(axis=2)),
        ("gap_last", TOKENS, TOKENS.numpy().mean(axis=1)),
        ("gap_first", IMAGES[:, :, None], IMAGES.numpy().mean(axis=(2, 3))),
        ("gap_last", IMAGES[:, None], IMAGES.numpy().mean(axis=(1, 2))),
    ],
)
def test_reductions(reduce: str, output: object, wanted: object) -> None:
    np.testing.assert_array_equal(through(lambda _: output, reduce), np.asarray(wanted))


@pytest.mark.parametrize(
    ("reduce", "output"),
    [("none", TOKENS), ("none", IMAGES), ("mean", IMAGES), ("gap", INPUTS), ("cls", INPUTS), ("flatten", INPUTS[:, 0])],
)
def test_a_shape_without_its_reduction_names_the_choices(reduce: str, output: object) -> None:
    with pytest.raises(InputError, match=rf"not fit for reduce='{reduce}'; (write layers=\{{|no reduction takes)"):
        through(lambda _: output, reduce)


def test_an_unknown_reduction() -> None:
    with pytest.raises(
        InputError, match=r"reduce must be one of none, flatten, mean, .* gap_last or a function, got 'sum'"
    ):
        Layer("0", "sum")
    words = "none flatten mean cls last patches masked_mean masked_last gap gap_first gap_last"
    assert list(REDUCTIONS) == words.split()


def test_tuples_and_transformer_outputs() -> None:
    np.testing.assert_array_equal(through(lambda x: (2 * x, None), "none"), 2 * INPUTS)
    np.testing.assert_array_equal(through(lambda _: SimpleNamespace(last_hidden_state=TOKENS), "last"), TOKENS[:, 4])
    with pytest.raises(InputError, match="gives a dict, not a tensor"):
        through(lambda x: {"a": x}, "none")


def test_half_precision_becomes_float32() -> None:
    got = through(lambda x: x.to(torch.bfloat16), "none")
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, INPUTS, atol=0.01)


def test_rows_must_be_inputs() -> None:
    with pytest.raises(InputError, match="gives 5 rows for 6 inputs; the first axis must be inputs"):
        through(lambda _: TOKENS.transpose(0, 1)[:, :, 0], "none")


def test_a_layer_that_runs_twice() -> None:
    shared = torch.nn.ReLU()
    network = torch.nn.Sequential(shared, torch.nn.Linear(4, 4), shared)
    with pytest.raises(InputError, match="'0' ran 2 times in one pass"):
        collect(network, "0", [INPUTS])


def test_a_layer_that_does_not_run() -> None:
    network = Gives(lambda x: x)
    network.unused = torch.nn.Linear(2, 2)
    with pytest.raises(InputError, match="'unused' ran 0 times"):
        collect(network, "unused", [INPUTS])


def test_an_unknown_layer_lists_near_names() -> None:
    network = torch.nn.ModuleDict({"encoder": torch.nn.Linear(2, 2), "head": torch.nn.Linear(2, 2)})
    with pytest.raises(InputError, match="no layer 'encode' in the model; near names: encoder"):
        resolve_layers(network, ["encode"])
    with pytest.raises(InputError, match="near names: encoder, head"):
        resolve_layers(network, ["zzz*"])
    with pytest.raises(InputError, match="layers is empty"):
        resolve_layers(network, [])


def labels(network: torch.nn.Module, layers: Any) -> dict[str, tuple[str, str]]:
    return {layer.label: (layer.name, layer.reduce) for layer in resolve_layers(network, layers)}


def test_patterns_mappings_and_single_names() -> None:
    network = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Linear(3, 3), torch.nn.ReLU())
    assert labels(network, "[01]") == {"0": ("0", "none"), "1": ("1", "none")}
    assert labels(network, {"2": "flatten"}) == {"2": ("2", "flatten")}
    assert list(labels(network, ["0", "*"])) == ["0", "1", "2"]  # what they have in common is one layer


def test_batches_are_put_together_in_order() -> None:
    network = small()
    parts = collect(network, ["0", "2"], Probe(INPUTS, batch_size=4).batches())
    whole = collect(network, ["0", "2"], [INPUTS])
    for name in ("0", "2"):
        np.testing.assert_allclose(parts[name], whole[name], rtol=1e-6)


def test_what_the_network_gave_is_let_go_before_the_next_batch() -> None:
    class Wide(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.narrow = torch.nn.Linear(4, 3)

        def forward(self, x: torch.Tensor) -> object:
            gone.extend(one() is None for one in given[-1:])
            answer = self.narrow(x) @ torch.ones(3, 50)
            given.append(weakref.ref(answer))
            return answer

    gone: list[bool] = []
    given: list[Any] = []
    collect(Wide(), "narrow", Probe(INPUTS, batch_size=2).batches())
    assert gone == [True, True]


def test_named_inputs() -> None:
    class Two(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.sum = torch.nn.Identity()

        def forward(self, left: object, right: object) -> object:
            return self.sum(left + right)

    probe = Probe({"left": INPUTS, "right": 2 * INPUTS}, batch_size=4)
    np.testing.assert_array_equal(collect(Two(), "sum", probe.batches())["sum"], 3 * INPUTS)


def test_what_the_network_has_no_argument_for_is_left_out_and_told_once() -> None:
    rows = {"input": INPUTS, "label": torch.zeros(6), "idx": torch.arange(6), "text": ["a"] * 6}
    with pytest.warns(LayersWarning, match=r"^the network has no argument for 'idx', 'text' of the inputs") as told:
        found = collect(network := small(), "0", [rows, rows])
    assert len(told) == 1
    np.testing.assert_array_equal(found["0"], collect(network, "0", [INPUTS, INPUTS])["0"])
    with pytest.warns(LayersWarning, match="'idx'") as told:
        hooks.trial(small(), resolve_layers(small(), "0"), {"input": INPUTS, "idx": torch.arange(6)})
    assert len(told) == 1
    with pytest.raises(InputError, match="missing 1 required positional argument: 'input'"):
        collect(small(), "0", {"image": INPUTS})


def test_a_network_that_takes_every_argument_gets_all() -> None:
    class Takes(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.sum = torch.nn.Identity()

        def forward(self, **given: object) -> object:
            return self.sum(given["left"] + given["idx"])

    np.testing.assert_array_equal(collect(Takes(), "sum", {"left": INPUTS, "idx": INPUTS})["sum"], 2 * INPUTS)


def states() -> tuple[object, ...]:
    return random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()  # noqa: NPY002


@pytest.mark.parametrize("fails", [False, True])
def test_everything_is_put_back(fails: bool) -> None:
    network = small()
    network[1].eval()  # a part that is frozen in evaluation mode stays so
    before = {name: value.clone() for name, value in network.state_dict().items()}
    drawn = states()

    def draw(*_: object) -> None:
        random.random(), np.random.rand(), torch.rand(1)  # noqa: NPY002
        if fails:
            raise RuntimeError("in the pass")

    handle = network[2].register_forward_hook(draw)
    if fails:
        with pytest.raises(InputError, match=r"cannot take inputs of .* RuntimeError: in the pass"):
            collect(network, "0", [INPUTS])
    else:
        collect(network, "0", [INPUTS])
    handle.remove()
    assert states() == drawn
    assert [module.training for module in network.modules()] == [True, True, False, True]
    assert not any(module._forward_hooks for module in network.modules())
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert torch.is_grad_enabled()


def test_the_pass_is_in_evaluation_mode_without_gradients() -> None:
    network, seen = small(), []
    network[1].register_forward_hook(lambda module, _i, output: seen.append((module.training, output.requires_grad)))
    collect(network, "0", [INPUTS])
    assert seen == [(False, False)]


def test_training_flags_are_set_without_calling_train() -> None:
    class Merging(torch.nn.Linear):
        def train(self, mode: bool = True) -> object:
            raise AssertionError("train() of this layer has effects that last")

    network = torch.nn.Sequential(Merging(4, 4))
    with untouched(network):
        assert not network[0].training
    assert network[0].training


@pytest.mark.parametrize("wrap", ["compile", "part", "parallel"])
def test_wrapped_networks(wrap: str) -> None:
    plain = small()
    if wrap == "compile":
        network, names = torch.compile(plain, backend="eager"), ["2", "_orig_mod.2"]
    elif wrap == "part":
        network, names = torch.nn.Sequential(torch.compile(plain, backend="eager")), ["0.2", "0._orig_mod.2"]
        network(INPUTS)  # compiled before there were hooks
    else:
        network, names = torch.nn.DataParallel(plain), ["2", "module.2"]
    for name in names:
        found = collect(network, name, [INPUTS])
        (got,) = found.values()
        np.testing.assert_array_equal(got, collect(plain, "2", [INPUTS])["2"])
        assert list(found) == [names[0]]


def test_looking_compiles_nothing() -> None:
    compiled = []

    def backend(graph: Any, _inputs: object) -> Any:
        compiled.append(graph)
        return graph.forward

    network = torch.nn.Sequential(torch.compile(small(), backend=backend))
    network(INPUTS)
    assert len(compiled) == 1
    for rows in (6, 5, 4):
        collect(network, "0.2", [INPUTS[:rows]])
    network(INPUTS)
    assert len(compiled) == 1


def test_what_is_no_network() -> None:
    with pytest.raises(InputError, match=r"model must be a torch\.nn\.Module, got str"):
        collect("model", "0", [INPUTS])


def test_means_of_half_precision_outputs_are_taken_in_single_precision():
    # 1 + 2^-11 lies between two neighbours of float16: a mean taken in it would be one of them.
    network = Gives(lambda inputs: torch.stack([inputs, inputs + 2.0**-10], dim=1).half())
    found = collect(network, {"layer": "mean"}, [torch.ones(3, 2)])["layer"]
    assert found.dtype == np.float32
    assert np.array_equal(found, np.full((3, 2), 1.0 + 2.0**-11, dtype=np.float32))


@pytest.mark.parametrize("fused", [True, False])
def test_every_hook_is_gone_and_fused_layers_are_as_before_a_pass(fused):
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU())
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(fused)
    seen = []
    with hooks.plainly():
        seen.append(torch.backends.mha.get_fastpath_enabled())
    with hooks._hooked(network, [], 4, Tokens()):
        pass
    collect(network, {"1": "gap"}, [torch.ones(4, 1, 5, 5)])
    assert seen == [False]
    assert torch.backends.mha.get_fastpath_enabled() == fused
    torch.backends.mha.set_fastpath_enabled(before)
    assert not any(module._forward_hooks for module in network.modules())


class TestCompiling:
    """Parts compiled by the caller run eagerly, and nothing is imported for that where nothing is compiled."""

    @pytest.fixture
    def stances(self, monkeypatch):
        """The stances that a pass takes."""
        taken = []

        @contextmanager
        def stance(name):
            taken.append(name)
            yield
            taken.append("over")

        monkeypatch.setattr(torch.compiler, "set_stance", stance, raising=False)
        return taken

    def test_a_pass_is_eager_where_something_may_be_compiled(self, stances, monkeypatch):
        monkeypatch.setitem(sys.modules, "torch._dynamo", object())
        collect(small(), "0", [INPUTS])
        assert stances == ["force_eager", "over"]

    def test_a_compiler_that_is_not_loaded_stays_so(self, stances, monkeypatch):
        monkeypatch.delitem(sys.modules, "torch._dynamo", raising=False)
        collect(small(), "0", [INPUTS])
        assert stances == []

    def test_a_torch_that_knows_no_stances_does_without(self, stances, monkeypatch):
        monkeypatch.setitem(sys.modules, "torch._dynamo", object())
        monkeypatch.delattr(torch.compiler, "set_stance")
        collect(small(), "0", [INPUTS])
        assert stances == []


class TestAutocast:
    """A pass inside ``torch.autocast``, whose cache older versions of torch share with the training around it."""

    def test_a_pass_puts_no_cast_of_a_weight_into_the_cache(self):
        enabled = []
        network = small()
        network[0].register_forward_hook(lambda *_: enabled.append(torch.is_autocast_cache_enabled()))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            collect(network, "0", [INPUTS])
            assert torch.is_autocast_cache_enabled()
        assert enabled == [False]

    def test_weights_get_their_gradient_after_a_pass(self):
        network = small()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            collect(network, "0", [INPUTS])
            answer = network(INPUTS)
        answer.sum().backward()
        assert all(parameter.grad is not None for parameter in network.parameters())

    def test_a_cache_that_is_off_stays_off(self):
        with torch.autocast("cpu", dtype=torch.bfloat16, cache_enabled=False):
            collect(small(), "0", [INPUTS])
            assert not torch.is_autocast_cache_enabled()


class TestTrial:
    """One pass before any training."""

    def test_the_layers_that_run_are_kept(self):
        network = torch.nn.ModuleDict({"runs": torch.nn.Linear(4, 3), "never": torch.nn.Linear(4, 3)})
        network.forward = lambda inputs: network["runs"](inputs)
        layers = resolve_layers(network, "*")
        with pytest.warns(LayersWarning, match=r"left out: never \(0 times\)$"):
            found = hooks.trial(network, layers, INPUTS)
        assert found == [layer for layer in layers if layer.name == "runs"]

    def test_an_output_that_is_no_points_is_told_as_it_is(self):
        network = Gives(lambda inputs: inputs[:, :, None])
        with pytest.raises(InputError, match=r"^layer 'layer' gives shape \(6, 4, 1\), not fit for reduce='none'"):
            hooks.trial(network, resolve_layers(network, "layer"), INPUTS)

    def test_what_the_network_says_of_a_batch_is_told_in_one_line(self):
        def refuse(_inputs):
            raise ValueError("four\n  features  only")

        network = Gives(refuse)
        words = r"the network cannot take inputs of shape \(6, 4\), torch.float32: ValueError: four features only; give"
        with pytest.raises(InputError, match=words) as caught:
            hooks.trial(network, resolve_layers(network, "layer"), INPUTS)
        assert isinstance(caught.value.__cause__, ValueError)


def test_what_is_left_out_is_told_with_how_often_it_ran_and_only_where_something_is():
    class Odd(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.once, self.twice, self.never = (torch.nn.Identity() for _ in range(3))

        def forward(self, inputs):
            return self.twice(self.twice(self.once(inputs)))

    with pytest.warns(LayersWarning) as told:
        assert list(collect(Odd(), "*", [INPUTS, INPUTS])) == ["once"]
    words = "layers that a pattern names and that did not run once are left out: twice (2 times), never (0 times)"
    assert [str(one.message) for one in told] == [words]  # of the first batch only: they are not looked at again
    assert list(collect(Odd(), "once", [INPUTS])) == ["once"]


def test_a_layer_that_gives_nothing_is_told():
    with pytest.raises(InputError, match="layer 'layer' gives a NoneType, not a tensor"):
        through(lambda _: None, "none")


def test_what_a_layer_gives_is_taken_before_the_network_changes_it():
    class InPlace(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Identity()

        def forward(self, inputs):
            return self.layer(inputs).mul_(0.0)

    inputs = INPUTS.clone()
    assert np.array_equal(collect(InPlace(), "layer", [inputs])["layer"], INPUTS)
    assert torch.equal(inputs, INPUTS)  # the network got a copy


def test_batches_of_several_lengths_are_told():
    network = torch.nn.Sequential(torch.nn.Identity())
    batches = [torch.ones(2, 3), torch.ones(2, 5), torch.ones(2, 4)]
    with pytest.raises(InputError, match="layer '0' gives 3 features for one batch and 5 for another; pad all inputs"):
        collect(network, "0", batches)
    assert collect(network, "0", [batches[0], torch.zeros(4, 3)])["0"].tolist() == [[1.0] * 3] * 2 + [[0.0] * 3] * 4


def test_up_to_ten_names_are_offered_where_none_is_near():
    network = torch.nn.Sequential(*(torch.nn.Identity() for _ in range(12)))
    with pytest.raises(InputError, match="near names: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9; see"):
        resolve_layers(network, "zzz")
    named = torch.nn.ModuleDict({f"block{k}": torch.nn.Identity() for k in range(7)})
    with pytest.raises(InputError) as caught:
        resolve_layers(named, "block")
    assert str(caught.value).count("block") == 6  # the one asked for and the five nearest


@pytest.mark.parametrize("name", ["gap_first", "gap_last", "gap"])
@pytest.mark.parametrize("axes", range(2, 7))
def test_pixels_are_means_over_one_to_three_axes(name, axes):
    assert (axes in REDUCTIONS[name][0]) == (3 <= axes <= 5)
