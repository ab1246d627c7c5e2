"""The evidence for the default kernel: data, networks, measures, tables."""
