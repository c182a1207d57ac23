"""Small pictures, and files of every format that others wrote."""

import io
import zlib

import cv2
import numpy as np
from PIL import Image

HEIGHT, WIDTH = 21, 34
RNG = np.random.default_rng(7)


def noise(depth: int = 8, channels: int = 3) -> np.ndarray:
    dtype = {8: np.uint8, 16: np.uint16}[depth]
    return RNG.integers(0, 2**depth, (HEIGHT, WIDTH, channels)).astype(dtype)


def smooth() -> np.ndarray:
    """A picture that lossy formats keep, no two corners alike."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)
    return np.stack([rows * 10, columns * 6, 200 - rows * 4 - columns * 2], axis=-1).astype(np.uint8)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def sample(kind: str) -> bytes:
    image = Image.fromarray(noise())
    if kind == "progressive JPEG":
        return encoded(image, "JPEG", progressive=True)
    if kind == "lossless WebP":
        return encoded(image, "WEBP", lossless=True)
    if kind == "TIFF, directory last":
        return bytes(cv2.imencode(".tif", noise())[1])
    return encoded(image, kind)


KINDS = [
    "PNG", "JPEG", "progressive JPEG", "WEBP", "lossless WebP", "BMP", "TIFF", "TIFF, directory last", "GIF", "AVIF",
]  # fmt: skip


def png_chunk(kind: bytes, payload: bytes) -> bytes:
    return len(payload).to_bytes(4, "big") + kind + payload + zlib.crc32(kind + payload).to_bytes(4, "big")
