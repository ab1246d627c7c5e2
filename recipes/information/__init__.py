"""Recipes that set estimators of mutual information side by side."""
