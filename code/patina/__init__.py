"""Patina: learned degradations for super-resolution training."""
