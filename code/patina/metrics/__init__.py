"""Full-reference metrics and noise statistics, as pure functions."""
