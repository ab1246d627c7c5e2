"""Watch a PyTorch network while it trains."""
