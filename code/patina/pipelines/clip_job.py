"""Processes clips in parts, so that an interrupted command resumes where it stopped."""

import shutil
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from patina.errors import PatinaError
from patina.imaging.sources import require_outside
from patina.imaging.video_files import ClipFrame, clip_frames, clip_info, join_parts, write_part
from patina.runs.folder_lock import HIDDEN
from patina.system.inner_paths import require_no_link_out
from patina.system.progress import progress

PART = 48
"""Frames per part: the most work that an interruption can lose."""

FrameWork = Callable[[int, np.ndarray], np.ndarray]
"""Maps a frame's number and its pixels, uint8 RGB, to new pixels."""


def require_plain_folder(source: Path, out: Path, *elsewhere: object) -> None:
    """Refuse settings that clips do not support.

    Args:
        source, out: the clips, and the folder of results.
        elsewhere: the chosen shard and cluster; None for none.

    Raises:
        PatinaError: a shard, a cluster or tars were asked for, or `out` is the folder of the clips.
    """
    if any(choice is not None for choice in elsewhere) or out.suffix == ".tar":
        raise PatinaError(
            f"clips are processed by one machine; omit -shard and -engine, and write to a folder (output is {out})"
        )
    require_outside(out, source, recursive=False)


def make_clip(source: Path, output: Path, work: FrameWork, *, folder: Path, digest: str, workers: int) -> None:
    """Process every frame of a clip; time stamps and sound are kept.

    Args:
        source: the clip.
        output: the new clip.
        work: maps a frame's number and pixels to new pixels, all of one size; called in several threads.
        folder: the output folder, in which finished parts are kept until the clip is complete.
        digest: of the source and everything that decides the frames; parts made under another digest are not used.
        workers: number of threads.

    Raises:
        PictureError: the clip cannot be read, or `work` refuses a frame.
        PatinaError: a file cannot be written.
    """
    info, place = clip_info(source), folder / HIDDEN / "clips" / digest
    require_no_link_out([f"{HIDDEN}/clips/{digest}"], folder)
    parts: list[Path] = []
    while (part := place / f"{len(parts):06d}.nut").is_file():
        parts.append(part)
    start = PART * len(parts)
    whole = clip_frames(source, start)
    shown = progress(whole, output.name, total=max(0, info.frames - start) or None)
    with ThreadPoolExecutor(workers) as pool:
        frames = _ahead(enumerate(shown, start), work, pool, workers)
        while write_part(part := place / f"{len(parts):06d}.nut", frames, info, PART):
            parts.append(part)
    join_parts(parts, source, output)
    shutil.rmtree(place, ignore_errors=True)


def _ahead(
    numbered: Iterator[tuple[int, ClipFrame]], work: FrameWork, pool: ThreadPoolExecutor, ahead: int
) -> Iterator[ClipFrame]:
    """Yield the new frames in order, with a few in progress at a time."""
    waiting: deque[tuple[int, Future[np.ndarray]]] = deque()
    for number, frame in numbered:
        waiting.append((frame.time, pool.submit(partial(work, number), frame.pixels)))
        if len(waiting) > ahead:
            time, done = waiting.popleft()
            yield ClipFrame(done.result(), time)
    while waiting:
        time, done = waiting.popleft()
        yield ClipFrame(done.result(), time)
