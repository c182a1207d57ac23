"""Damaged copies of small files of every format, and what other decoders make of them."""

import io
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import cv2
import imagecodecs
import numpy as np
from PIL import Image, ImageOps

from patina.errors import PictureError
from patina.imaging.camera_raw import develop
from patina.imaging.heic_pictures import decode_heic
from patina.imaging.picture_files import picture_size, read_picture
from patina.imaging.plugin_pictures import AROUND
from patina.system.notes import collected
from stored_ways import FORMATS, photo

LONGEST = 5.0
"""Seconds after which a small picture counts as a hang."""


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """Return a damaged copy: bytes overwritten, cut out, inserted, or the end missing."""
    damaged = bytearray(data)
    # Every second damage hits the headers, which are small.
    reach = len(data) if rng.random() < 0.5 else min(len(data), 200)
    place, length = int(rng.integers(0, reach)), int(2 ** rng.integers(0, 6))
    junk = rng.integers(0, 256, length).astype(np.uint8).tobytes()
    kind = rng.integers(0, 6)
    if kind == 0:
        return data[:place]
    if kind == 1:
        del damaged[place : place + length]
    elif kind == 2:
        damaged[place:place] = junk
    elif kind == 3:
        damaged[place] ^= 1 << int(rng.integers(0, 8))
    elif kind == 4:
        damaged[place : place + length] = bytes(len(damaged[place : place + length]))
    else:
        damaged[place : place + length] = junk[: len(damaged[place : place + length])]
    return bytes(damaged)


def mutations(kind: str, count: int) -> Iterator[tuple[str, bytes]]:
    """Yield `count` damaged files of a format, each behind its way of storing."""
    rng, pixels = np.random.default_rng(sum(kind.encode())), photo()
    whole = {way: encode(pixels) for way, encode in FORMATS[kind].items()}
    for index in range(count):
        way = list(whole)[index % len(whole)]
        yield way, mutated(whole[way], rng)


PACKAGES = {"HEIC": "pi_heif", "camera raw": "rawpy"}
"""What is needed for formats that are an extra."""

SUFFIXES = {"camera raw": ".dng"}
"""Formats that are recognised by their suffixes."""


def _only_decoder(kind: str, data: bytes) -> np.ndarray:
    """Decode a format that has one decoder; return RGB ``[H, W, 3]`` uint8."""
    pixels = {"JPEG XL": imagecodecs.jpegxl_decode, "HEIC": decode_heic, "camera raw": develop}[kind](data)
    pixels = pixels if pixels.dtype == np.uint8 else (pixels >> 8).astype(np.uint8)
    return pixels[..., :3] if pixels.ndim == 3 else pixels[..., None].repeat(3, axis=2)


def _other_decoder(kind: str, data: bytes) -> np.ndarray:
    """Decode a format for which the reader has Pillow by another library, RGB ``[H, W, 3]`` uint8."""
    if kind == "BMP":
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    pixels = imagecodecs.gif_decode(data, index=0) if kind == "GIF" else imagecodecs.avif_decode(data)
    coloured = pixels.ndim == 3 and pixels.shape[2] >= 3
    return pixels[..., :3] if coloured else pixels.reshape(*pixels.shape[:2], -1)[..., :1].repeat(3, axis=2)


def strictly_decoded(kind: str, data: bytes) -> np.ndarray | None:
    """Return what another decoder than the reader's, or else the only one, makes of a file, RGB ``[H, W, 3]`` uint8;
    None if it refuses."""
    try:
        if kind in ("JPEG XL", *PACKAGES):
            return _only_decoder(kind, data)
        if kind in ("BMP", "GIF", "AVIF"):
            return _other_decoder(kind, data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(data))
            upright = ImageOps.exif_transpose(image)
            if upright.mode.startswith("I"):
                return np.repeat((np.asarray(upright) >> 8).astype(np.uint8)[..., None], 3, axis=2)
            return np.asarray(upright.convert("RGBA"))[..., :3]
    except Exception:  # it refuses broken files in many ways
        return _twelve_bits_decoded(data) if kind == "TIFF" else None


def _twelve_bits_decoded(data: bytes) -> np.ndarray | None:
    """Decode a TIFF that Pillow does not know, such as one of 12 bits per sample, RGB ``[H, W, 3]`` uint8."""
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.dtype != np.uint16 or pixels.ndim != 3:
        return None
    return (pixels[..., 2::-1] >> 8).astype(np.uint8)


def wrong_answers(kind: str, count: int, path: Path) -> list[str]:
    """Read `count` damaged files of a format and describe every one whose answer is wrong.

    An answer is wrong where it is neither a message that names the file nor a picture that a strict decoder gives,
    too, or that is there whole in spite of the damage; and where it takes long.
    """
    wrong = []
    whole = {way: _read(path, encode(photo())) for way, encode in FORMATS[kind].items()}
    for number, (way, data) in enumerate(mutations(kind, count)):
        began = time.monotonic()
        picture = _read(path, data)
        if time.monotonic() - began > LONGEST:
            wrong.append(f"{kind}, {way}, number {number}: took {time.monotonic() - began:.1f} s")
        if isinstance(picture, str):
            if str(path) not in picture or "\n" in picture:
                wrong.append(f"{kind}, {way}, number {number}: {picture}")
        elif (
            picture is not None
            and not _alike(picture, whole[way])
            and not _alike(picture, strictly_decoded(kind, data))
        ):
            wrong.append(f"{kind}, {way}, number {number}: an unnamed wrong image")
    return wrong


def _read(path: Path, data: bytes) -> np.ndarray | str | None:
    """Return pixels, why there are none, or None if it is said what makes them others than a decoder's: background
    around a smaller image, or colours that the file states."""
    path.write_bytes(data)
    try:
        picture_size(path)
        with collected() as notes:
            pixels = read_picture(path).pixels
    except PictureError as error:
        return str(error)
    if AROUND in notes or any(told.startswith("converted from") for told in notes):
        return None
    return pixels if pixels.dtype == np.uint8 else (pixels >> 8).astype(np.uint8)


def _alike(picture: np.ndarray, other: np.ndarray | str | None) -> bool:
    """Two decoders' arithmetic on inks differs by a few levels."""
    return (
        isinstance(other, np.ndarray)
        and picture.shape == other.shape
        and int(np.abs(picture.astype(int) - other).max()) <= 3
    )
