"""Watch a PyTorch network while it trains."""

from diffspec.training.hooks import Layer, collect
from diffspec.training.loss import DSELoss, DSMILoss
from diffspec.training.measures import DSE, DSMI, RULES, Measure, Probe
from diffspec.training.monitor import Monitor

__all__ = ["DSE", "DSMI", "RULES", "DSELoss", "DSMILoss", "Layer", "Measure", "Monitor", "Probe", "collect"]
