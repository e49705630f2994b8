"""Losses, metrics, fitting, and export to an engine bundle."""
