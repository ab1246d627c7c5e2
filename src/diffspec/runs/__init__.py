"""Records of a run: the log that they are kept in, and the figures and the report that show them."""
