"""Recipes on data whose truth is known: clouds, trees, pictures and propositions."""
