"""Measure results against the truth: one folder picture by picture, or models and interpolations over test sets."""
