"""What was found of each number, in words for readers who do not know recipes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from patina.fitting.family import Family, FreeNumber
from patina.fitting.file_compression import CODEC_NAMES, NONE, FileCompression
from patina.fitting.profiles import NumberFinding

TITLES = {
    "ellipse_blur.sigma_x": ("Blur from left to right", "std in pixels"),
    "ellipse_blur.sigma_y": ("Blur from top to bottom", "std in pixels"),
    "ellipse_blur.tilt": ("Slant of the blur", "0: none; 1: along one diagonal; -1: along the other"),
    "gaussian_blur.sigma": ("Blur", "std in pixels"),
    "sensor_noise.sigma": ("Noise strength", "std in grey levels (0 to 255)"),
    "sensor_noise.gain": ("Noise in bright places", "1: all of it there; 0: as in dark ones; -1: none there"),
    "sensor_noise.curve": (
        "Noise in medium brightness",
        "0: between those of dark and bright; below 0: stronger; above 0: weaker",
    ),
    "sensor_noise.red": ("Noise in red", "times that in green"),
    "sensor_noise.blue": ("Noise in blue", "times that in green"),
    "sensor_noise.grain": ("Size of the noise's grain", "pixels; 0: every pixel by itself"),
    "sensor_noise.shared": ("Noise that the colours share", "0: colourful; 1: grey"),
    "sensor_noise.chroma": ("Colour noise", "times the noise's strength"),
    "sensor_noise.chroma_grain": ("Size of the colour noise's blotches", "pixels"),
    "sensor_noise.chroma_smear": ("Smear of the colour noise along rows", "pixels"),
    "line_noise.rows": ("Rows brighter or darker than others", "std in grey levels (0 to 255)"),
    "line_noise.columns": ("Columns brighter or darker than others", "std in grey levels (0 to 255)"),
    "raw_camera.sigma": ("Noise strength at mid-grey", "std in grey levels (0 to 255)"),
    "raw_camera.read": ("Noise in the dark", "read noise relative to photon noise"),
    "raw_camera.red": ("Amplification of red", "white balance"),
    "raw_camera.blue": ("Amplification of blue", "white balance"),
    "raw_camera.gradient": ("Sharpness of the demosaicing", "0: bilinear; 1: Malvar's"),
    "bilateral.strength": ("Denoising", "differences that it smooths, in grey levels (0 to 255)"),
    "unsharp_mask.sigma": ("Sharpening radius", "pixels"),
    "unsharp_mask.amount": ("Sharpening", "1: adds as much detail as a blur of this radius removes"),
    "learned.temperature": ("Temperature of the learned degradation", "times the noise that it learned"),
    "learned.heat": ("Temperature of the learned degradation", "times the noise that it learned"),
    "resize.factor": ("Size after a first resize", "times the final size"),
    "jpeg.quality": ("JPEG quality", "1 to 100"),
    "webp.quality": ("WebP quality", "1 to 100"),
}
"""Title and unit of numbers by operation and setting; others are shown by their names in the recipe."""

HIDING_QUALITY = 85
"""Quality at and below which compression removes most of ordinary noise, which is then found too weak: on simulated
cameras of quality 60 to 85, noise of std 3 to 10 was fitted as 2.9 to 6."""

_HIDDEN = {"sensor_noise.sigma", "raw_camera.sigma"}


@dataclass(frozen=True)
class NumberWords:
    """A row of the table of what was found.

    Attributes:
        name: in the recipe, e.g. ``sensor_noise.sigma``.
        title: what it is.
        unit: of the values.
        spread: where 80 % of the photos lie.
        typical: median over the photos.
        certainty: how sure the typical value is.
        is_sure: whether the photos or their files decide it.
    """

    name: str
    title: str
    unit: str
    spread: str
    typical: str
    certainty: str
    is_sure: bool


def title_in_sentence(number: FreeNumber) -> str:
    """Return a number's title as it is written within a sentence; its name in the recipe if it has none."""
    title, _ = TITLES.get(number.name, (number.name, ""))
    return title[0].lower() + title[1:]


