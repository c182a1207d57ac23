"""Full-reference metrics and statistics of noise: pure functions."""
