"""Networks that broke in training: the validation says so instead of showing black pictures."""

import numpy as np
import pytest
from test_loop import Regression, run

from patina.errors import PatinaError
from patina.imaging.value_spaces import values_to_pixels
from patina.training.task import Validation


class Broken(Regression):
    def validate(self):
        return Validation({}, {"dot": values_to_pixels(np.full((4, 4, 3), np.nan, np.float32))})


def test_a_validation_without_finite_values_is_named_with_run_and_step(tmp_path):
    with pytest.raises(PatinaError, match=r"^run: the network gave no image in the validation of step 5: 48 of 48 "):
        run(tmp_path, Broken())
