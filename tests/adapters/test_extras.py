"""Where a library is not installed, one line says which extra brings it."""

import subprocess
import sys

CODE = """
import importlib, sys
from diffspec.cli.command import command
sys.modules["torch"] = None
try:
    command(["rank", "--timm", "resnet18", "--images", "."], standalone_mode=False)
except ImportError as error:
    print(type(error).__name__, error)
del sys.modules["torch"]
for name in ("lightning", "pytorch_lightning", "lightning.pytorch", "transformers", "torchmetrics"):
    sys.modules[name] = None
for name in ("lightning", "transformers", "torchmetrics"):
    try:
        importlib.import_module(f"diffspec.adapters.{name}")
    except ImportError as error:
        print(type(error).__name__, error)
"""


def test_a_missing_library_names_the_extra() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    ranking, *adapters = done.stdout.splitlines()
    assert (
        ranking == "MissingExtraError --timm needs packages that are not installed; run: pip install 'diffspec[timm]'"
    )
    assert adapters == [
        f"MissingExtraError diffspec.adapters.{name} needs packages that are not installed; "
        f"run: pip install 'diffspec[{name}]'"
        for name in ("lightning", "transformers", "torchmetrics")
    ]
