"""The public measures: entropy and information of points, at one width or over all."""
