"""In processes that tests start: their PYTHONPATH begins with this folder."""

import torchvision_operators  # noqa: F401
