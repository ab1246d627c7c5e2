"""The six architectures at the paper's size and as members of the same family for two cores; small-image ResNets.

Every network is an encoder, whose output is measured, with a linear classifier and a projection head on it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

import torch
from torch import nn

__all__ = ["CONVOLUTIONAL", "FAMILIES", "SMALL_IMAGE", "TRANSFORMERS", "Network", "blocks", "build", "device"]

Tensor: TypeAlias = Any


class Network(nn.Module):
    """An encoder (n, 3, height, width) -> (n, d) with a classifier and, for contrastive training, a projection head."""

    def __init__(self, encoder: nn.Module, width: int, classes: int, *, normalised: bool = False) -> None:
        super().__init__()
        self.encoder = encoder
        self.linear = nn.Linear(width, classes)
        norm = [nn.BatchNorm1d(512)] if normalised else []
        self.projector = nn.Sequential(nn.Linear(width, 512, bias=False), *norm, nn.ReLU(), nn.Linear(512, 128))

    def forward(self, images: Tensor) -> Tensor:
        """The logits."""
        return self.linear(self.encoder(images))

    def project(self, images: Tensor) -> Tensor:
        """What the contrastive loss compares."""
        return self.projector(self.encoder(images))


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One architecture: the paper's network and its small member."""

    paper: str
    small: str
    options: dict[str, Any] = field(default_factory=dict)
    """Keyword arguments of the small member."""
    patches: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Those that depend on the size of the images: at 32 pixels and below, and above."""
    blocks: str = ""
    """Pattern of the names of its blocks inside the encoder."""


THIN = {"layers": (1, 1, 1, 1), "channels": (16, 32, 64, 128)}
CONVOLUTIONAL = ("resnet", "resnext", "convnext")
TRANSFORMERS = ("vit", "swin", "xcit")
FAMILIES = {
    "resnet": Family(paper="resnet50.a1_in1k", small="resnet18", options=THIN, blocks="layer?"),
    "resnext": Family(
        paper="resnext50_32x4d.a1h_in1k",
        small="resnext50_32x4d",
        options={**THIN, "cardinality": 8, "base_width": 8},
        blocks="layer?",
    ),
    "convnext": Family(
        paper="convnext_nano.in12k_ft_in1k",
        small="convnext_nano",
        options={"depths": (1, 1, 2, 1), "dims": (24, 48, 96, 192), "stem_type": "patch"},
        patches={"patch_size": (3, 8)},
        blocks="stages.?",
    ),
    "vit": Family(
        paper="vit_tiny_patch16_224.augreg_in21k",
        small="vit_tiny_patch16_224",
        options={"embed_dim": 64, "depth": 4, "num_heads": 2},
        patches={"patch_size": (8, 16)},
        blocks="blocks.*",
    ),
    "swin": Family(
        paper="swin_tiny_patch4_window7_224.ms_in1k",
        small="swin_tiny_patch4_window7_224",
        options={"embed_dim": 48, "depths": (2, 2), "num_heads": (3, 6)},
        patches={"patch_size": (4, 8), "window_size": (4, 6)},
        blocks="layers.?",
    ),
    "xcit": Family(
        paper="xcit_nano_12_p16_224.fb_dist_in1k",
        small="xcit_nano_12_p16_224",
        options={"embed_dim": 64, "depth": 3, "num_heads": 4},
        patches={"patch_size": (8, 16)},
        blocks="blocks.*",
    ),
}
FURTHER = {"mobilenet": "mobilenetv3_small_100.lamb_in1k", "mobilevit": "mobilevitv2_050.cvnets_in1k"}
"""Two more that the paper's code offers and its study leaves out, at their one size."""

SMALL_IMAGE = ("resnet50", "wide_resnet50_2", "resnext50_32x4d")
"""The workshop version's: torchvision's, with a first convolution of 3 x 3 and no pooling after it."""


def build(name: str, classes: int, pixels: int, *, small: bool) -> Network:
    """The network `name` for images of `pixels` x `pixels`, initialised as its library does, by the global generator.

    One of `FAMILIES`, of two further names of the paper's code, or ``"small-image "`` and a name of `SMALL_IMAGE`.
    """
    if name.startswith("small-image "):
        return _small_image(name.removeprefix("small-image "), classes)
    import timm

    if name in FURTHER:
        encoder = timm.create_model(FURTHER[name], num_classes=0)
    elif small:
        encoder = _small(name, pixels)
    else:
        sized = {"img_size": pixels} if name in TRANSFORMERS and pixels != 224 else {}
        encoder = timm.create_model(FAMILIES[name].paper, num_classes=0, **sized)
    return Network(encoder, getattr(encoder, "head_hidden_size", encoder.num_features), classes)


def blocks(name: str, encoder: nn.Module) -> dict[str, str]:
    """The blocks of the encoder of the network `name`, flattened as the paper measures them."""
    from fnmatch import fnmatchcase

    pattern = FAMILIES[name].blocks
    depth = pattern.count(".")
    return {
        f"encoder.{module}": "flatten"
        for module, _ in encoder.named_modules()
        if module.count(".") == depth and fnmatchcase(module, pattern)
    }


def _small(name: str, pixels: int) -> nn.Module:
    import timm

    family = FAMILIES[name]
    sized = {"img_size": pixels} if name in TRANSFORMERS else {}
    patches = {option: pair[pixels > 32] for option, pair in family.patches.items()}
    encoder = timm.create_model(family.small, num_classes=0, **family.options, **sized, **patches)
    if name in ("resnet", "resnext"):
        encoder.conv1 = nn.Conv2d(
            3, encoder.conv1.out_channels, 3, stride=4 if pixels > 32 else 2, padding=1, bias=False
        )
        nn.init.kaiming_normal_(encoder.conv1.weight, mode="fan_out", nonlinearity="relu")
        encoder.maxpool = nn.Identity()
    return encoder


def _small_image(name: str, classes: int) -> Network:
    from torchvision import models

    encoder = getattr(models, name)(weights=None)
    width = encoder.fc.in_features
    encoder.conv1 = nn.Conv2d(3, 64, 3, stride=1, padding=1, bias=False)
    encoder.maxpool, encoder.fc = nn.Identity(), nn.Identity()
    return Network(encoder, width, classes, normalised=True)


def device() -> torch.device:
    """The accelerator where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
