"""How the images of a report are chosen, cropped and scaled."""

import numpy as np

from patina.fidelity.samples import load_samples
from patina.imaging.picture_files import write_picture
from sets import picture


def test_large_images_are_cropped_on_the_grid_and_evenly_spaced(tmp_path):
    for index in range(7):
        write_picture(tmp_path / f"{index}.png", picture(index, 150, 131))
    samples = load_samples(tmp_path, limit=3, side=96)
    assert [sample.name for sample in samples] == ["0", "3", "6"]
    np.testing.assert_array_equal(samples[1].pixels, picture(3, 150, 131)[24 : 24 + 96, 16 : 16 + 96])


def test_16_bit_is_scaled_to_255(tmp_path):
    write_picture(tmp_path / "a.png", np.full((64, 64, 3), 65535, np.uint16))
    assert load_samples(tmp_path, limit=1, side=64)[0].pixels.max() == 255
