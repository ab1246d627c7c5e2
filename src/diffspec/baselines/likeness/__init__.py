"""How alike two representations of the same points are."""
