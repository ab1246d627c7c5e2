"""Estimators of entropy and information: from bins, from nearest neighbours, by a trained critic."""
