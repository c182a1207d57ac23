"""Typed settings of every task, and how they become objects; one subject a file."""
