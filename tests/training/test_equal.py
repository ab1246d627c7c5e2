"""A training with a monitor beside it ends with the same bits as without, or the network is refused before."""

from __future__ import annotations

import itertools
import random
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from diffspec import Gaussian, InputError
from diffspec.runs.log import read
from diffspec.training import DSE, Monitor, Probe

RNG = np.random.default_rng(5)
LABELS = torch.as_tensor(np.repeat(np.arange(3), 8))
INPUTS = torch.as_tensor(RNG.normal(size=(24, 6)) + 2.0 * LABELS.numpy()[:, None], dtype=torch.float32)
IMAGES = INPUTS.reshape(24, 1, 2, 3).repeat(1, 2, 2, 2)


class Counting(nn.Module):
    """Averages and counters that are written in evaluation mode too, and that the output depends on."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(6, 3)
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))
        self.register_buffer("average", torch.zeros(6))
        self.steps, self.history, self.generator = 0, [0.0], torch.Generator().manual_seed(3)

    def forward(self, x: Any) -> Any:
        self.count += 1
        self.average.lerp_(x.detach().mean(0), 0.1)
        self.steps += 1
        self.history.append(float(x.detach().abs().mean()))
        noise = torch.rand(x.shape, generator=self.generator)
        scale = 1 + 0.01 * float(self.count) + 0.01 * self.steps + 0.01 * sum(self.history)
        return self.linear((x - self.average + 0.1 * noise) * scale)


@dataclass
class Record:
    count: int = 0


class Other:
    count = 0


class Keeping(nn.Module):
    """What it keeps stands in something that is no buffer, list or number, and the output depends on it."""

    def __init__(self, kept: Any, step: Callable[[Any], float]) -> None:
        super().__init__()
        self.linear, self.kept, self.step = nn.Linear(6, 3), kept, step

    def forward(self, x: Any) -> Any:
        return self.linear(x) * (1.0 + 0.1 * self.step(self.kept))


class KeepingWhileTraining(Keeping):
    """The same, but what it keeps does not show in evaluation mode."""

    def forward(self, x: Any) -> Any:
        count = self.step(self.kept)
        return self.linear(x) * (1.0 + 0.1 * count if self.training else 1.0)


def counted_first(kept: tuple[Any]) -> float:
    return counted(kept[0])


def counted(kept: Any) -> float:
    """One more of `count`, as an item or an attribute."""
    if isinstance(kept, dict):
        kept["count"] += 1
        return float(kept["count"])
    kept.count += 1
    return float(kept.count)


def added(kept: Any) -> float:
    kept += 1.0
    return float(kept[0])


def normalised(kept: list[nn.Module]) -> float:
    return float(kept[0](INPUTS).detach().abs().mean()) + float(kept[0].running_mean.abs().sum())


def drawn(kept: Any) -> float:
    return float(np.random.Generator(kept).random())


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encode, self.decode, self.head = nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 3)
        self.decode.weight = self.encode.weight
        self.same = self.head

    def forward(self, x: Any) -> Any:
        return self.same(self.decode(torch.tanh(self.encode(x))))


class Eating(nn.Module):
    """Normalises its inputs in place, and freezes a part."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.linear = nn.BatchNorm1d(6), nn.Linear(6, 3)
        self.norm.eval()

    def forward(self, x: Any) -> Any:
        return self.linear(self.norm(x.sub_(0.5).div_(2.0)))


def initialised(model: nn.Module) -> nn.Module:
    model(INPUTS.clone())
    return model


def old_spectral_norm() -> nn.Module:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return nn.Sequential(nn.utils.spectral_norm(nn.Linear(6, 6)), nn.Tanh(), nn.Linear(6, 3))


def convolutions(*, last: nn.Module) -> nn.Module:
    first = (nn.Conv2d(2, 4, 2), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Dropout2d(0.2))
    return nn.Sequential(*first, last, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))


