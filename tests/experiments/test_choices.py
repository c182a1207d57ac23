"""The names that help texts list are those of what there is."""

from patina.experiments.choices import CAMERA_NAMES, MORE_CAMERA_NAMES, TOY_NOISE_NAMES
from patina.experiments.known_cameras import CAMERAS
from patina.experiments.more_cameras import MORE_CAMERAS
from patina.experiments.toy_noises import TOY_NOISES


def test_the_names_in_the_help_are_all_that_there_are():
    assert tuple(CAMERAS) == CAMERA_NAMES
    assert tuple(MORE_CAMERAS) == MORE_CAMERA_NAMES
    assert tuple(TOY_NOISES) == TOY_NOISE_NAMES
