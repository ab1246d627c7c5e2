"""Representations: of one its spectrum, its classes and its dimension; of two how alike they are."""
