"""The interpolations by name, and the default tiles and backends of networks; light to import, for help texts."""

from typing import Literal, get_args

InterpolationName = Literal["nearest", "bilinear", "bicubic", "lanczos"]
"""``bicubic`` is MATLAB's; ``lanczos`` has three lobes."""

INTERPOLATIONS: tuple[str, ...] = get_args(InterpolationName)

BACKENDS = ("auto", "torch", "onnxruntime", "openvino")
"""What computes a network's tiles, see `patina.pipelines.network_backends`."""

TILE, OVERLAP = 256, 32
"""Default side and overlap of a network's tiles in pixels; ESRGAN at x4 then needs about 1.5 GB."""
