"""Video clips in and out by FFmpeg's libraries (PyAV, the extra ``video``): frames, parts of clips, sound."""

import errno
import heapq
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
from natsort import natsorted

from patina.errors import PatinaError, PictureError, is_of_system, unreadable_file
from patina.hints import install
from patina.imaging.folder_scan import scan_folder
from patina.system.atomic import atomic_path
from patina.system.notes import note

VIDEO_SUFFIXES = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts")
"""Suffixes of clips, in lower case."""

CRF = 12
"""H.264's quality of written clips: losses that are hard to see."""

_PART_FORMAT = "nut"  # keeps every time stamp, which MP4's edit lists would shift
_BT709, _BT601 = "ITU709", "ITU601"
_MATRICES = {1: _BT709, 5: _BT601, 6: _BT601, 9: "BT2020"}
"""Matrices of luma and chroma, by their codes in ITU-T H.273."""

_AAC_FRAME = 1024
_HIGH_DEFINITION = 720


@dataclass(frozen=True)
class ClipInfo:
    """What is known of a clip without decoding it.

    Attributes:
        frames: number of frames; 0 if the file does not state it.
        rate: frames per second, on average.
        unit: seconds of a step of the time stamps.
    """

    frames: int
    rate: Fraction
    unit: Fraction


@dataclass(frozen=True)
class ClipFrame:
    """A frame: pixels ``[H, W, 3]`` RGB uint8, upright, and its time in units of its clip."""

    pixels: np.ndarray
    time: int


def list_clips(given: Path) -> list[Path]:
    """Return the clips that a path names: one clip, or those of a folder without images; otherwise none.

    Raises:
        PatinaError: as `scan_folder`.
    """
    if given.is_dir():
        names = [path.name for path in given.iterdir() if path.name[0] != "." and _is_clip(path)]
        return (
            [given / name for name in natsorted(names)] if names and not scan_folder(given, silent=True).names else []
        )
    return [given] if _is_clip(given) else []


def _is_clip(path: Path) -> bool:
    return path.suffix.lower() in VIDEO_SUFFIXES and path.is_file()


def require_video() -> None:
    """Check that PyAV is there.

    Raises:
        PatinaError: it is not.
    """
    try:
        import av  # noqa: F401
    except ImportError:
        raise PatinaError(f"clips need PyAV, which is not installed: {install('video')}") from None


def clip_info(path: Path) -> ClipInfo:
    """Return what a clip's headers say.

    Raises:
        PictureError: the file is no clip that can be read.
    """
    with _opened(path) as container:
        stream = _video(container, path)
        unit = Fraction(stream.time_base or Fraction(1, 1000))
        return ClipInfo(stream.frames, Fraction(stream.average_rate or 25), unit)


def clip_frames(path: Path, start: int = 0) -> Iterator[ClipFrame]:
    """Yield a clip's frames, all of one size, in the order in which they are shown, from number `start` on.

    Raises:
        PictureError: the file is damaged, holds no frames, or frames of several sizes.
    """
    with _opened(path) as container:
        stream = _video(container, path)
        stream.thread_type = "AUTO"
        last, count, size = -1, -1, None
        for count, frame in enumerate(container.decode(stream)):
            size = size or (frame.width, frame.height)
            if (frame.width, frame.height) != size:
                raise PictureError(
                    f"{path} changes from {size[0]}x{size[1]} to {frame.width}x{frame.height} at frame {count + 1}; "
                    "cut it into clips whose frames have one size"
                )
            time = last + 1 if frame.pts is None else max(frame.pts, last + 1)
            last = time
            if count >= start:
                yield ClipFrame(_pixels(frame), time)
        if count < 0:
            raise PictureError(f"{path} holds no frames; copy it again or remove it")


def _pixels(frame: Any) -> np.ndarray:
    matrix = _MATRICES.get(int(frame.colorspace), _BT709 if frame.height >= _HIGH_DEFINITION else _BT601)
    pixels = frame.reformat(format="rgb24", src_colorspace=matrix).to_ndarray()
    return np.ascontiguousarray(np.rot90(pixels, round(frame.rotation / 90) % 4))


