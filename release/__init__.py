"""What `make release` does: build, check, install in fresh environments, and say what was tried."""
