"""Recipes about the numbers themselves: solvers, sizes, time."""
