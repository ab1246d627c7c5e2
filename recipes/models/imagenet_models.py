"""Whether information predicts the accuracy of ImageNet models.

Claim: DSMI(Z;Y) correlates with top-1 accuracy over 962 models of timm: Pearson .216, "a strong positive correlation".

Command: `python -m recipes imagenet-models --paper`. Expected time: 30 s smoke, 5 min cpu, 20 hours of a GPU paper.

It takes every model of timm's table (`age`: "2023", the paper's, or "2026"), with weights from timm's cache or the hub.
The images are those of the 20 Imagenette and Imagewoof classes at the size of the table, three random crops each,
normalised as the model was trained. The classifier of any model is found (`layers="penultimate"`). Features are kept by
the hash of the weights and of the images. A model that fails is skipped, with the reason. One whose weights cannot be
had is tried again by the next run. `--cluster` spreads models over the workers of a Dask scheduler.

Where no weights can be had, as here, the CPU size runs the six trained ImageNet networks whose features are in
shared/data. It also runs the whole path with random weights of one network of each of 34 families.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from diffspec import Clusters, Matched, Partition, dsmi
from diffspec.baselines import binned_entropy, binned_information, leep, nce
from diffspec.points.groups import partition_of
from recipes.bandwidth.networks import manifest, second
from recipes.lab.data import folder
from recipes.lab.expected import Verdict, compare
from recipes.lab.log import Cell, Log
from recipes.lab.many import measure_all
from recipes.models import imagenet_tables
from recipes.models.measures import ROOT, measured
from recipes.models.timm_features import Images, SkippedError, features, images
from recipes.models.timm_table import models

if TYPE_CHECKING:
    from matplotlib.figure import Figure

AT_64_PIXELS = (
    "resnet10t resnext26ts skresnet18 convnext_atto convnextv2_atto pvt_v2_b0 poolformer_s12 mobilenetv2_050 "
    "mobilenetv3_small_050 mobilenetv4_conv_small mobilevit_xxs efficientnet_b0 efficientvit_b0 regnetx_002 "
    "regnety_002 densenet121 edgenext_xx_small ghostnet_050 lcnet_035 mnasnet_small fastvit_t8 starnet_s1 tinynet_e "
    "fbnetc_100 mambaout_femto inception_next_atto xcit_nano_12_p16_224"
)
AT_224_PIXELS = (
    "vit_tiny_patch16_224 deit_tiny_distilled_patch16_224 eva02_tiny_patch14_224 pit_ti_224 levit_128s gmlp_ti16_224 "
    "efficientvit_m0"
)
FAMILIES = dict.fromkeys(AT_64_PIXELS.split(), 64) | dict.fromkeys(AT_224_PIXELS.split(), 224)
"""The smallest network of each of 34 families of timm, and the pixels that it takes."""

CLUSTERS, SMALL = 20, 64
"""Of the inputs, for DSMI(Z;X), at so many pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Which models on which images."""

    age: str | None
    """Of the table whose models are looked at."""
    path: tuple[str, ...] = ()
    """Models with random weights, one batch each: whether the path holds."""
    stored: bool = True
    """Whether the networks of shared/data are looked at."""
    count: int | None = None
    """Images, all by default."""
    repeats: int = 3
    made: bool = False
    """Images that are made here."""


SMOKE = Settings(age=None, path=("resnet10t", "regnetx_002"), stored=False, count=40, repeats=1, made=True)
CPU = Settings(age=None, path=tuple(FAMILIES), repeats=1)
PAPER = replace(CPU, age="2023", path=(), repeats=3)


def run(settings: Settings, log: Log) -> None:
    """One cell per model, the small ones first."""
    numbers = {"count": settings.count, "repeats": settings.repeats, "made": settings.made}
    names = stored_names() if settings.stored else []
    measure_all(log, of_stored, [{"stored": name} for name in names], lambda key: 1.0)
    paths = [{"path": name, **numbers, "count": min(settings.count or 8, 40)} for name in settings.path]
    measure_all(log, of_path, paths, lambda key: 1.0)
    known = models(settings.age) if settings.age else {}
    ordered = sorted(known, key=lambda label: known[label].parameters)
    keys = [{"model": label, "age": settings.age, **numbers} for label in ordered]
    measure_all(log, of_model, keys, lambda key: known[key["model"]].parameters ** 0.5)


def stored_names() -> list[str]:
    """The trained ImageNet networks whose features are in shared/data."""
    if not folder().exists():
        return []
    weights = [name for name, row in manifest(folder()).items() if row["dataset"] == "ImageNet"]
    return weights + [row["name"] for row in second(folder()) if row["data"] == "ImageNet-20"]


def of_stored(stored: str) -> dict[str, Any]:
    """Every number of a network of shared/data, on the 1,000 images; `top1` is that on these images, in percent."""
    if stored in manifest(folder()):
        with np.load(folder() / "weights" / "imagenet" / "imagenet20-val-embeddings.npz") as kept:
            points, labels = kept[stored].astype(np.float64), kept["label"]
            files = kept["filename"]
        row = manifest(folder())[stored]
        facts = {"top1": 100 * row["top1_on_imagenet20_val"], "published": row["imagenet_top1_published"]}
    else:
        with np.load(folder() / "networks2" / f"{stored}.npz") as kept:
            points, labels, files = kept["points"].astype(np.float64), kept["labels"], None
        row = next(row for row in second(folder()) if row["name"] == stored)
        facts = {"top1": 100 * float(row["test_accuracy"])}
    groups = None if files is None else _of_files(tuple(map(str, files)))
    return {**facts, "d": points.shape[1], **numbers(points, labels, groups)}


def of_path(path: str, count: int, repeats: int, made: bool) -> dict[str, Any]:
    """Whether features and logits of a network with random weights come out of one batch: their widths and its head."""
    some = images(count, made=made)
    found = features(path, some, FAMILIES[path], repeats=repeats, pretrained=False)
    points = found["points"].astype(np.float64)
    whole = bool(np.isfinite(points).all() and found["logits"].shape == (count * repeats, 1000))
    values = {"head": found["head"], "d": points.shape[1], "whole": whole}
    if count < 40:
        return values
    labels = np.tile(some.labels, repeats)
    return {**values, **numbers(points, labels, None)}


def of_model(model: str, age: str, count: int | None, repeats: int, made: bool) -> dict[str, Any]:
    """Every number of a model of timm's table; or why it was skipped."""
    row = models(age)[model]
    some = images(count, made=made)
    try:
        found = features(row.name, some, row.img_size, repeats=repeats, pretrained=True)
    except SkippedError as reason:
        return {"skipped": str(reason)}
    points, labels = found["points"].astype(np.float64), np.tile(some.labels, repeats)
    groups = _clusters(small(some, repeats))
    source = {"LEEP": leep(found["logits"], labels).value, "NCE": nce(found["logits"], labels).value}
    return {"head": found["head"], "d": points.shape[1], **numbers(points, labels, groups), **source}


