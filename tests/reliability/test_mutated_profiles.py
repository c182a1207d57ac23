"""Thousands of damaged colour profiles: each is used or named, and none ends the program."""

import faulthandler

import imagecodecs
import numpy as np
import pytest
from PIL import ImageCms

from campaign import Campaign
from mutated_files import mutated
from patina.imaging.colour_spaces import ColourTags, to_srgb
from patina.system.notes import collected

WHITE, PRIMARIES = (0.3127, 0.3290), (0.680, 0.320, 0.265, 0.690, 0.150, 0.060)

pytestmark = pytest.mark.reliability


def profiles() -> dict[str, bytes]:
    curve = (np.linspace(0, 1, 64) ** 2.2).astype(np.float32)
    return {
        "sRGB": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
        "curves": bytes(imagecodecs.cms_profile("rgb", whitepoint=WHITE, primaries=PRIMARIES, transferfunction=curve)),
        "gray": bytes(imagecodecs.cms_profile("gray", gamma=1.8)),
        "Lab": ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes(),
    }


@pytest.mark.parametrize("name", profiles())
@pytest.mark.parametrize("depth", [8, 16])
def test_no_damaged_profile_ends_the_program(name: str, depth: int, campaign: Campaign) -> None:
    rng, whole = np.random.default_rng(depth), profiles()[name]
    dtype = {8: np.uint8, 16: np.uint16}[depth]
    gray = name == "gray"
    pixels = rng.integers(0, 2**depth, (9, 7, 1 if gray else 3)).astype(dtype).repeat(3 if gray else 1, axis=2)
    faulthandler.dump_traceback_later(600, exit=True)
    try:
        with campaign.row("mutated: colour profiles", campaign.count(40, 4000)) as tally:
            for number in range(tally.tried):
                with collected() as notes:
                    found = to_srgb(pixels, ColourTags(mutated(whole, rng)), gray=gray)
                is_image = found.shape == pixels.shape and found.dtype == dtype
                if not is_image or not (notes or np.array_equal(found, pixels)):
                    tally.lost.append(f"{name}, number {number}")
    finally:
        faulthandler.cancel_dump_traceback_later()
