"""torchvision where its compiled operators do not load, as its wheel for CUDA beside torch for the CPU.

Its import asks for two operators, which nothing here calls; they are declared when torchvision is imported first.
"""

import sys
from importlib.machinery import PathFinder
from pathlib import Path

OPERATORS = ("nms", "qnms")


class Declaring:
    """Finds nothing; declares the operators when torchvision is looked for."""

    kept = ()  # a library's declarations last as long as it does

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name == "torchvision":
            sys.meta_path.remove(cls)
            declare()


def declare():
    """Declare the operators, unless the compiled ones load."""
    import torch

    if hasattr(torch.ops.torchvision, OPERATORS[0]):  # by another import of this file
        return
    spec = PathFinder.find_spec("torchvision")
    places = spec.submodule_search_locations if spec else []
    for compiled in [found for place in places for found in Path(place).glob("_C*.so")]:
        try:
            torch.ops.load_library(str(compiled))
        except OSError:
            library = torch.library.Library("torchvision", "DEF")
            for name in OPERATORS:
                library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            Declaring.kept = (library,)


sys.meta_path.insert(0, Declaring)
