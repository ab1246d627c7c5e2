"""The results of timm's models on ImageNet and with its reassessed labels, of 2023 (the paper's) and of 2026."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from recipes.lab.data import folder
from recipes.lab.images import MissingDataError

__all__ = ["AGES", "Model", "models"]

AGES = {"2023": "timm-results/paper-2023", "2026": "timm-results"}
HOW = "get results-imagenet.csv and results-imagenet-real.csv from the results of huggingface/pytorch-image-models"
TRANSFORMER = re.compile(
    r"vit|deit|beit|swin|xcit|cait|pit_|levit|twins|eva|coat|tnt|crossvit|former|maxx?vit|mvit|gcvit|davit|nest|"
    r"volo|jx_nest|visformer|hiera|aimv2|sam2"
)
NO_TRANSFORMER = re.compile(r"convformer|poolformer|convit_no|repvit")
"""What mixes tokens by convolutions and means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One row of both tables; accuracies in percent, parameters in millions."""

    name: str
    img_size: int
    crop: float
    parameters: float
    top1: float
    top5: float
    real_top1: float
    real_top5: float

    @property
    def transformer(self) -> bool:
        """By its name."""
        return is_transformer(self.name)

    @property
    def family(self) -> str:
        """What its name begins with: ``resnet``, ``convnext``."""
        return family_of(self.name)


def models(age: str) -> dict[str, Model]:
    """The rows that both tables of `age` hold: by the name of the model, and its pixels where it has several.

    Columns are read by their names, for their order changed. In 2026 many models were tested at two sizes:
    ``"resnet50.a1_in1k, 288"``.

    Raises
    ------
    MissingDataError
        Names the file that is missing.
    """
    at = folder() / AGES[age]
    plain, real = (_rows(at / f"results-imagenet{ending}.csv") for ending in ("", "-real"))
    names = [name for name, _size in plain]
    return {
        name if names.count(name) == 1 else f"{name}, {size}": _model(row, real[name, size])
        for (name, size), row in plain.items()
        if (name, size) in real
    }


def is_transformer(name: str) -> bool:
    """Whether a model of this name mixes tokens by attention."""
    return bool(TRANSFORMER.search(name)) and not NO_TRANSFORMER.search(name)


def family_of(name: str) -> str:
    """What the name of a model begins with, without numbers."""
    found = re.match(r"[a-z]+", name.split(".")[0].removeprefix("tf_"))
    return found[0] if found else name


def _model(row: dict[str, str], real: dict[str, str]) -> Model:
    return Model(
        name=row["model"],
        img_size=int(row["img_size"]),
        crop=float(row["crop_pct"]),
        parameters=float(row["param_count"].replace(",", "")),
        top1=float(row["top1"]),
        top5=float(row["top5"]),
        real_top1=float(real["top1"]),
        real_top5=float(real["top5"]),
    )


def _rows(path: Path) -> dict[tuple[str, str], dict[str, str]]:
    if not path.is_file():
        raise MissingDataError(f"no file {path}; {HOW}, or give another folder by --data DIR")
    with path.open(newline="") as file:
        return {(row["model"], row["img_size"]): row for row in csv.DictReader(file)}
