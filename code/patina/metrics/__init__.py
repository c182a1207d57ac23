"""How close a picture is to the truth, and what a residual looks like: pure functions."""
