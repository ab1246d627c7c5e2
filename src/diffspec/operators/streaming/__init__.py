"""The operator of points that stay on disk: their affinities, rectangle by rectangle, or their graph."""

from diffspec.operators.streaming.operator import on_disk

__all__ = ["on_disk"]
