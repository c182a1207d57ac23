"""Conditions on disk: what h's filters make of a domain's images, computed once."""

from pathlib import Path

import numpy as np

from patina.conditions.condition_map import ConditionMap
from patina.errors import PatinaError
from patina.imaging.picture_files import list_pictures, read_picture, write_picture
from patina.imaging.value_spaces import to_eight_bit
from patina.runs.fingerprint import file_stamp
from patina.runs.folder_job import output_paths, run_folder_job
from patina.system.jsonl import Line, append_lines, read_lines

LOG_NAME = "made.jsonl"
"""The file in a folder of conditions that says of which state of its image each was made."""


def prepare_conditions(images: Path, h: ConditionMap) -> Path:
    """Write the filtered pictures of a folder beside it, where they are not there yet or their image has changed.

    An image that cannot be read is named and gets none; conditions of images that are gone are removed.

    Args:
        images: a folder of images, e.g. ``1x/`` of a set.
        h: its filters before any noise are done.

    Returns:
        The folder of conditions; `images` itself where h begins with noise.

    Raises:
        PatinaError: no picture can be read, or the sides of one are no multiples of h's scale.
    """
    if not h.whole_steps:
        return images
    folder = images.parent / f"{images.name}-h-{h.digest}"
    conditions = output_paths(list_pictures(images), folder)
    log = folder / LOG_NAME
    made = {line["image"]: tuple(line["stamp"]) for line in read_lines(log)}

    def work(path: Path) -> Line:
        line = {"image": path.name, "stamp": file_stamp(path)}
        write_picture(conditions[path], whole_condition(path, h))
        return line

    missing = [
        path
        for path, condition in conditions.items()
        if not condition.is_file() or made.get(path.name) != file_stamp(path)
    ]
    report = run_folder_job(
        missing, work, description="conditions", name=str, on_result=lambda line: append_lines(log, [line])
    )
    if len(report.failures) == len(conditions):
        raise PatinaError(report.failures[0][1])
    report.print_summary()
    without = {name for name, _ in report.failures}
    wanted = {condition for path, condition in conditions.items() if str(path) not in without}
    for path in set(list_pictures(folder)) - wanted:
        path.unlink()
    return folder


def whole_condition(path: Path, h: ConditionMap) -> np.ndarray:
    """Return what h's filters before any noise make of a picture: ``[h, w, 3]`` uint8.

    Raises:
        PatinaError: its sides are no multiples of h's scale.
    """
    pixels = to_eight_bit(read_picture(path, alpha="refuse").pixels)
    if any(length % h.whole_scale for length in pixels.shape[:2]):
        raise PatinaError(
            f"{path}: {pixels.shape[1]}x{pixels.shape[0]} pixels, expected multiples of {h.whole_scale} for this h; "
            "`patina prepare` cuts them"
        )
    return h.whole(pixels)
