"""Whole networks with their settings and files, and the published files that load into them."""
