"""Degradations: clean pictures in, degraded ones out, random numbers from a seed."""
