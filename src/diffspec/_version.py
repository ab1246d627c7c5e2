"""The version, in one place: the build and every result's settings read it."""

__version__ = "0.2.0"
