"""Public checkpoints of ResNet-50, supervised and self-supervised, as their authors publish them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import torch
from torch import nn

from diffspec.errors import InputError

__all__ = ["VERSIONS", "Version", "encoder", "forms", "load"]

State: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One published checkpoint."""

    family: str
    epochs: int
    top1: float
    """Of a linear classifier on ImageNet, as its authors give it, in percent."""


VERSIONS = {
    "supervised v1": Version(family="supervised", epochs=90, top1=76.1),
    "supervised v2": Version(family="supervised", epochs=600, top1=80.9),
    "Barlow Twins": Version(family="Barlow Twins", epochs=1000, top1=73.5),
    "MoCo v1": Version(family="MoCo", epochs=200, top1=60.6),
    "MoCo v2, 200 epochs": Version(family="MoCo", epochs=200, top1=67.7),
    "MoCo v2, 800 epochs": Version(family="MoCo", epochs=800, top1=71.1),
    "SimSiam, batch 256": Version(family="SimSiam", epochs=100, top1=68.3),
    "SimSiam, batch 512": Version(family="SimSiam", epochs=100, top1=68.1),
    "SwAV, batch 256, 200 epochs": Version(family="SwAV", epochs=200, top1=72.7),
    "SwAV, batch 256, 400 epochs": Version(family="SwAV", epochs=400, top1=74.3),
    "SwAV, 100 epochs": Version(family="SwAV", epochs=100, top1=72.1),
    "SwAV, 200 epochs": Version(family="SwAV", epochs=200, top1=73.9),
    "SwAV, 400 epochs": Version(family="SwAV", epochs=400, top1=74.6),
    "SwAV, 800 epochs": Version(family="SwAV", epochs=800, top1=75.3),
    "VICReg": Version(family="VICReg", epochs=100, top1=73.2),
    "VICRegL, alpha .9": Version(family="VICRegL", epochs=300, top1=71.2),
    "VICRegL, alpha .75": Version(family="VICRegL", epochs=300, top1=70.4),
}
"""Those of the paper's study, seven families and seventeen versions."""

WRAPPED = ("state_dict", "model", "network", "teacher", "student")
"""Where a file keeps the weights, if not at its top."""

PREFIXES = ("module.", "encoder_q.", "encoder.", "backbone.", "base_encoder.", "model.", "net.")
"""Names that authors put before those of the network, in any order; what is left is torchvision's."""

OTHERS = (
    "encoder_k.",
    "momentum_encoder.",
    "queue",
    "predictor.",
    "projector.",
    "projection_head.",
    "prototypes",
    "bn.",
)
"""Parts that belong to the training and not to the encoder; so does whatever is called ``fc``."""


def load(path: Path, network: Any = None) -> Any:
    """The encoder with the weights in the file at `path`, without a classifier, in evaluation mode.

    `network` is the encoder that they fit, ResNet-50 by default; `forms` says what files are understood. Only tensors
    are read from a file, nothing in it is run.

    Raises
    ------
    InputError
        No such file, no weights in it, or weights of another network.
    """
    if not path.is_file():
        raise InputError(f"there is no file {path}; give the path of a checkpoint")
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # of pickle, zip and torch
        reason = " ".join(str(error).split())[:120]
        raise InputError(f"{path} cannot be read as tensors ({reason}); save its state dictionary alone") from error
    network = encoder() if network is None else network
    _fill(network, _unwrapped(found, path), path)
    return network.eval()


def encoder() -> Any:
    """torchvision's ResNet-50 with random weights, which gives what comes before its classifier."""
    from torchvision.models import resnet50

    network = resnet50(weights=None)
    network.fc = nn.Identity()
    return network


def forms(network: Any) -> dict[str, dict[str, Any]]:
    """What the files of every family look like, made of the weights of `network`: by name the content of a file."""
    plain = dict(network.state_dict())
    head = {"fc.weight": torch.zeros(1000, 2048), "fc.bias": torch.zeros(1000)}

    def named(prefix: str, **rest: Any) -> dict[str, Any]:
        return {f"{prefix}{name}": value for name, value in plain.items()} | rest

    more = {"module.encoder_q.fc.0.weight": torch.zeros(4, 4), "module.queue": torch.zeros(4, 4)}
    keys = {f"module.encoder_k.{name}": torch.zeros_like(value) for name, value in plain.items()}
    predictor = {"module.predictor.0.weight": torch.zeros(4, 4), "module.encoder.fc.0.weight": torch.zeros(4, 4)}
    swav = {"module.prototypes.weight": torch.zeros(4, 4), "module.projection_head.0.weight": torch.zeros(4, 4)}
    return {
        "supervised": plain | head,
        "Barlow Twins": plain,
        "MoCo": {"epoch": 200, "arch": "resnet50", "state_dict": named("module.encoder_q.", **more) | keys},
        "SimSiam": {"epoch": 100, "state_dict": named("module.encoder.", **predictor)},
        "SwAV": named("module.", **swav),
        "VICReg": plain,
        "VICRegL": plain,
        "a whole training": {
            "epoch": 1,
            "model": named("module.backbone.", **{"module.projector.0.weight": torch.zeros(4, 4)}),
        },
    }


def _unwrapped(found: Any, path: Path) -> State:
    """The weights by the names of the network."""
    for name in WRAPPED:
        if isinstance(found, Mapping) and isinstance(found.get(name), Mapping):
            found = found[name]
            break
    tensors = (
        {name: value for name, value in found.items() if isinstance(value, torch.Tensor)}
        if isinstance(found, Mapping)
        else {}
    )
    if not tensors:
        raise InputError(
            f"{path} holds no weights by name, at its top or under {', '.join(WRAPPED)}; save a state_dict"
        )
    plain = {_plain(name): value for name, value in tensors.items()}
    return {name: value for name, value in plain.items() if name}


def _plain(name: str) -> str:
    """`name` as the network has it; empty for what is not of the encoder."""
    while name.startswith(PREFIXES):
        if name.startswith(OTHERS):
            return ""
        name = next(name.removeprefix(prefix) for prefix in PREFIXES if name.startswith(prefix))
    return "" if name.startswith((*OTHERS, "fc.")) else name


def _fill(network: Any, weights: State, path: Path) -> None:
    """Give `network` its `weights`: every one of them, and of the right shape."""
    own = network.state_dict()
    missing = [name for name in own if name not in weights]
    unlike = [name for name in own if name in weights and weights[name].shape != own[name].shape]
    if missing or unlike:
        what = f"lacks {missing[0]}" if missing else f"has {unlike[0]} of shape {tuple(weights[unlike[0]].shape)}"
        count = len(missing) + len(unlike)
        raise InputError(f"{path} does not fit: it {what} ({count} of {len(own)} in all); it is of another network")
    network.load_state_dict({name: weights[name] for name in own})