def number_words(
    found: Sequence[NumberFinding], family: Family, compressions: Sequence[FileCompression] = ()
) -> list[NumberWords]:
    """Describe the numbers of a fit.

    Args:
        found: the numbers.
        family: the recipe that they stand in.
        compressions: of the photos.
    """
    return [_words(finding, family, compressions) for finding in found]


def _words(finding: NumberFinding, family: Family, compressions: Sequence[FileCompression]) -> NumberWords:
    number = finding.number
    title, unit = TITLES.get(number.name, (number.name, ""))
    if number.scale > 1:
        unit = f"{unit} of the clean image, {number.scale} times those of a photo"
    low, middle, high = (_shown(number, value) for value in (finding.low, finding.middle, finding.high))
    spread = low if low == high else f"{low} to {high}"
    if number.is_quality and family.file_step is not None and not family.is_told(number):
        title = f"{title} of an earlier compression"
    if family.is_told(number):
        title = f"{_formats(compressions)}quality of the files"
        return NumberWords(number.name, title[0].upper() + title[1:], unit, spread, middle, _source(compressions), True)
    if finding.use == "unused":
        return NumberWords(number.name, title, unit, "none", "none", "not found", True)
    if finding.use == "idle":
        return NumberWords(number.name, title, unit, "–", "–", "without effect, as the step is not used", True)
    if not finding.decided:
        certainty = "the photos do not decide this; the values are guesses"
        return NumberWords(number.name, title, unit, spread, middle, certainty, False)
    end = "at the end of its range; the photos may need more"
    certainty = end if finding.at_limit else _error(number, finding.error)
    if number.name in _HIDDEN and (quality := _hiding_quality(compressions)) is not None:
        certainty += f"; but compression of quality {quality} hides noise, and there may be up to twice as much"
    return NumberWords(number.name, title, unit, spread, middle, certainty, True)


def _error(number: FreeNumber, error: float) -> str:
    """Return a standard error as it is told, no finer than the number itself."""
    finest = 10.0 ** -_decimals(number)
    return f"± {error:.1g}" if error >= finest else f"± less than {finest:g}"


def _hiding_quality(compressions: Sequence[FileCompression]) -> int | None:
    """Return the median quality of photos whose compression hides noise; None if most photos show theirs."""
    lossy = [compression.quality for compression in compressions if compression.format != NONE]
    if not compressions or 2 * len(lossy) <= len(compressions):
        return None
    quality = round(float(np.median(lossy)))
    return quality if quality <= HIDING_QUALITY else None


def _formats(compressions: Sequence[FileCompression]) -> str:
    """Name the formats of the photos' files, with a space behind; nothing for lossless ones."""
    names = [name for format, name in CODEC_NAMES.items() if any(one.format == format for one in compressions)]
    return f"{' and '.join(names)} " if names else ""


def _source(compressions: Sequence[FileCompression]) -> str:
    """Say where the photos' compression was found."""
    in_pixels = {compression.seen_in_pixels for compression in compressions if compression.format != NONE}
    if in_pixels == {True}:
        return "found in the photos' pixels, as the files are lossless"
    if True in in_pixels:
        return "read from the photos' files, or found in the pixels of lossless ones"
    return "read from the photos' files"


def _shown(number: FreeNumber, value: float) -> str:
    if number.is_quality or abs(value) >= 100:
        return f"{value:.0f}"
    digits = 1 - math.floor(math.log10(abs(value))) if value else 0
    return f"{round(value, min(digits, _decimals(number))) + 0.0:g}"  # never -0


def _decimals(number: FreeNumber) -> int:
    """Return how many decimals of a number are told at most: two, and more where its range is narrower than 1."""
    return 2 + max(0, math.ceil(-math.log10(number.high - number.low)))
