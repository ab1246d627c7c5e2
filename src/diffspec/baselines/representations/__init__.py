"""Representations: of one its spectrum, its classes, its dimension and how well it transfers; of two how alike."""
