"""Whole networks, their files, and the published files that load into them."""
