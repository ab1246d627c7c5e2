"""Affinities to a symmetric diffusion operator, however it is stored."""

from diffspec.operators.dense import Dense, Operator, diffusion

__all__ = ["Dense", "Operator", "diffusion"]
