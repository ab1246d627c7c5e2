"""Watch a PyTorch network while it trains."""

from diffspec.errors import MissingExtraError

try:
    import torch  # noqa: F401
except ImportError:
    raise MissingExtraError("diffspec.training", "torch") from None

from diffspec.training.alerts.rules import Alert, Collapse, Memorisation, Saturation
from diffspec.training.loss import DSELoss, DSMILoss
from diffspec.training.measures import DSE, DSMI, RULES, Measure
from diffspec.training.monitor import Monitor
from diffspec.training.network.hooks import collect
from diffspec.training.network.layers import Layer
from diffspec.training.network.listing import layers
from diffspec.training.probe import Probe

__all__ = [
    "DSE",
    "DSMI",
    "RULES",
    "Alert",
    "Collapse",
    "DSELoss",
    "DSMILoss",
    "Layer",
    "Measure",
    "Memorisation",
    "Monitor",
    "Probe",
    "Saturation",
    "collect",
    "layers",
]