NETWORKS: dict[str, Callable[[], Any]] = {
    "batch norm and dropout": lambda: nn.Sequential(
        nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 3)
    ),
    "in-place activations": lambda: nn.Sequential(
        nn.Linear(6, 8), nn.ReLU(inplace=True), nn.Linear(8, 3), nn.ELU(inplace=True)
    ),
    "convolutions": lambda: convolutions(last=nn.Identity()),
    "instance norm with statistics": lambda: convolutions(last=nn.InstanceNorm2d(4, track_running_stats=True)),
    "lazy, run once": lambda: initialised(nn.Sequential(nn.LazyLinear(8), nn.Dropout(0.3), nn.LazyLinear(3))),
    "counters and averages in forward": Counting,
    "a counter": lambda: Keeping(Counter(), counted),
    "a dictionary with a default": lambda: Keeping(defaultdict(int), counted),
    "a namespace": lambda: Keeping(SimpleNamespace(count=0), counted),
    "a dataclass": lambda: Keeping(Record(), counted),
    "an object": lambda: Keeping(Other(), counted),
    "an object in a tuple that counts for the training only": lambda: KeepingWhileTraining((Other(),), counted_first),
    "an array of NumPy": lambda: Keeping(np.zeros(2), added),
    "a module in a list": lambda: Keeping([nn.BatchNorm1d(6)], normalised),
    "bits of NumPy": lambda: Keeping(np.random.PCG64(3), drawn),
    "tied modules": Tied,
    "inputs in place": Eating,
    "spectral_norm": lambda: nn.Sequential(parametrizations.spectral_norm(nn.Linear(6, 6)), nn.Linear(6, 3)),
    "spectral_norm of old": old_spectral_norm,
    "weight_norm": lambda: nn.Sequential(parametrizations.weight_norm(nn.Linear(6, 6)), nn.Tanh(), nn.Linear(6, 3)),
    "orthogonal": lambda: nn.Sequential(parametrizations.orthogonal(nn.Linear(6, 6)), nn.Linear(6, 3)),
    "compiled": lambda: torch.compile(
        nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Dropout(0.2), nn.Linear(8, 3)), backend="eager"
    ),
    "compiled in part": lambda: nn.Sequential(
        torch.compile(nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8)), backend="eager"), nn.Linear(8, 3)
    ),
    "data parallel": lambda: nn.DataParallel(nn.Sequential(nn.Linear(6, 8), nn.Dropout(0.2), nn.Linear(8, 3))),
    "a transformer": lambda: nn.Sequential(
        nn.Unflatten(1, (3, 2)), nn.TransformerEncoderLayer(2, 1, 4, batch_first=True), nn.Flatten(), nn.Linear(6, 3)
    ),
    "half precision": lambda: nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Linear(8, 3)).to(torch.bfloat16),
}


HELD = (int, float, list, torch.Tensor, torch.Generator)


