"""Cases of images: a recipe's images per second and where their time goes, and codecs in memory against processes."""

import io
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from patina.degradations.execution import apply_step
from patina.degradations.video import CODECS, encoder_of, missing_codecs, recompress_frame
from patina.imaging.picture_files import png_bytes, read_picture
from patina.imaging.sources import list_sources
from patina.imaging.value_spaces import to_values, values_to_pixels
from patina.pipelines.recipe_choice import RecipeChoice
from patina.pipelines.recipe_speed import SpeedRequest, make_pictures, measure_speed
from patina.system.machine import processor_seconds

RECIPE, CODEC = "web-photo without its learned block", "codec of one frame"
COMPARED = {"h264": 28, "hevc": 28, "vp9": 32, "av1": 35, "mpeg2": 8, "mpeg4": 8}
"""The codecs that are compared, with their quantisers."""

IN_PROCESSES, IN_MEMORY = "an ffmpeg process an image", "PyAV"
HEADS = ("task", "path", "images", "per second", "core ms each", "speed-up", "in core time")
ROUNDS = 3

Row = dict[str, Any]


def image_rows(quick: bool, only: str | None) -> list[Row]:
    """Measure the cases whose task contains the text `only`, all for None; `quick` takes few and small images."""
    tasks: Mapping[str, Callable[[bool], list[Row]]] = {RECIPE: _recipe_rows, CODEC: _codec_rows}
    rows: list[Row] = []
    for task, measured in tasks.items():
        if only is None or only.lower() in task.lower():
            print(task, file=sys.stderr, flush=True)
            rows += measured(quick)
    return rows


def image_table(rows: list[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = ["| " + " | ".join(HEADS) + " |", "| --- | --- |" + " ---: |" * (len(HEADS) - 2)]
    for row in rows:
        ratios = [f"{row[name]:.1f}" if row[name] else "" for name in ("speed_up", "core_speed_up")]
        cells = [row["task"], row["path"], str(row["images"]), f"{row['images'] / row['seconds']:.1f}"]
        cells += [f"{1000 * row['core_seconds'] / row['images']:.2f}", *ratios]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _row(task: str, path: str, images: int, spent: list[float], plain: list[float] | None = None) -> Row:
    """Return a row of the time and processor time that was spent, compared with those of the plain path."""
    ratios = [None, None] if plain is None else [one / other for one, other in zip(plain, spent, strict=True)]
    return {
        "task": task, "path": path, "images": images, "seconds": spent[0], "core_seconds": spent[1],
        "speed_up": ratios[0], "core_speed_up": ratios[1],
    }  # fmt: skip


# A recipe


def _recipe_rows(quick: bool) -> list[Row]:
    """Measure the command with one process and two, and each stage alone in this process."""
    choice = RecipeChoice("web-photo", without_learned=True)
    side, count = (64, 6) if quick else (512, 400)
    rows = []
    for workers in (1, 2):
        speed = measure_speed(SpeedRequest(choice, count, side, workers))
        path = f"{speed.variants}, {workers} worker{'s' * (workers > 1)}"
        rows.append(_row(RECIPE, path, speed.made, [speed.seconds, speed.busy_seconds]))
    return rows + _stage_rows(choice, side, 6 if quick else 120)


def _stage_rows(choice: RecipeChoice, side: int, count: int) -> list[Row]:
    recipe = choice.load()
    variant = str(choice.or_longest(recipe).outputs(recipe))
    spent: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    with TemporaryDirectory() as folder:
        make_pictures(Path(folder), count, side)
        for source in list_sources(Path(folder)):
            pixels = _timed(spent["reading PNG"], _pixels, source.path)
            image = _timed(spent["to numbers and back"], to_values, pixels)
            for step in recipe.draw(variant, (side, side), 0, source.name):
                stage = "resizing" if "size" in step.parameters else step.op
                image = _timed(spent[stage], apply_step, image, step)
            result = _timed(spent["to numbers and back"], values_to_pixels, image)
            _timed(spent["writing PNG"], png_bytes, result)
    return [_row(RECIPE, f"of it: {stage}", count, times) for stage, times in spent.items()]


def _pixels(path: Path) -> np.ndarray:
    return read_picture(path).pixels


def _timed(spent: list[float], work: Callable[..., Any], *given: Any) -> Any:
    """Call `work` and return its result; add its wall-clock and processor seconds to `spent`."""
    began, busy = time.perf_counter(), time.process_time()
    result = work(*given)
    spent[0] += time.perf_counter() - began
    spent[1] += time.process_time() - busy
    return result


# Codecs


def _codec_rows(quick: bool) -> list[Row]:
    """Compress the same images in turn by a process each and in memory."""
    program = ffmpeg_program()
    codecs = [codec for codec in COMPARED if codec not in missing_codecs()]
    if program is None or not codecs:
        print("  left out: needs ffmpeg (or pip install imageio-ffmpeg) and PyAV", file=sys.stderr)
        return []
    side, count = (64, 1) if quick else (256, 8)
    with TemporaryDirectory() as folder:
        make_pictures(Path(folder), count, side)
        images = [read_picture(source.path).pixels for source in list_sources(Path(folder))]
    rows = []
    for codec in codecs[:1] if quick else codecs:
        rows += _compared(program, codec, images, 1 if quick else ROUNDS)
    return rows


def _compared(program: str, codec: str, images: list[np.ndarray], rounds: int) -> list[Row]:
    quantiser, spent = COMPARED[codec], {IN_PROCESSES: [0.0, 0.0], IN_MEMORY: [0.0, 0.0]}
    recompress_frame(images[0], codec, quantiser)
    for _ in range(rounds):
        for path, work in ((IN_PROCESSES, _by_process), (IN_MEMORY, _in_memory)):
            began, busy = time.perf_counter(), processor_seconds()
            for image in images:
                work(program, image, codec, quantiser)
            spent[path][0] += time.perf_counter() - began
            spent[path][1] += processor_seconds() - busy
    count = rounds * len(images)
    return [_row(CODEC, f"{codec}, {path}", count, times, spent[IN_PROCESSES]) for path, times in spent.items()]


def _in_memory(_program: str, image: np.ndarray, codec: str, quantiser: int) -> np.ndarray:
    return recompress_frame(image, codec, quantiser)


def _by_process(program: str, image: np.ndarray, codec: str, quantiser: int) -> np.ndarray:
    """Encode by a process, as older tools do; decode here, which they do by a second one or OpenCV."""
    import av

    height, width = image.shape[:2]
    kind = CODECS[codec]
    quality = [f"-{kind.option or 'q:v'}", str(quantiser)]
    options = [part for name, value in kind.options.items() for part in (f"-{name}", value)]
    command = [program, "-v", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-i", "-",
               "-c:v", encoder_of(codec), *quality, *options, "-pix_fmt", "yuv420p", "-f", "nut", "-"]  # fmt: skip
    encoded = subprocess.run(command, input=image.tobytes(), capture_output=True, check=True).stdout
    with av.open(io.BytesIO(encoded)) as container:
        return next(container.decode(video=0)).to_ndarray(format="rgb24")


def ffmpeg_program() -> str | None:
    """Return the path of ffmpeg: the system's, or imageio-ffmpeg's; None for neither."""
    if found := shutil.which("ffmpeg"):
        return found
    try:
        import imageio_ffmpeg
    except ImportError:
        return None
    return str(imageio_ffmpeg.get_ffmpeg_exe())