def numbers(points: Any, labels: Any, inputs: Partition | None) -> dict[str, Any]:
    """All measures, and by the settings of the paper the information about the inputs and the classic ones in bins."""
    found = {
        "CSE(Z)": float(binned_entropy(points, bins=2)),
        "CSMI(Z;Y)": float(binned_information(points, labels, bins=2, estimator=Matched())),
    }
    if inputs is not None:
        found["DSMI(Z;X), sigma = sqrt(d)"] = float(dsmi(points, inputs, **ROOT))
        found["CSMI(Z;X)"] = float(binned_information(points, inputs, bins=2, estimator=Matched()))
    return {**{name: float(f"{value:.6g}") for name, value in found.items()}, **measured(points, labels)}


def small(some: Images, repeats: int) -> Any:
    """The middle of every picture at 64 x 64 pixels, flat, as often as it is looked at."""
    pixels = [np.asarray(_middle(picture), dtype=np.float64).ravel() / 255 for picture in some.pictures]
    return np.tile(np.array(pixels), (repeats, 1))


def _middle(picture: Any) -> Any:
    side = min(picture.size)
    left, top = ((extent - side) // 2 for extent in picture.size)
    return picture.resize((SMALL, SMALL), box=(left, top, left + side, top + side))


def _clusters(pixels: Any) -> Partition:
    return partition_of(pixels, Clusters(CLUSTERS), len(pixels))


@lru_cache(maxsize=1)
def _of_files(names: tuple[str, ...]) -> Partition:
    """The clusters of the 1,000 images, in the order of `names`."""
    some = images(None)
    at = {path.name: k for k, path in enumerate(some.pictures.paths)}  # type: ignore[attr-defined]
    order = [at[name.split("/")[-1]] for name in names]
    return _clusters(small(some, 1)[order])


def figure(cells: list[Cell]) -> Figure:
    """The panels of the paper: three measures against four accuracies, or what there is of them."""
    return imagenet_tables.figure(cells)


def table(cells: list[Cell]) -> str:
    """Rank correlations with their intervals, the trained networks, and the heads that were found."""
    return imagenet_tables.table(cells)


def check(cells: list[Cell]) -> list[Verdict]:
    """Against expected.toml."""
    found: Mapping[str, float] = {}
    if not any(cell.key.get("made") for cell in cells) and cells:
        found = imagenet_tables.numbers(cells)
    return compare("imagenet-models", cells, found)
