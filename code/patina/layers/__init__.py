"""Building blocks of the networks; every bijection returns its output and its log-determinant together."""
