"""The labels of the two domains in learned models."""

CLEAN, REAL = 0, 1
