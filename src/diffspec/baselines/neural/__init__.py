"""Estimators of information by a trained critic."""
