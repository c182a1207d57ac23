"""What the learned models call their two domains."""

CLEAN, REAL = 0, 1
