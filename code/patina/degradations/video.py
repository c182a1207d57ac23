"""What video codecs leave in a picture: one frame, encoded and decoded in memory by FFmpeg's libraries (PyAV)."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import model_validator

from patina.degradations.base import Frame, Operation, Parameters
from patina.degradations.ranges import Among, Between, Weights, WholeRange, draw_kind, draw_whole
from patina.errors import PatinaError, PictureError
from patina.hints import install
from patina.imaging.value_spaces import to_values, values_to_pixels

if TYPE_CHECKING:
    import av


@dataclass(frozen=True)
class Codec:
    """A video codec.

    Attributes:
        encoders: names in FFmpeg; the first that is there is used.
        decoders: the same.
        largest: largest quantiser.
        option: name of the option that sets the quantiser; None for the codecs of the MPEG family, which have qscale.
        options: others.
        multiple, least: sides of a frame are padded to multiples of one, and up to the other.
    """

    encoders: tuple[str, ...]
    decoders: tuple[str, ...]
    largest: int
    option: str | None = "crf"
    options: Mapping[str, str] = field(default_factory=dict)
    multiple: int = 2
    least: int = 16


CODECS = {
    "h264": Codec(("libx264",), ("h264",), 51),
    "hevc": Codec(("libx265",), ("hevc",), 51, options={"x265-params": "log-level=none:pools=none"}, least=64),
    "vp9": Codec(
        ("libvpx-vp9",),
        ("vp9", "libvpx-vp9"),
        63,
        options={"b": "0", "deadline": "good", "cpu-used": "4", "lag-in-frames": "0"},
    ),
    "av1": Codec(
        ("libsvtav1", "libaom-av1"), ("libdav1d", "av1"), 63, options={"preset": "8", "svtav1-params": "lp=1"}, least=64
    ),
    "mpeg1": Codec(("mpeg1video",), ("mpeg1video",), 31, None),
    "mpeg2": Codec(("mpeg2video",), ("mpeg2video",), 31, None),
    "mpeg4": Codec(("mpeg4",), ("mpeg4",), 31, None),
}
"""The codecs by name; their quantisers are FFmpeg's crf (H.264, HEVC, VP9, AV1) or qscale (MPEG-1, 2, 4)."""


class VideoCodec(Operation):
    """Compression of one frame by a video codec: an intra frame, 8 bit, chroma 4:2:0, BT.601."""

    name = "video_codec"
    family = "compression"

    codec: Annotated[Weights, Among(tuple(CODECS), "codec")]
    """Codecs: h264, hevc, vp9, av1, mpeg1, mpeg2, mpeg4."""

    quantiser: Annotated[WholeRange, Between(1, 63)]
    """FFmpeg's crf of h264 and hevc (up to 51), vp9 and av1 (63), qscale of MPEG-1, 2 and 4 (31); larger is coarser."""

    @model_validator(mode="after")
    def _codecs_know_the_quantiser(self) -> "VideoCodec":
        for name in self.codec:
            if self.quantiser[1] > CODECS[name].largest:
                raise ValueError(
                    f"quantiser is up to {self.quantiser[1]}, expected at most {CODECS[name].largest} for {name}"
                )
        return self

    def check_ready(self) -> None:
        """Make sure that PyAV and its codecs are there.

        Raises:
            PatinaError: PyAV or a codec is missing.
        """
        for name in self.codec:
            encoder_of(name)

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw both."""
        return {"codec": draw_kind(rng, self.codec), "quantiser": draw_whole(rng, self.quantiser)}

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Encode and decode."""
        return to_values(recompress_frame(values_to_pixels(image), parameters["codec"], int(parameters["quantiser"])))


@cache
def encoder_of(codec: str) -> str:
    """Return the name of a codec's encoder in the installed FFmpeg libraries.

    Raises:
        PatinaError: PyAV is not installed, or lacks the codec.
    """
    return _first_of(CODECS[codec].encoders, codec)


def recompress_frame(pixels: np.ndarray, codec: str, quantiser: int) -> np.ndarray:
    """Encode and decode one frame.

    Args:
        pixels: ``[H, W, 3]`` RGB uint8.
        codec: a key of `CODECS`.
        quantiser: FFmpeg's crf or qscale, 1 to the codec's largest.

    Returns:
        Pixels of the same shape.

    Raises:
        PatinaError: as in `encoder_of`.
        PictureError: the codec does not take or give the picture, e.g. because it is too large.
    """
    import av

    height, width = pixels.shape[:2]
    padded = _padded(pixels, CODECS[codec])
    try:
        packets = _encoded(av.VideoFrame.from_ndarray(padded, format="rgb24"), codec, quantiser)
        decoder: Any = av.CodecContext.create(_first_of(CODECS[codec].decoders, codec), "r")
        frames = [frame for packet in [*packets, None] for frame in decoder.decode(packet)]
    except (av.FFmpegError, ValueError) as error:
        raise PictureError(f"{width}x{height} pixels cannot be compressed as {codec}: {error}") from error
    if len(frames) != 1 or (frames[0].height, frames[0].width) != padded.shape[:2]:
        raise PictureError(f"{codec} did not return {width}x{height} pixels as one frame of that size")
    return frames[0].to_ndarray(format="rgb24")[:height, :width]


def _encoded(frame: "av.VideoFrame", codec: str, quantiser: int) -> list[Any]:
    import av

    kind = CODECS[codec]
    os.environ.setdefault("SVT_LOG", "1")  # errors alone; it prints its settings for every picture otherwise
    encoder: Any = av.CodecContext.create(encoder_of(codec), "w")
    encoder.width, encoder.height, encoder.pix_fmt = frame.width, frame.height, "yuv420p"
    encoder.time_base, encoder.framerate, encoder.gop_size = Fraction(1, 25), Fraction(25), 1
    encoder.thread_count = 1  # the same bytes for any number of cores
    encoder.options = dict(kind.options) | ({kind.option: str(quantiser)} if kind.option else {})
    if kind.option is None:
        encoder.qmin = encoder.qmax = quantiser
        encoder.bit_rate = 10**9  # the limits of the quantiser decide
    planes = frame.reformat(format="yuv420p")
    planes.pts = 0
    return [*encoder.encode(planes), *encoder.encode(None)]


def _padded(pixels: np.ndarray, codec: Codec) -> np.ndarray:
    """Repeat the last rows and columns up to a size that the codec takes."""
    sides = (max(codec.least, -(-side // codec.multiple) * codec.multiple) for side in pixels.shape[:2])
    room = [(0, wanted - side) for wanted, side in zip(sides, pixels.shape[:2], strict=True)]
    return np.pad(pixels, (*room, (0, 0)), mode="edge")


def missing_codecs() -> list[str]:
    """Return the names of the codecs that cannot be used: all without PyAV, or those that the installed one lacks.

    A codec needs an encoder and a decoder.
    """
    try:
        import av
    except ImportError:
        return list(CODECS)
    there = av.codecs_available
    return [name for name, codec in CODECS.items() if not (there & {*codec.encoders} and there & {*codec.decoders})]


def _first_of(names: tuple[str, ...], codec: str) -> str:
    try:
        import av
    except ImportError:
        raise PatinaError(f"video_codec needs PyAV, which is not installed: {install('video')}") from None
    for name in names:
        if name in av.codecs_available:
            return name
    raise PatinaError(
        f"video_codec: the installed PyAV {av.__version__} has no {codec} ({' or '.join(names)}); "
        f"{install('video')}, or leave the codec out"
    )
