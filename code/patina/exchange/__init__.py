"""Configurations of other tools: read as recipes, and recipes written as theirs."""
