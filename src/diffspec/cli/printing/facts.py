"""What a measurement would run on: versions, linear algebra, cores, memory, GPU; for bug reports and slow machines."""

from __future__ import annotations

import importlib
import math
import platform
from importlib import metadata
from typing import Any

import psutil
from threadpoolctl import threadpool_info

from diffspec._version import __version__
from diffspec.machine.threads import cores

__all__ = ["EXTRAS", "examine"]

REQUIRED = ("numpy", "scipy", "scikit-learn", "array-api-compat", "threadpoolctl", "psutil", "click", "filelock")

EXTRAS = {
    "torch": "torch",
    "pyarrow": "files",
    "safetensors": "files",
    "matplotlib": "plots",
    "plotly": "report",
    "jinja2": "report",
    "rich": "watch",
    "faiss-cpu": "faiss",
    "dask": "cluster",
    "distributed": "cluster",
    "zarr": "zarr",
    "lightning": "lightning",
    "transformers": "transformers",
    "accelerate": "transformers",
    "torchmetrics": "torchmetrics",
    "tensorboard": "tensorboard",
    "torchvision": "timm",
    "timm": "timm",
}
"""Optional packages and the extra of diffspec that brings each."""

GIB = 2.0**30


def examine() -> dict[str, Any]:
    """Plain values about this machine and environment, ready for JSON; memory in GiB.

    `packages` maps a name to its version or None where it is absent, `largest_n` is the number of points whose one
    n x n array of float64, all that exact DSE needs beside the points, fits into the memory that is free now.
    """
    memory = psutil.virtual_memory()
    return {
        "diffspec": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: _version(name) for name in (*REQUIRED, *EXTRAS)},
        "blas": [_library(found) for found in threadpool_info() if found["user_api"] == "blas"],
        "cores": cores(),
        "memory_total_gib": memory.total / GIB,
        "memory_free_gib": memory.available / GIB,
        "largest_n": math.isqrt(memory.available // 8),
        "gpu": _gpus(),
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _library(found: dict[str, Any]) -> dict[str, Any]:
    return {"name": found["internal_api"], "version": found["version"], "threads": found["num_threads"]}


def _gpus() -> list[dict[str, Any]] | str:
    """The CUDA devices that torch sees, or in words why there is none to use."""
    try:
        torch = importlib.import_module("torch")
    except ImportError:
        return "not looked for: torch is not installed"
    except OSError as error:
        return f"torch cannot be loaded: {error}"
    if not torch.cuda.is_available():
        return f"none that torch {torch.__version__} can use"
    return [_gpu(torch, index) for index in range(torch.cuda.device_count())]


def _gpu(torch: Any, index: int) -> dict[str, Any]:
    free, total = torch.cuda.mem_get_info(index)
    name = torch.cuda.get_device_name(index)
    return {"device": f"cuda:{index}", "name": name, "memory_free_gib": free / GIB, "memory_total_gib": total / GIB}
