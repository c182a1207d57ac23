"""What is known of a picture file without decoding it, and how a broken one is named."""

from dataclasses import dataclass

from patina.imaging.colour_spaces import SRGB, ColourTags

TRUNCATED = "is truncated (the end of the file is missing); copy it again or remove it"
DAMAGED = "is damaged inside (a checksum is wrong); copy it again or remove it"
FLOAT = "stores signed, floating-point or 32-bit pixels; convert it to 8 or 16 bit"
NO_PICTURE = "contains no image data; remove it"


class BrokenPicture(ValueError):
    """A picture file that cannot be used; the message continues a sentence that begins with the file's name."""


@dataclass(frozen=True)
class PictureHeader:
    """A picture's properties, known without decoding it.

    Attributes:
        kind: ``"PNG"``, ``"JPEG"``, ``"WebP"``, ``"BMP"``, ``"TIFF"``, ``"GIF"``, ``"AVIF"``, ``"HEIC"`` or
            ``"JPEG XL"``, detected from the content; or ``"raw"``, by its suffix.
        height, width: stored size in pixels, before the orientation is applied.
        orientation: EXIF orientation, 1 to 8.
        gray: the file stores one colour channel.
        channels: number of channels of a JPEG, 1, 3 or 4; 4 also for a TIFF of CMYK.
        animated: the file may hold several pictures, which follow each other in time.
        bits: of a sample of a JPEG XL, AVIF or HEIC, 1 to 16.
        colours: what the file says about its colours.
    """

    kind: str
    height: int
    width: int
    orientation: int = 1
    gray: bool = False
    channels: int = 3
    animated: bool = False
    bits: int = 8
    colours: ColourTags = SRGB

    @property
    def upright_size(self) -> tuple[int, int]:
        """Height and width in pixels after the orientation is applied."""
        return (self.width, self.height) if self.orientation >= 5 else (self.height, self.width)
