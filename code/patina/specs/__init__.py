"""Typed configurations of every task, and the objects made from them; one module per subject."""
