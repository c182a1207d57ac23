"""Rows in a file: read as they were written, in any order, and nothing stays in the folder."""

import numpy as np
import pytest
import torch

from patina.imaging.row_files import RowFile


def test_rows_are_read_as_they_were_written_and_replaced(tmp_path):
    expected = torch.rand(3, 11, 5, generator=torch.Generator().manual_seed(1))
    with RowFile(tmp_path, 3, (11, 5)) as file:
        for start, stop in ((4, 11), (0, 4)):
            file.write(start, expected.transpose(1, 2).contiguous().transpose(1, 2)[:, start:stop])
        np.testing.assert_array_equal(file(0, 11), expected)
        expected[:, 2:7] = 1 - expected[:, 2:7]
        file.write(2, expected[:, 2:7])
        found = file(1, 9)
        assert found.is_contiguous()
        np.testing.assert_array_equal(found, expected[:, 1:9])
        assert not [*tmp_path.iterdir()]


def test_rows_that_were_not_written_are_no_rows(tmp_path):
    with RowFile(tmp_path, 3, (11, 5)) as file:
        file.write(0, torch.zeros(3, 4, 5))
        with pytest.raises(ValueError, match="rows 3 to 6 were not written"):
            file(3, 6)
