"""MELDAE in PyTorch."""
