"""What a pass sees is not changed by what runs later, and a pass changes nothing: network, inputs, random states."""

from __future__ import annotations

import random
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from diffspec import InputError
from diffspec.training import Probe, collect, layers
from diffspec.training.network.untouched import unwritten

torch.manual_seed(0)
X = torch.randn(12, 6)
IMAGES = torch.randn(12, 3, 5, 5)


class Then(nn.Module):
    """A layer, and what a network does with its output afterwards."""

    def __init__(self, layer: nn.Module, after: Callable[[Any, Any], Any]) -> None:
        super().__init__()
        self.layer, self.after = layer, after

    def forward(self, x: Any) -> Any:
        return self.after(self.layer(x), x)


class Gives(nn.Module):
    def __init__(self, function: Callable[[Any], Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Any) -> Any:
        return self.function(x)


AFTER: dict[str, Callable[[Any, Any], Any]] = {
    "relu_": lambda z, _x: z.relu_(),
    "inplace ReLU": lambda z, _x: nn.ReLU(inplace=True)(z),
    "add_": lambda z, x: z.add_(x),
    "+=": lambda z, x: z.__iadd__(x),
    "squeeze_": lambda z, _x: z.unsqueeze_(0).squeeze_(),
    "a view of it": lambda z, _x: z.unsqueeze(0).mul_(0.0),
    "a slice of it": lambda z, _x: z[:, 1:].zero_(),
    "t_": lambda z, _x: z.t_(),
    "out=": lambda z, x: torch.mul(x, 2.0, out=z),
    "zero_ through data": lambda z, _x: z.data.zero_(),
}


@pytest.mark.parametrize("after", AFTER.values(), ids=AFTER)
@pytest.mark.parametrize("kind", ["linear", "view", "slice", "the input itself"])
def test_an_output_that_is_changed_in_place_afterwards(after: Callable[[Any, Any], Any], kind: str) -> None:
    linear = nn.Linear(6, 6)
    layer: nn.Module = {
        "linear": linear,
        "view": Gives(lambda x: linear(x).view(12, 6)),
        "slice": Gives(lambda x: torch.cat([linear(x), x], 1)[:, :6]),
        "the input itself": nn.Identity(),
    }[kind]
    wanted = layer(X.clone()).detach().numpy().copy()
    np.testing.assert_array_equal(collect(Then(layer, after), "layer", [X.clone()])["layer"], wanted)


@pytest.mark.parametrize("pack", [lambda z: (z, z), lambda z: [z], lambda z: SimpleNamespace(last_hidden_state=z)])
def test_an_output_in_a_container_that_is_changed_in_place_afterwards(pack: Callable[[Any], Any]) -> None:
    linear = nn.Linear(6, 6)

    def spoil(packed: Any, _x: Any) -> Any:
        tensor = packed[0] if isinstance(packed, tuple | list) else packed.last_hidden_state
        return tensor.zero_()

    network = Then(Gives(lambda x: pack(linear(x))), spoil)
    np.testing.assert_array_equal(collect(network, "layer", [X])["layer"], linear(X).detach())


TOKENS = torch.randn(12, 4, 6)


@pytest.mark.parametrize("reduce", ["flatten", "mean", "cls", "last", "gap_first", "gap_last"])
def test_every_reduction_is_done_before_what_follows(reduce: str) -> None:
    network = Then(nn.Linear(6, 6), lambda z, _x: z.zero_())
    same = Then(network.layer, lambda z, _x: z)
    found, wanted = (collect(one, {"layer": reduce}, [TOKENS])["layer"] for one in (network, same))
    assert np.abs(wanted).max() > 0.1
    np.testing.assert_array_equal(found, wanted)


class Residual(nn.Module):
    """The block of ResNet as torchvision writes it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 3, 3, 1, 1), nn.BatchNorm2d(3)
        self.relu = nn.ReLU(inplace=True)
        self.conv2, self.bn2 = nn.Conv2d(3, 3, 3, 1, 1), nn.BatchNorm2d(3)

    def forward(self, x: Any) -> Any:
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += x
        return self.relu(out)


def vgg() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4, 2))


def test_resnet_and_vgg_before_their_inplace_relu() -> None:
    block = Residual().eval()
    found = collect(block, {"bn1": "flatten", "bn2": "flatten", "conv1": "gap"}, [IMAGES])
    first = block.bn1(block.conv1(IMAGES)).detach()
    np.testing.assert_array_equal(found["bn1"], first.flatten(1))
    np.testing.assert_array_equal(found["bn2"], block.bn2(block.conv2(first.relu())).detach().flatten(1))
    np.testing.assert_allclose(found["conv1"], block.conv1(IMAGES).detach().mean((2, 3)), atol=1e-6)
    network = vgg()
    np.testing.assert_array_equal(
        collect(network, {"0": "flatten"}, [IMAGES])["0"], network[0](IMAGES).detach().flatten(1)
    )


# --- inputs -----------------------------------------------------------------------------------------------------------


class Eats(nn.Module):
    """A network that normalises its inputs in place."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(6, 3)

    def forward(self, x: Any = None, nested: Any = None, labels: Any = None, n: int = 1) -> Any:
        for tensor in (x, labels, *((nested or {}).values())):
            if tensor is not None:
                tensor.sub_(tensor.mean(dtype=torch.float32).to(tensor.dtype) + 1)
        x = nested["inner"] if x is None else x
        return self.linear(x[0] if isinstance(x, list) else x)


INPUTS: dict[str, Callable[[], Any]] = {
    "tensor": lambda: X.clone(),
    "mapping": lambda: {"x": X.clone(), "labels": torch.arange(12), "n": 3},
    "nested": lambda: {"nested": {"inner": X.clone(), "other": X.clone()}},
}


def tensors(value: Any) -> list[Any]:
    if isinstance(value, torch.Tensor):
        return [value]
    return [found for part in value.values() for found in tensors(part)] if isinstance(value, dict) else []


@pytest.mark.parametrize("kind", INPUTS)
def test_a_network_that_changes_its_inputs_sees_the_same_bits_at_every_look(kind: str) -> None:
    inputs, before = INPUTS[kind](), INPUTS[kind]()
    network, probe = Eats(), Probe(inputs, batch_size=5)
    first, *others = (collect(network, "linear", probe.batches())["linear"] for _ in range(3))
    for other in others:
        np.testing.assert_array_equal(other, first)
    collect(network, "linear", [inputs])
    assert all(map(torch.equal, tensors(inputs), tensors(before)))
    assert all(map(torch.equal, tensors(probe.inputs), tensors(before)))


def test_what_a_user_does_to_the_inputs_later_does_not_reach_the_probe() -> None:
    inputs = X.clone()
    probe = Probe(inputs, torch.arange(12) % 2)
    inputs.zero_()
    assert torch.equal(probe.inputs, X)


# --- the network ------------------------------------------------------------------------------------------------------


class Busy(nn.Module):
    """Everything that a network may change when it runs, in evaluation mode too."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(6, 3)
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))
        self.register_buffer("average", torch.full((3,), torch.nan))
        self.register_buffer("grown", torch.zeros(0))
        self.steps, self.name, self.history, self.seen = 0, "before", [1], {"a": [torch.zeros(2)]}
        self.queue, self.kinds, self.pair = deque([1, 2], maxlen=2), {1}, (torch.zeros(1), [])
        self.loose, self.replaced = torch.ones(3), torch.ones(3)
        self.generator, self.numpy = torch.Generator().manual_seed(1), np.random.default_rng(2)
        self.legacy, self.python = np.random.RandomState(3), random.Random(4)

    def forward(self, x: Any) -> Any:
        z = self.linear(x)
        self.count += 1
        self.average.lerp_(z.mean(0), 0.1).nan_to_num_()
        self.grown = torch.cat([self.grown, z[0]])
        self.steps, self.name = self.steps + 1, "after"
        self.history.append(2)
        self.seen["a"][0].add_(1)
        self.seen["b"] = self.seen["a"]
        self.queue.append(3)
        self.kinds.add(2)
        self.pair[0].add_(1)
        self.pair[1].append(1)
        self.loose.mul_(2)
        self.replaced = self.replaced * 2
        self.made = torch.ones(2)
        torch.rand(1, generator=self.generator), self.numpy.random(), self.legacy.rand(), self.python.random()
        return z


def state(network: Busy) -> str:
    """All that a network holds, as text."""
    held = {name: value for name, value in vars(network).items() if not name.startswith("_")}
    draws = (network.generator.get_state(), network.numpy.bit_generator.state)
    legacy = (network.legacy.get_state(), network.python.getstate())
    return repr((network.state_dict(), held, draws, legacy))


@pytest.mark.parametrize("fails", [False, True])
def test_buffers_attributes_and_generators_are_put_back(fails: bool) -> None:
    network = Busy()
    kept = {name: getattr(network, name) for name in ("count", "history", "seen", "loose", "generator", "average")}
    before = state(network)
    if fails:
        network.register_forward_hook(lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            collect(network, "linear", [X, X])
    else:
        collect(network, "linear", [X, X])
    assert state(network) == before
    assert all(getattr(network, name) is value for name, value in kept.items())  # the same objects, not copies


def test_lists_in_lists_in_lists_are_put_back_however_deep() -> None:
    network = Then(nn.Linear(6, 6), lambda z, _x: innermost.append(1.0) or z)
    innermost: list[float] = []
    deep: list[Any] = innermost
    for _ in range(3000):
        deep = [deep]
    network.kept = deep  # type: ignore[assignment]
    collect(network, "layer", [X])
    assert innermost == []


def test_a_graph_that_waits_for_its_backward_pass_is_not_disturbed() -> None:
    network = Busy()
    network.loose.requires_grad_()
    loss = (network.linear(X) * network.loose.clone() * network.average.nan_to_num()).sum()
    network.loose.requires_grad_(False)
    collect(network, "linear", [X])
    loss.backward()
    assert network.linear.weight.grad is not None


@pytest.mark.parametrize(
    "network",
    [
        nn.Sequential(nn.LazyLinear(3), nn.Dropout(0.5)),
        nn.Sequential(nn.Linear(6, 3), nn.LazyBatchNorm1d()),
        nn.Sequential(nn.Linear(6, 3), nn.LazyBatchNorm1d(affine=False)),
    ],
)
def test_lazy_networks_are_refused_in_words(network: nn.Module) -> None:
    drawn = torch.get_rng_state()
    with pytest.raises(InputError, match=r"not initialised yet: '\d.*' of Lazy.* has no shape; run one batch through"):
        collect(network, "0", [X])
    assert torch.equal(torch.get_rng_state(), drawn)
    network(X)
    assert collect(network, "0", [X])["0"].shape == (12, 3)


def test_a_network_without_values_is_refused_in_words() -> None:
    network = nn.Sequential(nn.Linear(6, 3))
    with (
        pytest.raises(InputError, match=r"^the parameter '0.weight' of the network is on the device meta"),
        unwritten(network.to("meta")),
    ):
        pass


@pytest.fixture
def one_process() -> Iterator[None]:
    """A group of this process alone."""
    torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


def by_parameter(network: nn.Module) -> nn.Module:
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    fully_shard(network, mesh=init_device_mesh("cpu", (1,)))
    return network


def by_wrapper(network: nn.Module) -> nn.Module:
    from torch.distributed.fsdp import FullyShardedDataParallel

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that one process has nothing to shard
        return FullyShardedDataParallel(network, device_id=torch.device("cpu"))


@pytest.mark.parametrize("sharded", [by_parameter, by_wrapper])
@pytest.mark.parametrize("ask", [lambda network: collect(network, "0", [X]), lambda network: layers(network, X)])
@pytest.mark.usefixtures("one_process")
def test_a_network_that_is_spread_over_processes_is_refused_in_words(
    sharded: Callable[[nn.Module], nn.Module], ask: Callable[[nn.Module], Any]
) -> None:
    network = sharded(nn.Sequential(nn.Linear(6, 3), nn.ReLU()))
    with pytest.raises(InputError, match=r"spread over processes .*; watch a whole copy of it, on one process"):
        ask(network)
    network(X).sum().backward()  # as it was: what FSDP makes at the first pass is not half made


def test_a_network_that_makes_its_layers_when_it_runs_is_refused_and_left_as_it_was() -> None:
    class Late(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Identity()

        def forward(self, x: Any) -> Any:
            if not hasattr(self, "late"):
                self.late = nn.Linear(x.shape[1], 2)
            return self.late(self.first(x))

    network = Late()
    with pytest.raises(InputError, match=r"the network makes its parameter 'late.bias' while it runs; run one batch"):
        collect(network, "first", [X])
    assert list(network.named_parameters()) == []
    network(X)
    collect(network, "first", [X])


def test_fused_transformer_layers_run_part_by_part() -> None:
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, dropout=0.0)
    network = nn.TransformerEncoder(layer, 2)

    class Masked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = network

        def forward(self, x: Any, mask: Any) -> Any:
            return self.encoder(x, src_key_padding_mask=mask)

    mask = torch.arange(5)[None] >= torch.tensor([5, 3, 2])[:, None]
    x = torch.randn(3, 5, 8)
    before = torch.backends.mha.get_fastpath_enabled()
    found = collect(Masked(), {"encoder.layers.0": "cls", "encoder.layers.0.linear1": "cls"}, [{"x": x, "mask": mask}])
    assert torch.backends.mha.get_fastpath_enabled() is before is True
    network.train()  # no fused path in training mode; dropout is 0
    first = network.layers[0](x, src_key_padding_mask=mask)
    np.testing.assert_allclose(found["encoder.layers.0"], first.detach()[:, 0], atol=1e-5)
    assert found["encoder.layers.0.linear1"].shape == (3, 16)


# --- batches ----------------------------------------------------------------------------------------------------------


def loader(**given: Any) -> DataLoader:
    return DataLoader(TensorDataset(X, torch.arange(12)), batch_size=5, **given)


def states() -> tuple[object, ...]:
    return random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()  # noqa: NPY002


@pytest.mark.parametrize(
    "batches",
    [
        loader(),
        [(X[:5], 0), [X[5:], None]],
        [(X[:5], torch.arange(5), "more"), (X[5:],)],
        X,
        {"input": X},
        [{"input": X, "n": 3}],
        (part for part in X.split(1)),
    ],
    ids=["loader", "pairs", "triples", "a tensor", "a mapping", "a number beside", "generator"],
)
def test_what_batches_can_be(batches: Any) -> None:
    class Network(nn.Linear):
        def forward(self, input: Any, n: int = 0) -> Any:
            return super().forward(input)

    network = nn.ModuleDict({"linear": Network(6, 3)})
    network.forward = network["linear"].__call__
    drawn = states()
    found = collect(network, "linear", batches)["linear"]
    np.testing.assert_allclose(found, network["linear"](X).detach(), atol=1e-6)
    assert states() == drawn


@pytest.mark.parametrize(
    ("batches", "message"),
    [
        ([], "batches is empty; give at least one batch"),
        (iter([]), "batches is empty"),
        ([X, X[:0]], "batch 1 is empty; leave it out"),
        ([()], r"a batch must be a tensor, a mapping .*, got \(\)"),
        ([X.numpy()], r"a batch must be a tensor, .* use torch.as_tensor"),
        (pd.DataFrame(X), r"got DataFrame; use torch.as_tensor\(inputs.to_numpy\(\)\)"),
        ([{"n": 3}], "inputs must be tensors with as many inputs each, got none"),
        ([{}], "got none"),
        ([{"x": X, "y": X[:3]}], "got tensors with 3, 12"),
        ([torch.tensor(1.0)], "got none"),
        (5, "batches must be an iterable of tensors or mappings, got 5"),
        ("batches", "a batch must be a tensor"),
        ([X.to_sparse()], "inputs must be plain tensors, got a torch.sparse_coo on cpu one"),
        ([torch.empty(3, 6, device="meta")], "got a torch.strided on meta one"),
        ([{"x": X, "n": 3}], r"the network cannot take inputs x: \(12, 6\): TypeError: .*'input'; give what model"),
        ([X[:, :4]], r"cannot take inputs of shape \(12, 4\), torch.float32: RuntimeError: mat1 and mat2"),
        ([torch.arange(12)], r"cannot take inputs of shape \(12,\), torch.int64: RuntimeError"),
        ([X.to(torch.float8_e4m3fn)], r"cannot take inputs of shape \(12, 6\), torch.float8_e4m3fn: RuntimeError"),
    ],
)
def test_what_batches_cannot_be(batches: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        collect(nn.Sequential(nn.Linear(6, 3)), "0", batches)


def test_nested_inputs_and_outputs_are_refused() -> None:
    nested = torch.nested.nested_tensor([torch.rand(2, 6), torch.rand(3, 6)], layout=torch.jagged)
    with pytest.raises(InputError, match="inputs must be plain tensors, got a nested one"):
        collect(nn.Sequential(nn.Linear(6, 3)), "0", [nested])
    for output, kind in ((nested, "nested"), (X.to_sparse(), "sparse_coo"), (X.to(torch.complex64), "complex64")):
        with pytest.raises(InputError, match=rf"layer 'layer' gives a tensor without plain real values \(.*{kind}"):
            collect(Then(Gives(lambda _x, output=output: output), lambda z, _x: z), "layer", [X])


def test_a_squeeze_and_a_batch_of_one() -> None:
    network = Then(nn.Linear(6, 3), lambda z, _x: z)
    network.layer = nn.Sequential(nn.Linear(6, 3), Gives(torch.squeeze))
    with pytest.raises(
        InputError, match=r"gives shape \(3,\).*this batch holds one input, and squeeze\(\).*leave no batch of one"
    ):
        collect(network, "layer", [X[:11], X[11:]])
    for batch_size, sizes in ((11, [10, 2]), (5, [5, 5, 2]), (12, [12]), (100, [12])):
        probe = Probe(X, batch_size=batch_size)
        assert [len(batch) for batch in probe.batches()] == sizes
        assert collect(network, "layer", probe.batches())["layer"].shape == (12, 3)
    assert [len(batch) for batch in Probe(X[:5], batch_size=2).batches()] == [2, 2, 1]  # 1 and 2 and 2 at best


def test_features_that_change_from_batch_to_batch() -> None:
    network = nn.Sequential(nn.Identity())
    with pytest.raises(InputError, match="gives 24 features for one batch and 30 for another; pad all inputs"):
        collect(network, {"0": "flatten"}, [torch.rand(2, 5, 6), torch.rand(2, 4, 6)])


FLOATS = [torch.float16, torch.bfloat16, torch.float64, torch.float8_e4m3fn, torch.float8_e5m2]


@pytest.mark.parametrize("dtype", [*FLOATS, torch.int64, torch.uint8, torch.bool], ids=str)
def test_outputs_of_every_dtype(dtype: torch.dtype) -> None:
    output = (4 * X).to(dtype)
    found = collect(Then(Gives(lambda _: output), lambda z, _x: z), "layer", [X])["layer"]
    assert found.dtype == (np.float32 if dtype in FLOATS and dtype != torch.float64 else np.float64)
    np.testing.assert_array_equal(found, output.double())
    pixels = (4 * IMAGES).to(dtype)
    found = collect(Then(Gives(lambda _: pixels), lambda z, _x: z), {"layer": "gap_first"}, [X])["layer"]
    np.testing.assert_allclose(found, pixels.double().mean((2, 3)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64], ids=str)
def test_inputs_are_given_in_the_dtype_of_the_parameters(dtype: torch.dtype) -> None:
    network = nn.Sequential(nn.Linear(6, 3)).to(dtype)
    wanted = network(X.to(dtype)).detach()
    np.testing.assert_array_equal(
        collect(network, "0", [X])["0"], wanted.double() if dtype == torch.float64 else wanted.float()
    )
    mixed = nn.Sequential(
        Gives(lambda x: x.double()), nn.Linear(6, 3).double(), Gives(lambda x: x.float()), nn.Linear(3, 2)
    )
    assert collect(mixed, "3", [X])["3"].shape == (12, 2)  # parameters of several dtypes: left to the network
    embedding = nn.Sequential(nn.Embedding(20, 3).half())
    assert collect(embedding, "0", [torch.arange(5)])["0"].shape == (5, 3)  # integers stay


# --- probes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shuffle", [False, True])
def test_a_probe_from_a_loader(shuffle: bool) -> None:
    generator = torch.Generator().manual_seed(7)
    data = loader(shuffle=shuffle, generator=generator if shuffle else None)
    drawn, own = states(), generator.get_state()
    probe = Probe.from_loader(data, n=7, batch_size=4)
    assert states() == drawn
    assert torch.equal(generator.get_state(), own)
    wanted = [(x, int(y)) for inputs, labels in data for x, y in zip(inputs, labels, strict=True)][:7]
    assert torch.equal(probe.inputs, torch.stack([x for x, _y in wanted]))
    assert list(np.asarray(probe.labels)) == [y for _x, y in wanted]
    assert len(Probe.from_loader(loader(), n=1000)) == 12


def test_a_probe_from_a_loader_of_mappings_or_of_inputs_alone() -> None:
    batches = [{"x": part, "labels": torch.zeros(len(part), dtype=torch.int64), "n": 3} for part in X.split(5)]
    probe = Probe.from_loader(batches, n=8)
    assert torch.equal(probe.inputs["x"], X[:8])
    assert probe.inputs["n"] == 3
    assert list(probe.inputs) == ["x", "n"]
    assert list(probe.labels) == [0] * 8
    assert Probe.from_loader(X.split(5), n=8).labels is None


@pytest.mark.parametrize("labels", [torch.arange(12), np.arange(12), [*"abcdefghijkl"], [*range(12)]])
def test_a_probe_takes_the_labels_of_a_loader_of_every_kind(labels: Any) -> None:
    probe = Probe.from_loader([(X[:5], labels[:5]), (X[5:], labels[5:])])
    assert len(probe.label_groups.names) == 12


@pytest.mark.parametrize(
    ("given", "n", "message"),
    [
        ([], 10, "the loader gives no batches"),
        ([X[:5], torch.rand(5, 7)], 10, r"inputs of a loader must have one shape, got \(6,\), \(7,\)"),
        ([{"x": X}, {"y": X}], 20, "must all have the same keys"),
        (X, 10, "loader must give batches, such as a DataLoader, got tensor"),
        ([X], 1, "n must be an integer of at least 2, got 1"),
        ([3], 5, "a batch must be a tensor"),
        ([(X, X[:, 0].bfloat16())], 20, "a reference of floats may be classes or a continuous quantity"),
        ([(X, X[:, 0] > 0), X], 20, "batch 1 of the loader has no labels and others have"),
    ],
)
def test_loaders_that_make_no_probe(given: Any, n: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Probe.from_loader(given, n=n)


@pytest.mark.parametrize("given", [loader(), TensorDataset(X, X)])
def test_a_loader_as_inputs_is_told_what_to_write(given: Any) -> None:
    with pytest.raises(InputError, match=r"write Probe.from_loader\(loader, n=1000\)"):
        Probe(given)
