"""The looks that the cells of `training` took, asked again: embeddings, units, and what a person should watch."""
