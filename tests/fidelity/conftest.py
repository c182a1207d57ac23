"""Fixtures of the tests of fidelity."""

import pytest

from noisy_samples import smooth_pairs


@pytest.fixture
def pairs():
    """Return clean samples and the same ones with white noise."""
    return smooth_pairs()
