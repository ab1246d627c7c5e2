"""Measures to compare with: classic, nearest-neighbour, neural and kernel estimators of entropy and information.

Every one is a function `points -> Estimate` or `(points, reference) -> Estimate` in bits, with keyword settings; fix
them with `functools.partial` and a comparison is a dict of callables. torch is loaded when a neural one is called.
"""