def write_part(path: Path, frames: Iterator[ClipFrame], info: ClipInfo, count: int) -> int:
    """Write the next `count` frames of an iterator as a part of a clip; return how many there were.

    The file appears whole or not at all; without frames it does not appear.
    """
    import av

    first = next(frames, None)
    if first is None:
        return 0
    height, width = first.pixels.shape[:2]
    with atomic_path(path) as temporary, av.open(str(temporary), "w", format=_PART_FORMAT) as container:
        stream: Any = container.add_stream("libx264", rate=info.rate)
        stream.width, stream.height = width, height
        stream.pix_fmt = "yuv420p" if height % 2 == width % 2 == 0 else "yuv444p"
        stream.time_base = stream.codec_context.time_base = info.unit
        stream.codec_context.thread_count = 2  # fixed, as the bytes depend on it
        stream.codec_context.colorspace, stream.codec_context.max_b_frames = 1, 0
        # The fastest code for some processors gives other bytes from time to time where sides are no multiples of 16.
        stream.options = {"crf": str(CRF), "preset": "medium", "x264-params": "cpu-independent=1"}
        written = 0
        for frame in (first, *islice(frames, count - 1)):
            picture: Any = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame.pixels), format="rgb24")
            planes = picture.reformat(format=stream.pix_fmt, dst_colorspace=_BT709)
            planes.pts, planes.time_base = frame.time, info.unit
            container.mux(stream.encode(planes))
            written += 1
        container.mux(stream.encode(None))
    return written


def join_parts(parts: Sequence[Path], source: Path, output: Path) -> None:
    """Put the parts of a clip together and add the sound of its source.

    Sound is copied. Formats that MP4 cannot hold, such as uncompressed samples, are converted to AAC; if that fails,
    the clip has no sound. Both are noted.

    Raises:
        PictureError: the source cannot be read.
    """
    for sound, told in (
        (_copied, ""),
        (_as_aac, "written with sound converted to AAC, because MP4 cannot hold the original format"),
    ):
        try:
            _join(parts, source, output, sound)
        except PictureError:
            continue
        if told:
            note(told)
        return
    _join(parts, source, output, lambda container, sounding: iter(()))
    note("written without sound, because its format can be neither copied nor converted")


def _join(parts: Sequence[Path], source: Path, output: Path, sound: "Sound") -> None:
    import av

    with (
        _opened(source) as sounding,
        _opened(parts[0]) as first,
        atomic_path(output) as temporary,
        av.open(str(temporary), "w") as container,
    ):
        video: Any = container.add_stream_from_template(_video(first, parts[0]))
        video.time_base = _video(first, parts[0]).time_base
        audio = sound(container, sounding)
        frames = ((packet, video) for packet in _packets(parts))
        for packet, stream in heapq.merge(frames, audio, key=lambda pair: pair[0].dts * pair[0].time_base):
            packet.stream = stream
            container.mux(packet)


def _packets(parts: Sequence[Path]) -> Iterator[Any]:
    for part in parts:
        with _opened(part) as container:
            yield from (packet for packet in container.demux(video=0) if packet.dts is not None)


Sound = Callable[[Any, Any], Iterator[tuple[Any, Any]]]
"""Adds the streams of sound of a clip to a container, and returns their packets, each with its stream."""


def _copied(container: Any, sounding: Any) -> Iterator[tuple[Any, Any]]:
    streams = list(sounding.streams.audio)
    copies = {stream.index: container.add_stream_from_template(stream) for stream in streams}
    packets = sounding.demux(streams) if streams else iter(())
    return ((packet, copies[packet.stream.index]) for packet in packets if packet.dts is not None)


def _as_aac(container: Any, sounding: Any) -> Iterator[tuple[Any, Any]]:
    """Encode the first stream of sound."""
    import av

    stream = sounding.streams.audio[0]
    layout = "mono" if stream.channels == 1 else "stereo"
    made = container.add_stream("aac", rate=stream.rate, layout=layout)
    resampler = av.AudioResampler(format="fltp", layout=layout, rate=stream.rate, frame_size=_AAC_FRAME)

    def packets() -> Iterator[tuple[Any, Any]]:
        for frame in chain(sounding.decode(stream), (None,)):
            for part in resampler.resample(frame):
                yield from ((packet, made) for packet in made.encode(part))
        yield from ((packet, made) for packet in made.encode(None))

    return packets()


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open a clip, and name the file in what FFmpeg reports while it is read."""
    import av

    container = None
    try:
        container = av.open(str(path))
        yield container
    except (av.FFmpegError, ValueError) as error:
        if is_of_system(error) and error.errno != errno.EIO:  # which FFmpeg says of files that are cut off, too
            raise unreadable_file(path, error) from None
        reason = getattr(error, "strerror", None) or error
        raise PictureError(f"{path} cannot be read as a clip ({reason}); copy it again or remove it") from None
    finally:
        if container is not None:
            with suppress(av.FFmpegError):
                container.close()


def _video(container: Any, path: Path) -> Any:
    if not container.streams.video:
        raise PictureError(f"{path} has no video, only sound; remove it")
    return container.streams.video[0]
