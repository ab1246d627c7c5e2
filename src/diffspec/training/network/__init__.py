"""A network on fixed inputs: what its layers give, and everything left as it was."""
