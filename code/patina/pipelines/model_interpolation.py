"""Blend two models of one architecture: every weight is (1 - alpha) times A's plus alpha times B's."""