def bits(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.detach().contiguous().view(-1).view(torch.uint8).tolist()
    return value.get_state().tolist() if isinstance(value, torch.Generator) else repr(value)


def ended(make: Callable[[], Any], log: Path | None) -> dict[str, Any]:
    """Everything that is left after three epochs: weights, buffers, gradients, attributes, random states, data."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        random.seed(3)
        np.random.seed(4)  # noqa: NPY002
        model = make()
        inputs = (
            IMAGES.clone() if isinstance(model, nn.Sequential) and isinstance(model[0], nn.Conv2d) else INPUTS.clone()
        )
        dtype = next(model.parameters()).dtype
        watching, held_out = None, inputs.clone()
        if log:
            settings = {
                "layers": "**",
                "rules": {"median": Gaussian()},
                "measures": [DSE()],
                "pictures": (),
                "changes": False,
            }
            layers = last_layer(model)
            watching = Monitor(model, **{**settings, "layers": layers}, probe=Probe(held_out, LABELS, 10), log=log)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
        for step in range(6):
            if watching:
                watching.observe(2 * step)
            noise = torch.randn_like(inputs) * random.random() + np.random.rand()  # noqa: NPY002
            optimizer.zero_grad()
            output = model((inputs + 0.1 * noise).to(dtype))
            if watching:
                watching.observe(2 * step + 1)  # also while a graph waits for its backward pass
            nn.functional.cross_entropy(output.float(), LABELS).backward()
            optimizer.step()
        kept = {name: bits(value) for name, value in model.state_dict().items()}
        kept |= {f"gradient of {name}": bits(value.grad) for name, value in model.named_parameters()}
        for name, module in model.named_modules():
            own = {key: value for key, value in vars(module).items() if key[0] != "_" and isinstance(value, HELD)}
            kept |= {f"{name} {key}": bits(value) for key, value in own.items()}
        drawn = [random.random(), np.random.rand(), float(torch.rand(1))]  # noqa: NPY002
        return {**kept, "drawn": drawn, "held out": bits(held_out)}


def last_layer(model: Any) -> str:
    inner = getattr(model, "_orig_mod", getattr(model, "module", model))
    return [name for name, _module in inner.named_modules() if name.count(".") == 0][-1]


@pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS)
def test_all_that_is_left_of_a_training_is_equal_bit_by_bit(tmp_path: Path, make: Callable[[], Any]) -> None:
    without, beside = ended(make, None), ended(make, tmp_path / "run.jsonl")
    assert without.keys() == beside.keys()
    assert [name for name in without if without[name] != beside[name]] == []
    kinds = [record["kind"] for record in read(tmp_path / "run.jsonl")]
    assert kinds.count("number") == 12 * 2
    assert "failure" not in kinds


class Writing(nn.Module):
    """Writes a parameter of its own in evaluation mode, through `data` where no version counter sees it."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.linear, self.how = nn.Linear(6, 3), how
        self.codes = nn.Parameter(torch.full((3,), torch.nan), requires_grad=False)

    def forward(self, x: Any) -> Any:
        written = self.codes if self.how == "codes" else self.linear.weight.data
        written.add_(0.5).nan_to_num_()
        return self.linear(x)


class InOneArray(Keeping):
    """Gives every answer in the same tensor."""

    def __init__(self, kept: Any, step: Callable[[Any], float]) -> None:
        super().__init__(kept, step)
        self.answer = torch.zeros(len(INPUTS), 3)

    def forward(self, x: Any) -> Any:
        return self.answer.copy_(super().forward(x))


class Slotted:
    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "lazy": (lambda: nn.Sequential(nn.Dropout(0.1), nn.LazyLinear(3)), "not initialised yet: '1.weight' of LazyLinear"),
    "slots": (lambda: Keeping(Slotted(), counted), "answers otherwise when the same inputs come again"),
    "an iterator": (lambda: Keeping(itertools.count(), next), "answers otherwise when the same inputs come again"),
    "one array of answers": (
        lambda: InOneArray(itertools.count(), next),
        "answers otherwise when the same inputs come again",
    ),
    "codes": (lambda: Writing("codes"), "writes its own parameter 'codes' when it is evaluated"),
    "through data": (lambda: Writing("linear"), "writes its own parameter 'linear.weight' when it is evaluated"),
}


@pytest.mark.parametrize(("make", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_left_as_it_was_is_refused_and_is_left_as_it_was(
    tmp_path: Path, make: Callable[[], Any], message: str
) -> None:
    model = make()
    before = [bits(value) for value in model.state_dict().values()] if isinstance(model, Writing) else []
    drawn = bits(torch.get_rng_state())
    with pytest.raises(InputError, match=message):
        Monitor(model, layers=last_layer(model), probe=Probe(INPUTS, LABELS), log=tmp_path / "run.jsonl")
    assert bits(torch.get_rng_state()) == drawn
    assert not list(tmp_path.iterdir())
    if isinstance(model, Writing):
        assert [bits(value) for value in model.state_dict().values()] == before
        assert model.training
