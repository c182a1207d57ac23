"""Names of the formats that results are written in; light to import, for help texts."""

FORMAT_NAMES = ("png", "tiff", "webp-lossless", "webp", "jpeg", "avif")
"""See `patina.imaging.written_formats`."""

QUALITY = 95
"""Quality of JPEG, WebP and AVIF unless told otherwise."""
